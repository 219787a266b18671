"""``trim`` (ours): cut away a border of one colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.numbers import integer
from proxy.ops.pages import each_page, top_level

_MAX_THRESHOLD = 254
_ALONE = 255 * 3 // 18
"""One and a half of the nine pixels around and including one."""


@dataclass(frozen=True, slots=True)
class Trim:
    """The colour is that of the top left pixel of each frame; a picture that is nothing but border stays as it is."""

    threshold: int
    """How much, of 255, a sample may differ from the border's and be border still: 0 for drawings, about 10 for JPEG."""

    name: ClassVar[str] = "trim"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 10

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Trim:  # noqa: ARG003
        """Read the threshold, from 0 to 254.

        Raises:
            InvalidArgument: not an integer from 0 to 254.
        """
        return cls(integer(cls.name, value, 0, _MAX_THRESHOLD))

    def format(self) -> str:
        return f"{self.name}/{self.threshold}"

    def measure(self, frame: Frame) -> Frame:
        return replace(frame, exact=False)

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        height_px = image.height // frame.frames
        boxes = [self._content(image.crop(0, page * height_px, image.width, height_px)) for page in range(frame.frames)]
        found = [box for box in boxes if box is not None]
        if not found:
            return image
        # All frames lose the same, so that what moves across them keeps its place.
        left_px, top_px = min(box[0] for box in found), min(box[1] for box in found)
        width_px, height_px = max(box[2] for box in found) - left_px, max(box[3] for box in found) - top_px
        return each_page(image, frame.frames, lambda page: page.crop(left_px, top_px, width_px, height_px))

    def _content(self, page: Any) -> tuple[int, int, int, int] | None:
        """Left, top, right and bottom of what differs from the border; None if nothing does."""
        white = top_level(page)
        if page.hasalpha():
            # Alpha counts as one more sample, and what is transparent has no colour.
            alpha = page.extract_band(page.bands - 1)
            colours = page.extract_band(0, n=page.bands - 1) * alpha / white
            page = colours.bandjoin(alpha).cast(page.format)
        other = ((page - page(0, 0)).abs() > self.threshold * white / 255).bandor()
        # A pixel with no neighbour like it is noise.  find_trim's own filter takes seconds and thin lines as well.
        crowded = other.conv(type(page).new_from_array([[1] * 3] * 3, scale=9), precision="integer") > _ALONE
        content = other & crowded
        left_px, top_px, width_px, height_px = content.find_trim(threshold=0, background=[0], line_art=True)
        return (left_px, top_px, left_px + width_px, top_px + height_px) if width_px and height_px else None
