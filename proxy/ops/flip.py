"""``flip``: mirror (spec/01 §5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.errors import InvalidArgument
from proxy.ops.pages import each_page


@dataclass(frozen=True, slots=True)
class Flip:
    """``vertical`` swaps top and bottom, ``horizontal`` left and right."""

    direction: str

    name: ClassVar[str] = "flip"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 30

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Flip:  # noqa: ARG003
        """Read ``vertical`` or ``horizontal``.

        Raises:
            InvalidArgument: neither of the two.
        """
        if value not in ("vertical", "horizontal"):
            raise InvalidArgument.of(cls.name, value, "vertical or horizontal")
        return cls(value)

    def format(self) -> str:
        return f"{self.name}/{self.direction}"

    def measure(self, frame: Frame) -> Frame:
        return frame

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        if self.direction == "horizontal":
            return image.fliphor()
        return each_page(image, frame.frames, lambda page: page.flipver())
