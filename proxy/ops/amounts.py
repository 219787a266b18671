"""Operations that are one number from -100 to 100: how much of something is added to colours, or taken from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from proxy.core.model import Frame
from proxy.ops.numbers import signed


@dataclass(frozen=True, slots=True)
class Amount:
    """What they have in common; each has a name and paints."""

    value: int

    name: ClassVar[str]
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 40

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Self | None:  # noqa: ARG003
        """Read an integer from -100 to 100; 0 changes nothing.

        Raises:
            InvalidArgument: not an integer from -100 to 100.
        """
        number = signed(cls.name, value, -100, 100)
        return cls(number) if number else None

    def format(self) -> str:
        return f"{self.name}/{self.value}"

    def measure(self, frame: Frame) -> Frame:
        return frame
