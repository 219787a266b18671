"""``rotate``: turn clockwise by whole degrees; corners that open are transparent (spec/01 §5)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.numbers import integer
from proxy.ops.pages import each_page


@dataclass(frozen=True, slots=True)
class Rotate:
    """Quarter turns are exact; any other angle enlarges the canvas to the box around the turned picture."""

    degrees: int

    name: ClassVar[str] = "rotate"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 20

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Rotate | None:  # noqa: ARG003
        """Read degrees from 0 to 360; both of these change nothing.

        Raises:
            InvalidArgument: not an integer from 0 to 360.
        """
        degrees = integer(cls.name, value, 0, 360)
        return cls(degrees) if degrees % 360 else None

    def format(self) -> str:
        return f"{self.name}/{self.degrees}"

    def measure(self, frame: Frame) -> Frame:
        if self.degrees % 90 == 0:
            return frame if self.degrees == 180 else frame.sized(frame.height_px, frame.width_px)
        cosine, sine = self._direction()
        width_px = abs(frame.width_px * cosine) + abs(frame.height_px * sine)
        height_px = abs(frame.width_px * sine) + abs(frame.height_px * cosine)
        return replace(frame, width_px=_half_up(width_px), height_px=_half_up(height_px), alpha=True)

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        if self.degrees % 90 == 0:
            return each_page(image, frame.frames, lambda page: page.rot(f"d{self.degrees}"))
        after = self.measure(frame)
        return each_page(image, frame.frames, lambda page: self._turn(page, after.width_px, after.height_px))

    def _turn(self, page: Any, width_px: int, height_px: int) -> Any:
        if not page.hasalpha():
            page = page.addalpha()
        cosine, sine = self._direction()
        # libvips counts from the middle of the first pixel: the middle of n pixels is at (n - 1) / 2.
        x, y = (page.width - 1) / 2, (page.height - 1) / 2
        return page.affine(
            [cosine, -sine, sine, cosine],
            oarea=[0, 0, width_px, height_px],
            odx=(width_px - 1) / 2 - (cosine * x - sine * y),
            ody=(height_px - 1) / 2 - (sine * x + cosine * y),
            background=[0] * page.bands,
        )

    def _direction(self) -> tuple[float, float]:
        angle = math.radians(self.degrees)
        return math.cos(angle), math.sin(angle)


def _half_up(px: float) -> int:
    return max(1, math.floor(px + 0.5))
