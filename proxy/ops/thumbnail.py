"""``thumbnail``: scale to one of eleven geometries, with ``pad`` and ``color`` onto a canvas (spec/01 §3)."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.errors import InvalidArgument
from proxy.ops.boxes import covering, within
from proxy.ops.numbers import DIGITS, format_colour, half_up, integer, parse_colour, side, switch
from proxy.ops.pages import each_page, scaled

_EXPECTED = (
    "a geometry such as !50p, !50px, !x50p, 300x, x200, 300x200, 300x200>, 300x200<, !300x200r, 300x200! or 90000@"
)
_WHITE = (255, 255, 255)


class Geometry(enum.Enum):
    """How the numbers of a thumbnail are meant; the value is its spelling."""

    SCALE = "!{}p"
    SCALE_WIDTH = "!{}px"
    SCALE_HEIGHT = "!x{}p"
    WIDTH = "{}x"
    HEIGHT = "x{}"
    FIT = "{}x{}"
    FIT_SHRINK = "{}x{}>"
    FIT_ENLARGE = "{}x{}<"
    COVER = "!{}x{}r"
    EXACT = "{}x{}!"
    AREA = "{}@"

    @property
    def is_scale(self) -> bool:
        """Whether its number is per cent."""
        return self in (Geometry.SCALE, Geometry.SCALE_WIDTH, Geometry.SCALE_HEIGHT)

    @property
    def is_sized(self) -> bool:
        """Whether its numbers are sides in pixels."""
        return not self.is_scale and self is not Geometry.AREA


_PATTERNS = {geometry: re.compile(re.escape(geometry.value).replace(r"\{\}", DIGITS)) for geometry in Geometry}
_ANY_SCALE = re.compile(r"!(?:-?[0-9]+px?|x-?[0-9]+p)")


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """Scale; an animated picture is never enlarged."""

    geometry: Geometry
    numbers: tuple[int, ...]
    canvas: tuple[int, int, int] | None = None
    """Colour of the canvas that ``<w>x<h>`` is centred on; None: no canvas."""

    name: ClassVar[str] = "thumbnail"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset({"pad", "color"})
    rank: ClassVar[int] = 10

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Thumbnail | None:
        """Read a geometry; sides are pixels, 1 and more, S is per cent from 1 to 1000, and a scale outside of that changes nothing.

        ``!<S>p`` scales both sides, ``!<S>px`` the width, ``!x<S>p`` the height. ``<w>x`` and ``x<h>`` set one side and keep the
        proportions. ``<w>x<h>`` fits into a box, larger if need be; ``<w>x<h>>`` only shrinks, ``<w>x<h><`` only enlarges.
        ``!<w>x<h>r`` covers the box, ``<w>x<h>!`` is exactly it and distorts. ``<A>@`` has at most A pixels, from 1 to 9999999999,
        and never enlarges. With ``pad`` 1 (0) the result of ``<w>x<h>`` lies in the middle of a canvas of that size, of ``color``,
        base64 of ``#RRGGBB`` (``#FFFFFF``).

        Raises:
            InvalidArgument: no geometry, a side of 0, ``pad`` that is neither 0 nor 1, ``color`` that is none.
        """
        colour = parse_colour("color", modifiers["color"]) if "color" in modifiers else _WHITE
        padded = switch("pad", modifiers.get("pad", "0"))
        geometry, texts = _read(value)
        if geometry is None:
            return None
        if geometry.is_scale:
            per_cent = int(texts[0])
            return cls(geometry, (per_cent,)) if 1 <= per_cent <= 1000 and per_cent != 100 else None
        if geometry is Geometry.AREA:
            return cls(geometry, (integer(cls.name, texts[0], 1, 9_999_999_999),))
        numbers = tuple(side(cls.name, text) for text in texts)
        return cls(geometry, numbers, colour if padded and geometry is Geometry.FIT else None)

    def format(self) -> str:
        text = f"{self.name}/" + self.geometry.value.format(*self.numbers)
        if self.canvas is None:
            return text
        return f"{text}/pad/1" + ("" if self.canvas == _WHITE else f"/color/{format_colour(self.canvas)}")

    def clamped(self, limit_px: int) -> Thumbnail:
        """The same with its sides at most *limit_px* (profile ``ci-2026``)."""
        if not self.geometry.is_sized:
            return self
        return replace(self, numbers=tuple(min(number, limit_px) for number in self.numbers))

    def times(self, tenths: int, frame: Frame) -> Thumbnail:
        """The same with its sides, its canvas and the roots of its area multiplied; per cent remain what they are."""
        if self.geometry.is_scale:
            return self
        if self.geometry is Geometry.AREA:
            return replace(self, numbers=(half_up(self.numbers[0] * tenths * tenths, 100),))
        return replace(self, numbers=tuple(half_up(number * tenths, 10) for number in self.numbers))

    def scaled(self, frame: Frame) -> tuple[int, int]:
        """Width and height that one page is scaled to, before any canvas."""
        size_px = _target(self.geometry, self.numbers, frame.width_px, frame.height_px)
        grows = size_px[0] > frame.width_px or size_px[1] > frame.height_px
        return (frame.width_px, frame.height_px) if frame.animated and grows else size_px

    def measure(self, frame: Frame) -> Frame:
        if self.canvas is None:
            return frame.sized(*self.scaled(frame))
        return replace(frame, width_px=self.numbers[0], height_px=self.numbers[1], alpha=False)

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        # What arrives may be smaller than *frame* already (shrink-on-load), so only the measured size is trusted.
        image = scaled(image, frame.frames, *self.scaled(frame))
        if self.canvas is None:
            return image
        canvas, (width_px, height_px) = self.canvas, self.numbers

        def centred(page: Any) -> Any:
            page = _opaque(page, canvas, tools)
            blank = tools.blank(page, width_px, height_px, canvas)
            return blank.insert(page, (width_px - page.width) // 2, (height_px - page.height) // 2)

        return each_page(image, frame.frames, centred)


def _read(value: str) -> tuple[Geometry | None, tuple[str, ...]]:
    for geometry, pattern in _PATTERNS.items():
        found = pattern.fullmatch(value)
        if found:
            return geometry, found.groups()
    if _ANY_SCALE.fullmatch(value):
        return None, ()
    raise InvalidArgument.of("thumbnail", value, _EXPECTED)


def _target(geometry: Geometry, numbers: tuple[int, ...], width_px: int, height_px: int) -> tuple[int, int]:
    first, last = numbers[0], numbers[-1]
    match geometry:
        case Geometry.SCALE:
            return half_up(width_px * first, 100), half_up(height_px * first, 100)
        case Geometry.SCALE_WIDTH:
            return half_up(width_px * first, 100), height_px
        case Geometry.SCALE_HEIGHT:
            return width_px, half_up(height_px * first, 100)
        case Geometry.WIDTH:
            return first, half_up(height_px * first, width_px)
        case Geometry.HEIGHT:
            return half_up(width_px * first, height_px), first
        case Geometry.EXACT:
            return first, last
        case Geometry.AREA:
            return _within_area(first, width_px, height_px)
        case Geometry.FIT_SHRINK if first >= width_px and last >= height_px:
            return width_px, height_px
        case Geometry.FIT_ENLARGE if first < width_px or last < height_px:
            return width_px, height_px
        case Geometry.COVER:
            return covering((first, last), (width_px, height_px))
        case _:
            return within((first, last), (width_px, height_px))


def _within_area(area_px: int, width_px: int, height_px: int) -> tuple[int, int]:
    """Rounded down, since more than *area_px* pixels is what was ruled out; a picture that is small enough stays."""
    if width_px * height_px <= area_px:
        return width_px, height_px
    wide_px, high_px = math.isqrt(area_px * width_px // height_px), math.isqrt(area_px * height_px // width_px)
    return min(max(1, wide_px), area_px), min(max(1, high_px), area_px)


def _opaque(page: Any, colour: tuple[int, int, int], tools: Tools) -> Any:
    """*page* without transparency, in a colour space that has *colour*."""
    if page.interpretation in ("b-w", "grey16") and len(set(colour)) > 1:
        page = page.colourspace("rgb16" if page.format == "ushort" else "srgb")
    if not page.hasalpha():
        return page
    return page.flatten(background=tools.blank(page, 1, 1, colour)(0, 0)[: page.bands - 1])
