"""``sharpen``: add to each sample what tells it from its surroundings (spec/01 §8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.gaussian import blurred
from proxy.ops.levels import rounded
from proxy.ops.numbers import integer

_SIGMA_PX = 1.0
_RADIUS_PX = 3


@dataclass(frozen=True, slots=True)
class Sharpen:
    """An unsharp mask of one pixel's sigma; the value is its amount in per cent.  CI recommends 70."""

    value: int

    name: ClassVar[str] = "sharpen"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 50

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Sharpen:  # noqa: ARG003
        """Read the amount, from 10 to 300.

        Raises:
            InvalidArgument: not an integer from 10 to 300.
        """
        return cls(integer(cls.name, value, 10, 300))

    def format(self) -> str:
        return f"{self.name}/{self.value}"

    def measure(self, frame: Frame) -> Frame:
        return frame

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        amount = self.value / 100
        surroundings = blurred(image, frame.frames, _RADIUS_PX, _SIGMA_PX, exact=True)
        sharp = rounded(image * (1 + amount) - surroundings * amount, image.format)
        if image.hasalpha():
            sharp = sharp.extract_band(0, n=image.bands - 1).bandjoin(image.extract_band(image.bands - 1))
        return sharp.copy(interpretation=image.interpretation)
