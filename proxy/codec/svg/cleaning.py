"""Writes an SVG anew with nothing but what ``allowed`` names, in few bytes: ``format/svgc``.

It draws the same; whatever it would have run, loaded or linked to is gone, and so are comments, declarations, metadata and
what editors keep for themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from proxy.codec.svg import allowed, css
from proxy.codec.svg.links import fragment, picture
from proxy.codec.svg.numbers import shortened
from proxy.codec.svg.reading import SVG, XLINK, XML, read
from proxy.errors import InvalidImageFormat

_MOST_NESTED: Final = 2
"""An SVG in a picture in an SVG is drawn; a third level is not."""
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_ATTRIBUTE_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
_ESCAPED: Final = re.compile("[&<>\r]")
_ATTRIBUTE_ESCAPED: Final = re.compile('[&<"\r\n\t]')

Sniff = Callable[[bytes], str | None]


def clean(text: bytes, sniff: Sniff, *, nested: int = 0) -> bytes:
    """*text*, an SVG that is not gzip'ed, as a harmless and small one in UTF-8; cleaning that again changes nothing.

    *sniff* tells the formats of pictures that it carries.

    Raises:
        InvalidImageFormat: no SVG, or over the bounds of ``reading``.
    """
    writer = _Writer(sniff, nested)
    read(text, writer)
    return writer.written()


class _Writer:
    """Takes a file in its order and writes what may stay of it."""

    def __init__(self, sniff: Sniff, nested: int) -> None:
        self._sniff = sniff
        self._nested = nested
        self._parts: list[str] = []
        self._open: list[str] = []
        self._unclosed = False
        """The last start tag still lacks its ``>``: with nothing in it, it ends in ``/>``."""
        self._skipped = 0
        """How deep we are in something that goes."""
        self._linked = False
        """Whether anything of the XLink namespace was written."""
        self._sheet: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        inside_sheet = bool(self._open) and self._open[-1] == "style"
        if self._skipped or inside_sheet or namespace != SVG or not self._stays(local, attributes):
            self._skipped += 1
            return
        self._close_tag()
        self._open.append(local)
        self._parts.append(f"<{local}")
        for qualified, value in attributes.items():
            self._attribute(local, qualified, value, attributes)
        self._unclosed = True

    def end(self, name: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        local = self._open.pop()
        if local == "style":
            self._text(css.sheet("".join(self._sheet), self._picture))
            self._sheet.clear()
        self._parts.append("/>" if self._unclosed else f"</{local}>")
        self._unclosed = False

    def text(self, data: str) -> None:
        if self._skipped:
            return
        where = self._open[-1]
        if where == "style":
            self._sheet.append(data)
        elif where in allowed.TEXTUAL or (where == "a" and "text" in self._open):
            self._text(data)

    def instruction(self, target: str, data: str) -> None:
        pass

    def written(self) -> bytes:
        names = f' xmlns="{SVG}"' + (f' xmlns:xlink="{XLINK}"' if self._linked else "")
        return "".join([self._parts[0], names, *self._parts[1:]]).encode()

    def _stays(self, local: str, attributes: dict[str, str]) -> bool:
        if local in allowed.ANIMATIONS and local != "animateMotion":
            return attributes.get("attributeName", "").strip() in allowed.ANIMATED
        if local == "style":
            return attributes.get("type", "text/css").strip().lower() in ("", "text/css")
        return local in allowed.ELEMENTS

    def _attribute(self, element: str, qualified: str, value: str, attributes: dict[str, str]) -> None:
        namespace, _, name = qualified.rpartition(" ")
        written: str | None = None
        if name == "href" and namespace in ("", XLINK):
            name = "xlink:href" if namespace else "href"
            # The newer one wins (SVG 2 §16.1.5), also where it must go.
            written = self._link(element, value) if not namespace or "href" not in attributes else None
            self._linked = self._linked or (bool(namespace) and written is not None)
        elif namespace == XML and name in ("lang", "space"):
            name, written = f"xml:{name}", value
        elif not namespace and name == "style":
            written = css.declarations(value, self._picture) or None
        elif not namespace and (name in allowed.FREE or allowed.NAMED.fullmatch(name)):
            written = value
        elif not namespace and name in allowed.ATTRIBUTES and css.harmless(value):
            written = shortened(name, value)
        if written is not None:
            self._parts.append(
                f' {name}="{_ATTRIBUTE_ESCAPED.sub(lambda found: _ATTRIBUTE_ESCAPES[found[0]], written)}"'
            )

    def _link(self, element: str, value: str) -> str | None:
        return fragment(value) or (self._picture(value) if element in allowed.PICTURES else None)

    def _picture(self, value: str) -> str | None:
        return picture(value, self._sniff, self._inner)

    def _inner(self, text: bytes) -> bytes | None:
        """An SVG within, cleaned; None if it cannot be, or lies too deep."""
        if self._nested >= _MOST_NESTED - 1 or text[:2] == b"\x1f\x8b":
            return None
        try:
            return clean(text, self._sniff, nested=self._nested + 1)
        except InvalidImageFormat:
            return None

    def _text(self, data: str) -> None:
        if data:
            self._close_tag()
            self._parts.append(_ESCAPED.sub(lambda found: _ESCAPES[found[0]], data))

    def _close_tag(self) -> None:
        if self._unclosed:
            self._parts.append(">")
            self._unclosed = False
