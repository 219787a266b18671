"""``imageView2``: six ways to fit a picture to a width and a height, in a stage of its own (spec/01 §9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.boxes import Size, covering, within
from proxy.ops.gravity import Gravity
from proxy.ops.numbers import integer, side
from proxy.ops.pages import each_page, scaled

_SHRINKS_INTO = frozenset({0, 2})
"""Modes whose sides are the most there may be: a picture that fits already stays as it is."""
_CUTS = frozenset({1, 5})
"""Modes that cover the box, and keep the middle of what covers it."""
_BY_EDGES = frozenset({0, 4, 5})
"""Modes whose ``w`` is meant for the longer edge and ``h`` for the shorter."""


@dataclass(frozen=True, slots=True)
class View:
    """At least one side is given; None follows from the other, which only modes 0 and 2 know."""

    mode: int
    width_px: int | None
    height_px: int | None

    name: ClassVar[str] = "imageView2"
    head: ClassVar[str] = "imageView2"
    modifiers: ClassVar[frozenset[str]] = frozenset({"w", "h"})
    rank: ClassVar[int] = 10

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> View | None:
        """Read the mode, and ``w`` and ``h``, pixels, 1 and more; with neither of them the picture is only converted.

        Modes: 0, at most ``w`` along the longer edge and ``h`` along the shorter; 1, exactly ``w`` by ``h``, the middle of what
        covers it; 2, at most ``w`` by ``h``; 3, at least ``w`` by ``h``; 4, at least ``w`` along the longer edge and ``h`` along the
        shorter; 5, as 1, ``w`` being the longer edge. 0 and 2 never enlarge, and of two sides one may be left out; for the others
        the one that is left out is as long as the other. ``format``, ``q``, ``rq``, ``lq``, ``interlace`` and ``ignore-error`` are
        read as ``format``, ``quality``, ``rquality``, … of imageMogr2.

        Raises:
            InvalidArgument: no mode from 0 to 5, or a side of 0.
        """
        mode = integer(cls.name, value, 0, 5)
        width_px, height_px = (side(name, modifiers[name]) if name in modifiers else None for name in ("w", "h"))
        if width_px is None and height_px is None:
            return None
        if mode not in _SHRINKS_INTO:
            width_px, height_px = width_px or height_px, height_px or width_px
        return cls(mode, width_px, height_px)

    def format(self) -> str:
        sides = (("w", self.width_px), ("h", self.height_px))
        return f"{self.name}/{self.mode}" + "".join(f"/{name}/{px}" for name, px in sides if px)

    def clamped(self, limit_px: int) -> View:
        """The same with its sides at most *limit_px* (profile ``ci-2026``)."""
        width_px, height_px = (px and min(px, limit_px) for px in (self.width_px, self.height_px))
        return replace(self, width_px=width_px, height_px=height_px)

    def scaled(self, frame: Frame) -> tuple[int, int]:
        """Width and height that one page is scaled to, before anything is cut off."""
        own_px, box_px = (frame.width_px, frame.height_px), self._box(frame)
        if self.mode not in _SHRINKS_INTO:
            return covering(box_px, own_px)
        return own_px if box_px[0] >= own_px[0] and box_px[1] >= own_px[1] else within(box_px, own_px)

    def measure(self, frame: Frame) -> Frame:
        return frame.sized(*(self._box(frame) if self.mode in _CUTS else self.scaled(frame)))

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        # As with thumbnail, what arrives may be smaller than *frame* already.
        outer_px, box_px = self.scaled(frame), self._box(frame)
        image = scaled(image, frame.frames, *outer_px)
        if self.mode not in _CUTS or box_px == outer_px:
            return image
        left_px, top_px = Gravity.CENTER.place(outer_px, box_px, (0, 0))
        return each_page(image, frame.frames, lambda page: page.crop(left_px, top_px, *box_px))

    def _box(self, frame: Frame) -> Size:
        """The sides as width and height of this picture, its own for one that is not given: that never binds.

        The long edge of a square is its height.
        """
        sides = self.width_px, self.height_px
        width_px, height_px = sides[::-1] if self.mode in _BY_EDGES and frame.height_px >= frame.width_px else sides
        return width_px or frame.width_px, height_px or frame.height_px
