"""Pictures for the tests of operations, and what paints a schedule on them the way a codec does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyvips

from proxy.core.model import Frame
from proxy.core.schedule import Schedule


class PlainTools:
    """The codec's Tools, for 8-bit and 16-bit RGB and grey."""

    def blank(self, like: Any, width_px: int, height_px: int, colour: Sequence[float]) -> Any:
        colours = like.bands - like.hasalpha()
        scale = 257 if like.format == "ushort" else 1
        levels = [level * scale for level in (colour if colours == 3 else colour[:1])] + [255 * scale] * like.hasalpha()
        canvas = pyvips.Image.black(width_px, height_px, bands=like.bands) + levels
        return canvas.cast(like.format).copy(interpretation=like.interpretation)


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


def painted(schedule: Schedule, image: Any) -> Any:
    """*image* after every step of *schedule*, every pixel computed."""
    for operation, frame in schedule.steps:
        image = operation.apply(image, frame, TOOLS)
    return image.copy_memory()


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
