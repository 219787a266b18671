"""``crop``: scale until the picture covers a size, then cut exactly that size out of it (spec/01 §4, 缩放裁剪)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.errors import InvalidArgument
from proxy.ops.boxes import covering
from proxy.ops.gravity import Gravity
from proxy.ops.numbers import DIGITS, MAX_INTEGER, half_up, integer, side
from proxy.ops.pages import each_page, scaled

_SIZE = re.compile(rf"{DIGITS}?x{DIGITS}?")


@dataclass(frozen=True, slots=True)
class Crop:
    """A side that is left out stays as long as it is."""

    width_px: int | None
    height_px: int | None
    gravity: Gravity = Gravity.NORTHWEST
    dx_px: int = 0
    dy_px: int = 0

    name: ClassVar[str] = "crop"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset({"gravity", "dx", "dy"})
    rank: ClassVar[int] = 10

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Crop:
        """Read ``<w>x``, ``x<h>`` or ``<w>x<h>``, pixels from 1 to as many as the picture has; ``gravity``, which of the nine parts
        is kept (``northwest``); ``dx`` and ``dy``, pixels from its edges inward, 0 and more (0).

        Raises:
            InvalidArgument: any of them malformed, a side of 0, or one longer than the picture's.
        """
        found = _SIZE.fullmatch(value)
        if found is None or value == "x":
            raise InvalidArgument.of(cls.name, value, "<w>x<h>, <w>x or x<h>")
        width_px, height_px = (side(cls.name, text) if text else None for text in found.groups())
        gravity = Gravity.parse(modifiers.get("gravity", "northwest"))
        dx_px, dy_px = (integer(name, modifiers.get(name, "0"), 0, MAX_INTEGER) for name in ("dx", "dy"))
        return cls(width_px, height_px, gravity, *gravity.heeded(dx_px, dy_px))

    def format(self) -> str:
        text = f"{self.name}/{self.width_px or ''}x{self.height_px or ''}{self.gravity.format()}"
        return text + "".join(f"/{name}/{px}" for name, px in (("dx", self.dx_px), ("dy", self.dy_px)) if px)

    def clamped(self, limit_px: int) -> Crop:
        """The same with its sides at most *limit_px* (profile ``ci-2026``)."""
        width_px, height_px = (px and min(px, limit_px) for px in (self.width_px, self.height_px))
        return replace(self, width_px=width_px, height_px=height_px)

    def times(self, tenths: int, frame: Frame) -> Crop:
        """The same with its sides and offsets multiplied, up to where one of them meets the picture's."""
        ratios = [(frame.width_px, self.width_px), (frame.height_px, self.height_px)]
        room = min((Fraction(own_px, px) for own_px, px in ratios if px), default=Fraction(1))
        ratio = max(Fraction(1), min(Fraction(tenths, 10), room))

        def longer(px: int) -> int:
            return half_up(px * ratio.numerator, ratio.denominator)

        width_px, height_px = (px and longer(px) for px in (self.width_px, self.height_px))
        dx_px, dy_px = (px and longer(px) for px in (self.dx_px, self.dy_px))
        return replace(self, width_px=width_px, height_px=height_px, dx_px=dx_px, dy_px=dy_px)

    def scaled(self, frame: Frame) -> tuple[int, int]:
        """Width and height that one page is scaled to before it is cut: the least that covers the result.

        Raises:
            InvalidArgument: a side longer than the picture's; CI's range ends there.
        """
        width_px, height_px = self.width_px or frame.width_px, self.height_px or frame.height_px
        if width_px > frame.width_px or height_px > frame.height_px:
            limits = f"at most the picture's {frame.width_px}x{frame.height_px}"
            raise InvalidArgument.of(self.name, f"{width_px}x{height_px}", limits)
        return covering((width_px, height_px), (frame.width_px, frame.height_px))

    def measure(self, frame: Frame) -> Frame:
        self.scaled(frame)
        return frame.sized(self.width_px or frame.width_px, self.height_px or frame.height_px)

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        # As with thumbnail, what arrives may be smaller than *frame* already.
        outer_px, after = self.scaled(frame), self.measure(frame)
        left_px, top_px = self.gravity.place(outer_px, (after.width_px, after.height_px), (self.dx_px, self.dy_px))
        # The size is a promise and the offset a wish: it ends at the edge.
        left_px = max(0, min(left_px, outer_px[0] - after.width_px))
        top_px = max(0, min(top_px, outer_px[1] - after.height_px))
        image = scaled(image, frame.frames, *outer_px)
        if outer_px == (after.width_px, after.height_px):
            return image
        return each_page(image, frame.frames, lambda page: page.crop(left_px, top_px, after.width_px, after.height_px))
