"""Animated pictures: libvips holds them as one tall picture of equal pages, which must not be painted across.

``Any`` stands for a pyvips image throughout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def each_page(image: Any, frames: int, paint: Callable[[Any], Any]) -> Any:
    """Paint each of *frames* pages alone and join them again, with the page height that results."""
    if frames == 1:
        return paint(image)
    height_px = image.height // frames
    painted = [paint(image.crop(0, page * height_px, image.width, height_px)) for page in range(frames)]
    joined = type(image).arrayjoin(painted, across=1).copy()
    joined.set("page-height", painted[0].height)
    return joined


def first_page(image: Any) -> Any:
    """The first page alone, no longer marked as part of an animation."""
    height_px = image.get_page_height()
    alone = image.crop(0, 0, image.width, height_px).copy()
    for name in ("page-height", "n-pages", "delay", "loop"):
        if alone.get_typeof(name) != 0:
            alone.remove(name)
    return alone


def scaled(image: Any, frames: int, width_px: int, height_px: int) -> Any:
    """*image* resampled so that each of its *frames* pages has exactly the size given.

    All pages at once: libvips scales pages to whole rows, and what a filter takes from the neighbour at a seam is one
    row, 14 of 255 levels at worst (measured, inverted neighbours), while splitting 300 pages costs a second.
    """
    if (image.width, image.height) == (width_px, height_px * frames):
        return image
    # "force" paints the size that was measured; orientation stays what the file says until it is asked for.
    return image.thumbnail_image(width_px, height=height_px, size="force", no_rotate=True)


def top_level(image: Any) -> int:
    """The number that white has in the samples of *image*."""
    return 65_535 if image.format == "ushort" else 255
