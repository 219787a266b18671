"""``rradius``: round the corners of the picture, which keeps its size (spec/01 §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.corners import check_radius, rounded, times_radius_px
from proxy.ops.numbers import MAX_INTEGER, integer


@dataclass(frozen=True, slots=True)
class RoundCorners:
    """Outside is transparent, and white in formats without alpha; CI does it to no GIF, we do it to every frame."""

    radius_px: int

    name: ClassVar[str] = "rradius"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 15

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> RoundCorners:  # noqa: ARG003
        """Read the radius.

        Raises:
            InvalidArgument: not a positive integer.
        """
        return cls(integer(cls.name, value, 1, MAX_INTEGER))

    def format(self) -> str:
        return f"{self.name}/{self.radius_px}"

    def times(self, tenths: int, frame: Frame) -> RoundCorners:
        return RoundCorners(times_radius_px(self.radius_px, tenths, frame))

    def measure(self, frame: Frame) -> Frame:
        check_radius(self.name, self.radius_px, frame)
        return replace(frame, alpha=True)

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        return rounded(image, frame.frames, self.radius_px)
