"""What a format in between does to a picture that is never encoded to it: pipes are painted without intermediate files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from proxy.core.model import Format, Frame
from proxy.core.plan import Tools
from proxy.ops.pages import first_page, top_level


@dataclass(frozen=True, slots=True)
class Through:
    """Loses what a format cannot carry: frames but the first, and transparency, onto white.

    It is measured and painted like an operation but asked for by nobody, so it has no name and no text.
    """

    alpha: bool = True
    animation: bool = True

    @classmethod
    def of(cls, format_: Format) -> Through:
        """What passing through *format_* leaves."""
        return cls(alpha=format_.alpha, animation=format_.animation)

    def measure(self, frame: Frame) -> Frame:
        return replace(frame, alpha=frame.alpha and self.alpha, frames=frame.frames if self.animation else 1)

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        # The decoder may have read only the first frame; so the picture is asked, not *frame*.
        if not self.animation and frame.animated:
            image = first_page(image)
        if not self.alpha and image.hasalpha():
            image = image.flatten(background=[top_level(image)])
        return image
