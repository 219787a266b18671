"""``rcrop``: cut the middle out of a picture that is too wide or too tall for its height (spec/01 §4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.errors import InvalidArgument
from proxy.ops.boxes import Size
from proxy.ops.gravity import Gravity
from proxy.ops.numbers import DIGITS, half_up, integer
from proxy.ops.pages import each_page

_MAX_RATIO = 10_000
_RATIOS = re.compile(rf"{DIGITS}x{DIGITS}")


@dataclass(frozen=True, slots=True)
class RatioCrop:
    """The ratios are 100 times width to height; a picture between them stays as it is."""

    least: int
    most: int

    name: ClassVar[str] = "rcrop"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 10

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> RatioCrop:  # noqa: ARG003
        """Read ``<min>x<max>``, each from 1 to 10000.

        Raises:
            InvalidArgument: malformed, a ratio outside 1 to 10000, or the first larger than the second.
        """
        found = _RATIOS.fullmatch(value)
        if found is None:
            raise InvalidArgument.of(cls.name, value, "<min>x<max>")
        least, most = (integer(cls.name, text, 1, _MAX_RATIO) for text in found.groups())
        if least > most:
            raise InvalidArgument.of(cls.name, value, "a smallest ratio that is at most the largest")
        return cls(least, most)

    def format(self) -> str:
        return f"{self.name}/{self.least}x{self.most}"

    def measure(self, frame: Frame) -> Frame:
        return frame.sized(*self._kept(frame))

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        own_px, kept_px = (frame.width_px, frame.height_px), self._kept(frame)
        if kept_px == own_px:
            return image
        left_px, top_px = Gravity.CENTER.place(own_px, kept_px, (0, 0))
        return each_page(image, frame.frames, lambda page: page.crop(left_px, top_px, *kept_px))

    def _kept(self, frame: Frame) -> Size:
        if 100 * frame.width_px > self.most * frame.height_px:
            return half_up(self.most * frame.height_px, 100), frame.height_px
        if 100 * frame.width_px < self.least * frame.height_px:
            return frame.width_px, half_up(100 * frame.width_px, self.least)
        return frame.width_px, frame.height_px
