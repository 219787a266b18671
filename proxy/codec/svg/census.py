"""What an SVG would cost to draw, before it is: elements that ``use`` multiplies, and the pictures that it carries."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Final

from proxy.codec.svg.css import too_deep
from proxy.codec.svg.links import data, fragment
from proxy.codec.svg.reading import MOST_ELEMENTS, SVG, XLINK, read
from proxy.errors import InvalidImageFormat

_STYLE: Final = f"{SVG} style"
_DEEP: Final = InvalidImageFormat(
    "deep brackets, or a sheet that hides in a link", public="The styles of the SVG are too involved."
)
"""librsvg reads selectors by recursion, and loads style sheets out of ``data:``, where we do not look."""
_USE: Final = f"{SVG} use"
_PICTURES: Final = frozenset({f"{SVG} image", f"{SVG} feImage"})
_MOST_STEPS: Final = 1_000_000
"""Of following references; enough for every ``use`` of a file to be looked at several times."""


def check(text: bytes, picture: Callable[[bytes], None]) -> None:
    """Refuse what could not be drawn in reasonable time; *picture* is shown each one that is carried inside.

    Raises:
        InvalidImageFormat: no SVG, over the bounds of ``reading``, or more elements than those once ``use`` is followed.
    """
    census = _Census(picture)
    read(text, census)
    if census.drawn() > MOST_ELEMENTS:
        raise InvalidImageFormat(
            f"over {MOST_ELEMENTS} elements by use", public="The SVG draws too many elements, by use."
        )


class _Census:
    def __init__(self, picture: Callable[[bytes], None]) -> None:
        self._picture = picture
        self._elements = 0
        self._open: list[str | None] = []
        self._spans: dict[str, tuple[int, int]] = {}
        """By id, the first of repeated ones: where its element begins, and where what is in it ends."""
        self._uses: list[tuple[int, str]] = []
        self._sheet: list[str] | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        for value in attributes.values():
            if "(" in value and too_deep(value):
                raise _DEEP.again()
        if name == _STYLE:
            self._sheet = []
        href = attributes.get("href", attributes.get(f"{XLINK} href"))
        if href is not None and name in _PICTURES:
            held = data(href)
            if held is not None:
                self._picture(held)
        target = fragment(href) if href is not None and name == _USE else None
        if target is not None:
            self._uses.append((self._elements, target[1:]))
        named = attributes.get("id")
        if named is not None and named not in self._spans:
            self._spans[named] = (self._elements, self._elements)
        else:
            named = None
        self._open.append(named)
        self._elements += 1

    def end(self, name: str) -> None:
        named = self._open.pop()
        if named is not None:
            self._spans[named] = (self._spans[named][0], self._elements)
        if name == _STYLE and self._sheet is not None:
            sheet, self._sheet = "".join(self._sheet), None
            if too_deep(sheet) or ("@import" in sheet and "data:" in sheet):
                raise _DEEP.again()

    def text(self, data: str) -> None:
        if self._sheet is not None:
            self._sheet.append(data)

    def instruction(self, target: str, data: str) -> None:
        if "data:" in data:
            raise _DEEP.again()

    def drawn(self) -> int:
        """How many elements there are once each ``use`` is what it points to; circles count once.

        Without recursion: a chain may be as long as the file.
        """
        totals: dict[str, int] = {}
        under_way: set[str] = set()
        at = [index for index, _ in self._uses]
        steps = 0
        total = self._elements
        for _, wanted in self._uses:
            pending = [wanted]
            while pending:
                name = pending[-1]
                if name in totals or name not in self._spans:
                    pending.pop()
                    continue
                first, last = self._spans[name]
                inner = [to for _, to in self._uses[bisect_left(at, first) : bisect_left(at, last)]]
                steps += 1 + len(inner)
                if steps > _MOST_STEPS:
                    return MOST_ELEMENTS + 1
                missing = [to for to in inner if to in self._spans and to not in totals and to not in under_way]
                if missing and name not in under_way:
                    under_way.add(name)
                    pending += missing
                    continue
                totals[name] = min(last - first + sum(totals.get(to, 0) for to in inner), MOST_ELEMENTS + 1)
                under_way.discard(name)
                pending.pop()
            total += totals.get(wanted, 0)
        return total
