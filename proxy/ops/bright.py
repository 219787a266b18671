"""``bright``: add light or take it away (spec/01 §8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.levels import linear
from proxy.ops.numbers import signed


@dataclass(frozen=True, slots=True)
class Bright:
    """So many hundredths of the whole range are added to every colour, as in ImageMagick's ``-brightness-contrast``.

    100 is white and -100 black, whatever the picture.
    """

    value: int

    name: ClassVar[str] = "bright"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 40

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Bright | None:  # noqa: ARG003
        """None for 0.

        Raises:
            InvalidArgument: not an integer from -100 to 100.
        """
        number = signed(cls.name, value, -100, 100)
        return cls(number) if number else None

    def format(self) -> str:
        return f"{self.name}/{self.value}"

    def measure(self, frame: Frame) -> Frame:
        return frame

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        return linear(image, 1.0, self.value / 100)
