"""``rradius``: round the corners of the picture, which keeps its size (spec/01 §4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.corners import Radius, rounded


@dataclass(frozen=True, slots=True)
class RoundCorners(Radius):
    """Outside is transparent, and white in formats without alpha; CI does it to no GIF, we do it to every frame."""

    name: ClassVar[str] = "rradius"

    def measure(self, frame: Frame) -> Frame:
        self.check(frame)
        return replace(frame, alpha=True)

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        return rounded(image, frame.frames, self.radius_px)
