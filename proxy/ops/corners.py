"""Round corners: what lies outside becomes transparent, its edge smooth.

``Any`` stands for a pyvips image throughout.
"""

from __future__ import annotations

from typing import Any

from proxy.core.model import Frame
from proxy.errors import InvalidArgument
from proxy.ops.numbers import half_up
from proxy.ops.pages import each_page, top_level


def check_radius(parameter: str, radius_px: int, frame: Frame) -> None:
    """A circle of *radius_px* must lie within *frame*; CI leaves out the one that touches its edges, we do not.

    Raises:
        InvalidArgument: it does not.
    """
    most_px = largest_radius_px(frame)
    if radius_px > most_px:
        raise InvalidArgument.of(
            parameter, str(radius_px), f"an integer from 1 to {most_px}, half the picture's shorter side"
        )


def largest_radius_px(frame: Frame) -> int:
    return min(frame.width_px, frame.height_px) // 2


def times_radius_px(radius_px: int, tenths: int, frame: Frame) -> int:
    """*radius_px* multiplied by ``dpr``, as far as *frame* has room for it."""
    return max(radius_px, min(half_up(radius_px * tenths, 10), largest_radius_px(frame)))


def rounded(image: Any, frames: int, radius_px: int) -> Any:
    """*image*, whose pages are at least twice *radius_px* wide and high, with an alpha channel and round corners."""
    mask = _mask(image, image.width, image.height // frames, radius_px)
    return each_page(image, frames, lambda page: _masked(page, mask))


def _mask(image: Any, width_px: int, height_px: int, radius_px: int) -> Any:
    """255 inside, 0 outside, and in between how much of a pixel lies inside."""
    x, y = type(image).xyz(radius_px, radius_px).bandsplit()
    middle = radius_px - 0.5
    distance = ((x - middle) ** 2 + (y - middle) ** 2) ** 0.5
    corner = ((distance * -1 + (radius_px + 0.5)) * 255).rint().cast("uchar").copy_memory()
    right_px, bottom_px = width_px - radius_px, height_px - radius_px
    mask = (type(image).black(1, 1) + 255).cast("uchar").embed(0, 0, width_px, height_px, extend="copy")
    mask = mask.insert(corner, 0, 0).insert(corner.fliphor(), right_px, 0)
    return mask.insert(corner.flipver(), 0, bottom_px).insert(corner.rot180(), right_px, bottom_px)


def _masked(page: Any, mask: Any) -> Any:
    """*page* seen through *mask*; nothing is left of what is outside, so that it costs no bytes and tells no secrets."""
    if not page.hasalpha():
        page = page.bandjoin(top_level(page))
    colours, alpha = page.extract_band(0, n=page.bands - 1), page.extract_band(page.bands - 1)
    seen = colours * (mask > 0) / 255
    return seen.bandjoin((alpha * mask / 255).rint()).cast(page.format).copy(interpretation=page.interpretation)
