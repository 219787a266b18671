"""Draws text with pango, from the font files that ``codec.fonts`` knows and no others."""

from __future__ import annotations

import html
from functools import cache

import pyvips

from proxy.codec import fonts
from proxy.codec.libvips import Image
from proxy.errors import InvalidArgument

_DPI = 72
"""A point is a pixel."""


def draw(text: str, *, font: str, size_px: float) -> Image:
    """The coverage of *text* in the box around its ink: one band, 0 to 255.

    Raises:
        InvalidArgument: nothing of it can be seen, or it is longer than 32,767 pixels.
    """
    know_fonts()
    try:
        # Escaped, because pango reads markup: nothing in a URL chooses fonts or sizes by tags.
        mask = pyvips.Image.text(
            html.escape(text, quote=False), font=f"{fonts.description(font)} {size_px:.3f}", dpi=_DPI
        )
    except pyvips.Error:
        raise InvalidArgument(public="text: there is nothing to see in it, or it is too long to be drawn.") from None
    return mask.copy(interpretation="b-w")


@cache
def know_fonts() -> None:
    """Tell fontconfig every file, once a process; without this there is no text in an SVG either."""
    for path in fonts.files():
        try:
            pyvips.Image.text("a", font="Liberation Sans 10", dpi=_DPI, fontfile=str(path))
        except pyvips.Error:
            continue
