"""What an SVG file is before it is XML: gzip'ed or not, in UTF-8 or UTF-16, and where its root element begins.

No decision hangs on a suffix or on a search for ``<svg`` somewhere: an HTML page with a drawing in it is no SVG.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

from proxy.errors import ImageTooLarge, InvalidImageFormat

LOOK_AHEAD_BYTES: Final = 262_144
"""Declaration, comments and DOCTYPE may be this long together."""
MOST_BYTES: Final = 32 * 1024 * 1024
"""Unpacked."""

_GZIP = b"\x1f\x8b\x08"
_UTF_16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\x00": "utf-16-le", b"\x00<": "utf-16-be"}
_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(rb"[ \t\r\n]*")
_ROOT = re.compile(rb"<(?:[^\s<>/:]{1,100}:)?svg[\s/>]")
_DOCTYPE_PARTS = re.compile(rb"<!--|[\"'\[\]>]")
_CLOSING = {b"<!--": b"-->", b'"': b'"', b"'": b"'"}

Body = bytes | memoryview


def starts_as_svg(body: Body) -> bool:
    """Whether the first element of *body* is called ``svg``; looks no further than ``LOOK_AHEAD_BYTES``."""
    head = bytes(body[:LOOK_AHEAD_BYTES])
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(31).decompress(head, LOOK_AHEAD_BYTES)
        except zlib.error:
            return False
    encoding = _UTF_16.get(head[:2])
    if encoding is not None:
        head = head.decode(encoding, "ignore").encode("utf-8", "ignore")
    return root_at(head) is not None


def unpacked(body: Body, most_bytes: int = MOST_BYTES) -> bytes:
    """*body*, or what was gzip'ed into it (``.svgz``).

    Raises:
        ImageTooLarge: over *most_bytes*, or over ``MOST_BYTES``.
        InvalidImageFormat: damaged.
    """
    most_bytes = min(most_bytes, MOST_BYTES)
    text = bytes(body)
    if text.startswith(_GZIP):
        unpacker = zlib.decompressobj(31)
        try:
            text = unpacker.decompress(text, most_bytes + 1)
        except zlib.error:
            raise InvalidImageFormat("gzip, damaged") from None
        if not unpacker.eof and len(text) <= most_bytes:
            raise InvalidImageFormat("gzip, cut short")
    if len(text) > most_bytes:
        raise ImageTooLarge(f"an SVG of over {most_bytes} bytes")
    return text


def as_utf_8(text: bytes) -> tuple[bytes, str | None]:
    """*text* in UTF-8 if it is in UTF-16, and then the encoding, since its declaration still says another one.

    Raises:
        InvalidImageFormat: UTF-16, damaged.
    """
    encoding = _UTF_16.get(text[:2])
    if encoding is None:
        return text, None
    try:
        return text.decode(encoding).encode(), "utf-8"
    except UnicodeError:
        raise InvalidImageFormat("not UTF-16 after all") from None


def root_at(text: bytes) -> int | None:
    """Where the first element of the XML document *text* begins; None if that is not called ``svg``."""
    at = len(_BOM) if text.startswith(_BOM) else 0
    while True:
        space = _SPACE.match(text, at)
        at = space.end() if space else at
        if text.startswith(b"<?", at):
            found = _after(b"?>", text, at + 2)
        elif text.startswith(b"<!--", at):
            found = _after(b"-->", text, at + 4)
        elif text.startswith(b"<!DOCTYPE", at):
            found = _after_doctype(text, at)
        else:
            return at if _ROOT.match(text, at) else None
        if found is None:
            return None
        at = found


def _after(end: bytes, text: bytes, at: int) -> int | None:
    found = text.find(end, at)
    return None if found < 0 else found + len(end)


def _after_doctype(text: bytes, at: int) -> int | None:
    """Behind a DOCTYPE with all that it declares."""
    inside = False
    position: int | None = at
    while position is not None:
        part = _DOCTYPE_PARTS.search(text, position)
        if part is None:
            return None
        if part[0] in _CLOSING:
            position = _after(_CLOSING[part[0]], text, part.end())
            continue
        if part[0] == b">" and not inside:
            return part.end()
        inside = inside if part[0] == b">" else part[0] == b"["
        position = part.end()
    return None
