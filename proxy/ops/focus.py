"""``focus`` (ours): like ``crop``, but what is kept is where the eye goes first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.errors import InvalidArgument
from proxy.ops.boxes import covering
from proxy.ops.numbers import DIGITS, half_up, side
from proxy.ops.pages import each_page, scaled

_SIZE = re.compile(rf"{DIGITS}x{DIGITS}")


@dataclass(frozen=True, slots=True)
class Focus:
    """Skin, edges and strong colours attract (libvips' attention); the first frame decides for all.  It may enlarge."""

    width_px: int
    height_px: int

    name: ClassVar[str] = "focus"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 10

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Focus:  # noqa: ARG003
        """Read ``<w>x<h>``.

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

    def clamped(self, limit_px: int) -> Focus:
        """The same with its sides at most *limit_px* (profile ``ci-2026``)."""
        return Focus(min(self.width_px, limit_px), min(self.height_px, limit_px))

    def times(self, tenths: int, frame: Frame) -> Focus:
        return Focus(half_up(self.width_px * tenths, 10), half_up(self.height_px * tenths, 10))

    def scaled(self, frame: Frame) -> tuple[int, int]:
        """Width and height that one page is scaled to: the least that covers the result."""
        return covering((self.width_px, self.height_px), (frame.width_px, frame.height_px))

    def measure(self, frame: Frame) -> Frame:
        return frame.sized(self.width_px, self.height_px)

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        # As with thumbnail, what arrives may be smaller than *frame* already.
        outer_px, size_px = self.scaled(frame), (self.width_px, self.height_px)
        image = scaled(image, frame.frames, *outer_px)
        if outer_px == size_px:
            return image
        image = image.copy_memory()  # it is looked at before it is cut, and a decoder delivers once
        seen = image.crop(0, 0, *outer_px).smartcrop(*size_px, interesting="attention")
        left_px, top_px = -seen.xoffset, -seen.yoffset
        return each_page(image, frame.frames, lambda page: page.crop(left_px, top_px, *size_px))
