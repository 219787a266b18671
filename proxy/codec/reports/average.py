"""imageAve: the average colour of a picture (spec/01 §11)."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.codec import libvips
from proxy.codec.reports.subject import Subject

_ENOUGH_PX = 64
_WHITE = "0xffffff"


def image_ave(subject: Subject, _: Mapping[str, int]) -> Mapping[str, object]:
    return {"RGB": average(subject)}


def average(subject: Subject) -> str:
    """The mean of every pixel of the first frame, ``0xrrggbb``; each weighs as much as it can be seen.

    Raises:
        InvalidImageFormat: the picture cannot be decoded.
    """
    image = subject.reduced(_ENOUGH_PX)
    with libvips.broken_pictures():
        means = _means(image.premultiply()) if image.hasalpha() else _means(image)
    if image.hasalpha():
        *means, opacity = means
        if opacity == 0:
            return _WHITE
        means = [mean * 255 / opacity for mean in means]
    red, green, blue = (min(255, int(mean + 0.5)) for mean in (means * 3 if len(means) == 1 else means))
    return f"0x{red:02x}{green:02x}{blue:02x}"


def _means(image: libvips.Image) -> list[float]:
    # Row 0 of the table is of all bands together; column 4 holds the means.
    table = image.stats()
    return [float(table.getpoint(4, band + 1)[0]) for band in range(image.bands)]
