"""Where an SVG may point to: into itself, and to pictures that it carries in ``data:`` (RFC 2397)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

_HEADER = re.compile(r"\s*data:([^,;\s]{0,100})((?:;[^,;]{0,100}){0,5}),", re.IGNORECASE)
_WHITE = re.compile(rb"[ \t\r\n\f]+")
_FRAGMENT = re.compile(r"#[^\s\"'()<>\\]{1,1000}")
MEDIA_TYPES = {
    "apng": "image/png",
    "avif": "image/avif",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webp": "image/webp",
}
"""Of pictures within pictures, by what they are sniffed as; what they are said to be does not matter."""
_FONTS = {b"\x00\x01\x00\x00": "font/ttf", b"OTTO": "font/otf", b"wOFF": "font/woff", b"wOF2": "font/woff2"}


def fragment(value: str) -> str | None:
    """*value* if it points into the file that it stands in."""
    value = value.strip()
    return value if _FRAGMENT.fullmatch(value) else None


def data(value: str) -> bytes | None:
    """What a ``data:`` URL holds; None if *value* is another one, or damaged."""
    header = _HEADER.match(value)
    if header is None:
        return None
    held = unquote_to_bytes(value[header.end() :])
    if not header[2].lower().replace(" ", "").endswith(";base64"):
        return held
    held = _WHITE.sub(b"", held)
    try:
        return base64.b64decode(held + b"=" * (-len(held) % 4), validate=True)
    except binascii.Error:
        return None


def picture(value: str, sniff: Callable[[bytes], str | None], clean: Callable[[bytes], bytes | None]) -> str | None:
    r"""*value* written anew if it is a ``data:`` URL of a picture that browsers show; an SVG in it is *clean*\\ ed."""
    held = data(value)
    name = None if held is None else sniff(held)
    if held is None or name not in MEDIA_TYPES:
        return None
    cleaned = clean(held) if name == "svg" else held
    return None if cleaned is None else _written(MEDIA_TYPES[name], cleaned)


def font(value: str) -> str | None:
    """*value* written anew if it is a ``data:`` URL of a font."""
    held = data(value)
    media_type = None if held is None else _FONTS.get(held[:4])
    return None if held is None or media_type is None else _written(media_type, held)


def _written(media_type: str, held: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(held).decode()}"
