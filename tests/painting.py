"""Pictures for the tests of operations, and what paints a schedule on them the way a codec does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyvips

from proxy.core.model import Format, Frame, ImageLimits
from proxy.core.plan import Box
from proxy.core.schedule import Schedule, resume
from proxy.formats import CATALOGUE


class PlainTools:
    """The codec's Tools, for 8-bit and 16-bit RGB and grey."""

    def blank(self, like: Any, width_px: int, height_px: int, colour: Sequence[float]) -> Any:
        colours = like.bands - like.hasalpha()
        scale = 257 if like.format == "ushort" else 1
        levels = [level * scale for level in (colour if colours == 3 else colour[:1])] + [255 * scale] * like.hasalpha()
        canvas = pyvips.Image.black(width_px, height_px, bands=like.bands) + levels
        return canvas.cast(like.format).copy(interpretation=like.interpretation)

    def in_srgb(self, image: Any) -> Any:
        return image

    def matched(self, image: Any, like: Any) -> Any:
        return image

    def faces(self, image: Any) -> Sequence[Box]:
        """One face in the middle third of a picture; none in one whose width can be divided by three."""
        third = (max(1, image.width // 3), max(1, image.height // 3))
        return [(image.width // 3, image.height // 3, *third)] if image.width % 3 else []

    def text(self, text: str, *, font: str, size_px: float) -> Any:
        """Each letter is a block, half as wide as high, with a row of half coverage above."""
        width_px, height_px = max(1, round(len(text) * size_px / 2)), max(2, round(size_px))
        block = (pyvips.Image.black(width_px, height_px - 1) + 255).cast("uchar")
        return (pyvips.Image.black(width_px, 1) + 128).cast("uchar").join(block, "vertical").copy(interpretation="b-w")

    def hide(self, image: Any, *, kind: int, level: int, text: str) -> Any:
        """Inverted, so that it is seen."""
        return image.invert()

    def input(self, number: int) -> Any:
        """8 x 4 pixels, the left half blue, the right half green and half as opaque."""
        half = pyvips.Image.black(4, 4, bands=4)
        left, right = (half.linear(1, pixel).cast("uchar") for pixel in ([0, 0, 255, 255], [0, 255, 0, 128]))
        return left.join(right, "horizontal").copy(interpretation="srgb")


TOOLS = PlainTools()


def numbered(frame: Frame, *, grey: bool = False) -> Any:
    """A picture of *frame* whose pixels say where they are: red is x, green is y, blue tells the pages apart."""
    pages = []
    for page in range(frame.frames):
        x, y = pyvips.Image.xyz(frame.width_px, frame.height_px).bandsplit()
        bands = x if grey else x.bandjoin([y, pyvips.Image.black(frame.width_px, frame.height_px) + 40 * page])
        pages.append(bands.bandjoin(255 - 3 * page) if frame.alpha else bands)
    image = pyvips.Image.arrayjoin(pages, across=1).cast("uchar")
    image = image.copy(interpretation="b-w" if grey else "srgb")
    if frame.animated:
        image.set_type(pyvips.GValue.gint_type, "page-height", frame.height_px)
    if frame.orientation != 1:
        image.set_type(pyvips.GValue.gint_type, "orientation", frame.orientation)
    return image


def folded(
    schedule: Schedule, image: Any, output: Format = CATALOGUE["webp"], limits: ImageLimits = ImageLimits()
) -> tuple[Any, Frame]:
    """*image* after every step of *schedule*, every pixel computed, and the frame that it then should have."""
    for done, (operation, frame) in enumerate(schedule.steps, 1):
        image = operation.apply(image, frame, TOOLS)
        if not operation.measure(frame).exact:
            rest = resume(schedule, done, (image.width, image.height), output=output, limits=limits)
            return folded(rest, image, output, limits)
    return image.copy_memory(), schedule.frame


def painted(schedule: Schedule, image: Any) -> Any:
    """*image* after every step of *schedule*, every pixel computed."""
    return folded(schedule, image)[0]


def geometry(image: Any) -> tuple[int, int, int, bool]:
    """Width and height of a page, pages, alpha."""
    height_px = image.get_page_height()
    return image.width, height_px, image.height // height_px, image.hasalpha()


def pages(image: Any) -> list[Any]:
    height_px = image.get_page_height()
    return [image.crop(0, top_px, image.width, height_px) for top_px in range(0, image.height, height_px)]


def difference(one: Any, other: Any) -> float:
    """The largest difference of any sample."""
    return (one.cast("float") - other.cast("float")).abs().max()
