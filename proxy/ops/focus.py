"""``focus`` (ours): like ``crop``, but what is kept is where the eye goes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.areas import Area
from proxy.ops.pages import each_page, scaled


@dataclass(frozen=True, slots=True)
class Focus(Area):
    """Skin, edges and strong colours attract (libvips' attention); the first frame decides for all.  It may enlarge."""

    name: ClassVar[str] = "focus"

    def scaled(self, frame: Frame) -> tuple[int, int]:
        """Width and height that one page is scaled to: the least that covers the result."""
        return self.covering(frame)

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
