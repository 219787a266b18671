"""Operations that are a width and a height which the result has, whatever the picture: it is scaled to cover them and cut."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from proxy.core.model import Frame
from proxy.errors import InvalidArgument
from proxy.ops.boxes import Size, covering
from proxy.ops.numbers import DIGITS, half_up, side

_SIZE = re.compile(rf"{DIGITS}x{DIGITS}")


@dataclass(frozen=True, slots=True)
class Area:
    """What they have in common; each has a name and a way to choose what is kept."""

    width_px: int
    height_px: int

    name: ClassVar[str]
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 10

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Self:  # noqa: ARG003
        """Read ``<w>x<h>``, pixels, 1 and more.

        Raises:
            InvalidArgument: malformed, or a side of 0.
        """
        found = _SIZE.fullmatch(value)
        if found is None:
            raise InvalidArgument.of(cls.name, value, "<w>x<h>")
        width_px, height_px = (side(cls.name, text) for text in found.groups())
        return cls(width_px, height_px)

    def format(self) -> str:
        return f"{self.name}/{self.width_px}x{self.height_px}"

    def clamped(self, limit_px: int) -> Self:
        """The same with its sides at most *limit_px* (profile ``ci-2026``)."""
        return type(self)(min(self.width_px, limit_px), min(self.height_px, limit_px))

    def times(self, tenths: int, frame: Frame) -> Self:
        return type(self)(half_up(self.width_px * tenths, 10), half_up(self.height_px * tenths, 10))

    def covering(self, frame: Frame) -> Size:
        """Width and height that one page of *frame* is scaled to: the least that covers the result."""
        return covering((self.width_px, self.height_px), (frame.width_px, frame.height_px))
