"""``iradius``: the circle around the middle of the picture, on a canvas that just holds it (spec/01 §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.corners import check_radius, rounded, times_radius_px
from proxy.ops.gravity import Gravity
from proxy.ops.numbers import MAX_INTEGER, integer
from proxy.ops.pages import each_page


@dataclass(frozen=True, slots=True)
class InscribedCircle:
    """Outside is transparent, and white in formats without alpha; CI does it to no GIF, we do it to every frame."""

    radius_px: int

    name: ClassVar[str] = "iradius"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 15

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> InscribedCircle:  # noqa: ARG003
        """Read the radius.

        Raises:
            InvalidArgument: not a positive integer.
        """
        return cls(integer(cls.name, value, 1, MAX_INTEGER))

    def format(self) -> str:
        return f"{self.name}/{self.radius_px}"

    def times(self, tenths: int, frame: Frame) -> InscribedCircle:
        return InscribedCircle(times_radius_px(self.radius_px, tenths, frame))

    def measure(self, frame: Frame) -> Frame:
        check_radius(self.name, self.radius_px, frame)
        return replace(frame, width_px=2 * self.radius_px, height_px=2 * self.radius_px, alpha=True)

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        side_px = 2 * self.radius_px
        left_px, top_px = Gravity.CENTER.place((frame.width_px, frame.height_px), (side_px, side_px), (0, 0))
        square = each_page(image, frame.frames, lambda page: page.crop(left_px, top_px, side_px, side_px))
        return rounded(square, frame.frames, self.radius_px)
