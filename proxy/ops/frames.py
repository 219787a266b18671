"""``cgif``: fewer frames of an animation, in the same time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from proxy.core.model import Frame
from proxy.core.plan import Tools

FIRST = 30
"""What ``cgif/1`` keeps (CI 436/44883)."""


@dataclass(frozen=True, slots=True)
class Fewer:
    """Keeps ``most`` frames, spread evenly over the animation; 1: the first thirty.

    It is measured and painted like an operation, before all others, but it belongs to how a GIF is encoded, so it has no
    name and no text of its own (``core.plan.Output.cgif``).
    """

    most: int

    def kept(self, frames: int) -> tuple[int, ...]:
        """The numbers of the frames that stay, of *frames*; the first always does."""
        if self.most == 1:
            return tuple(range(min(FIRST, frames)))
        if self.most >= frames:
            return tuple(range(frames))
        return tuple(number * frames // self.most for number in range(self.most))

    def measure(self, frame: Frame) -> Frame:
        return replace(frame, frames=len(self.kept(frame.frames)))

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        """Frames that are shown longer take the time of those after them that go."""
        kept = self.kept(frame.frames)
        height_px = image.get_page_height()
        pages = [image.crop(0, number * height_px, image.width, height_px) for number in kept]
        joined = type(image).arrayjoin(pages, across=1).copy()
        if joined.get_typeof("delay"):
            delays = list(joined.get("delay"))
            ends = (*kept[1:], frame.frames if self.most > 1 else kept[-1] + 1)
            joined.set("delay", [sum(delays[start:end]) for start, end in zip(kept, ends, strict=True)])
        if len(kept) == 1:
            joined.remove("page-height")
        return joined
