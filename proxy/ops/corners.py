"""Round corners: what lies outside becomes transparent, its edge smooth.

``Any`` stands for a pyvips image throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from proxy.core.model import Frame
from proxy.errors import InvalidArgument
from proxy.ops.numbers import MAX_INTEGER, half_up, integer
from proxy.ops.pages import each_page, top_level


@dataclass(frozen=True, slots=True)
class Radius:
    """What the operations have in common that are a radius; each has a name and paints."""

    radius_px: int

    name: ClassVar[str]
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 15

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Self:  # noqa: ARG003
        """Read the radius in pixels, from 1 to half the picture's shorter side.

        Raises:
            InvalidArgument: not a positive integer, or a circle of that radius does not lie within the picture.
        """
        return cls(integer(cls.name, value, 1, MAX_INTEGER))

    def format(self) -> str:
        return f"{self.name}/{self.radius_px}"

    def times(self, tenths: int, frame: Frame) -> Self:
        """The same multiplied by ``dpr``, as far as *frame* has room for it."""
        return type(self)(max(self.radius_px, min(half_up(self.radius_px * tenths, 10), _largest_px(frame))))

    def check(self, frame: Frame) -> None:
        """The circle must lie within *frame*; CI leaves out the one that touches its edges, we do not.

        Raises:
            InvalidArgument: it does not.
        """
        most_px = _largest_px(frame)
        if self.radius_px > most_px:
            raise InvalidArgument.of(
                self.name, str(self.radius_px), f"an integer from 1 to {most_px}, half the picture's shorter side"
            )


def _largest_px(frame: Frame) -> int:
    return min(frame.width_px, frame.height_px) // 2


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
