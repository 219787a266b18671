"""``cut``: take a rectangle out of the picture as it is (spec/01 §4, custom crop)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.errors import InvalidArgument
from proxy.ops.gravity import Gravity
from proxy.ops.numbers import DIGITS, MAX_INTEGER, integer, side
from proxy.ops.pages import each_page

_RECTANGLE = re.compile(rf"{DIGITS}x{DIGITS}(?:x{DIGITS}x{DIGITS})?")


@dataclass(frozen=True, slots=True)
class Cut:
    """What lies outside the picture is clipped; all of it outside is an error."""

    width_px: int
    height_px: int
    dx_px: int = 0
    dy_px: int = 0
    gravity: Gravity = Gravity.NORTHWEST

    name: ClassVar[str] = "cut"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset({"gravity"})
    rank: ClassVar[int] = 10

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Cut:
        """Read ``<w>x<h>x<dx>x<dy>``, pixels, the sides 1 and more, the offsets 0 and more, or ``<w>x<h>`` as clients in the wild
        write it; ``gravity``, which of the nine points the offsets go inward from (``northwest``).

        Raises:
            InvalidArgument: either malformed, a side of 0, or nothing of the rectangle lies in the picture.
        """
        found = _RECTANGLE.fullmatch(value)
        if found is None:
            raise InvalidArgument.of(cls.name, value, "<w>x<h>x<dx>x<dy>")
        width, height, dx, dy = found.groups(default="0")
        gravity = Gravity.parse(modifiers.get("gravity", "northwest"))
        offset_px = gravity.heeded(*(integer(cls.name, text, 0, MAX_INTEGER) for text in (dx, dy)))
        return cls(side(cls.name, width), side(cls.name, height), *offset_px, gravity)

    def format(self) -> str:
        return f"{self.name}/{self.width_px}x{self.height_px}x{self.dx_px}x{self.dy_px}{self.gravity.format()}"

    def clamped(self, limit_px: int) -> Cut:
        """The same with its sides at most *limit_px* (profile ``ci-2026``)."""
        return replace(self, width_px=min(self.width_px, limit_px), height_px=min(self.height_px, limit_px))

    def measure(self, frame: Frame) -> Frame:
        left_px, top_px, right_px, bottom_px = self._clipped(frame)
        return frame.sized(right_px - left_px, bottom_px - top_px)

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        left_px, top_px, right_px, bottom_px = self._clipped(frame)
        after = (right_px - left_px, bottom_px - top_px)
        if after == (frame.width_px, frame.height_px):
            return image
        return each_page(image, frame.frames, lambda page: page.crop(left_px, top_px, *after))

    def _clipped(self, frame: Frame) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of what is taken.

        Raises:
            InvalidArgument: nothing of it lies in the picture.
        """
        outer_px, inner_px = (frame.width_px, frame.height_px), (self.width_px, self.height_px)
        left_px, top_px = self.gravity.place(outer_px, inner_px, (self.dx_px, self.dy_px))
        box = (
            max(0, left_px),
            max(0, top_px),
            min(frame.width_px, left_px + self.width_px),
            min(frame.height_px, top_px + self.height_px),
        )
        if box[0] >= box[2] or box[1] >= box[3]:
            asked = f"{self.width_px}x{self.height_px}x{self.dx_px}x{self.dy_px}"
            raise InvalidArgument.of(self.name, asked, f"a part of the picture's {frame.width_px}x{frame.height_px}")
        return box
