"""``scrop``: like ``crop``, but what is kept are the faces (spec/01 §4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.areas import Area
from proxy.ops.pages import each_page, scaled


@dataclass(frozen=True, slots=True)
class FaceCrop(Area):
    """A picture without a face stays as it is, in its own size; the first frame decides for all.  It may enlarge."""

    name: ClassVar[str] = "scrop"

    def measure(self, frame: Frame) -> Frame:
        bound = frame.sized(max(self.width_px, frame.width_px), max(self.height_px, frame.height_px))
        return replace(bound, exact=False)

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        faces = tools.faces(image.crop(0, 0, frame.width_px, frame.height_px))
        if not faces:
            return image
        own_px, size_px = (frame.width_px, frame.height_px), (self.width_px, self.height_px)
        outer_px = self.covering(frame)
        left_px, top_px = (
            _window(own_px[axis], outer_px[axis], size_px[axis], [(face[axis], face[axis + 2]) for face in faces])
            for axis in (0, 1)
        )
        image = scaled(image, frame.frames, *outer_px)
        return each_page(image, frame.frames, lambda page: page.crop(left_px, top_px, *size_px))


def _window(own_px: int, outer_px: int, size_px: int, spans: Sequence[tuple[int, int]]) -> int:
    """Where along one axis the window of *size_px* begins: its middle on all faces, or if they are too far apart, the first.

    *spans* are starts and lengths in a picture *own_px* long that was scaled to *outer_px*.
    """
    start_px, end_px = min(start for start, _ in spans), max(start + length for start, length in spans)
    if (end_px - start_px) * outer_px > size_px * own_px:
        start_px, end_px = spans[0][0], sum(spans[0])
    left_px = ((start_px + end_px) * outer_px // own_px - size_px) // 2
    return max(0, min(left_px, outer_px - size_px))
