"""``saturation``: more or less colour at the same brightness; ours, CI has nothing of the kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.levels import mixed
from proxy.ops.numbers import signed

_LUMA = (0.213, 0.715, 0.072)


@dataclass(frozen=True, slots=True)
class Saturation:
    """Each colour's distance from its grey times 1 + value/100: CSS's ``saturate()`` (Filter Effects 1, §10.3).

    -100 leaves grey, 100 doubles.  A grey picture stays as it is.
    """

    value: int

    name: ClassVar[str] = "saturation"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 40

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Saturation | None:  # noqa: ARG003
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
        if image.bands < 3:
            return image
        colour = 1 + self.value / 100
        rows = [
            [luma * (1 - colour) + colour * (row == column) for column, luma in enumerate(_LUMA)] for row in range(3)
        ]
        return mixed(image, rows)
