"""``iradius``: the circle around the middle of the picture, on a canvas that just holds it (spec/01 §4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.corners import Radius, rounded
from proxy.ops.gravity import Gravity
from proxy.ops.pages import each_page


@dataclass(frozen=True, slots=True)
class InscribedCircle(Radius):
    """Outside is transparent, and white in formats without alpha; CI does it to no GIF, we do it to every frame."""

    name: ClassVar[str] = "iradius"

    def measure(self, frame: Frame) -> Frame:
        self.check(frame)
        return replace(frame, width_px=2 * self.radius_px, height_px=2 * self.radius_px, alpha=True)

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        side_px = 2 * self.radius_px
        left_px, top_px = Gravity.CENTER.place((frame.width_px, frame.height_px), (side_px, side_px), (0, 0))
        square = each_page(image, frame.frames, lambda page: page.crop(left_px, top_px, side_px, side_px))
        return rounded(square, frame.frames, self.radius_px)
