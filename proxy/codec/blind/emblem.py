"""A mark that is a picture, as 32 x 32 signs and back: what is light in it and what is dark."""

from __future__ import annotations

from typing import Any

import pyvips

from proxy.codec import libvips
from proxy.codec.blind import waves
from proxy.errors import InvalidArgument

Array = Any

SIDE = 32
SIGNS = SIDE * SIDE
_SHOWN_PX = 8
_CONTRAST = 16.0
"""Levels between the lightest and the darkest part of a mark, at least."""


def signs_of(mark: libvips.Image) -> Array:
    """*mark*, 8-bit sRGB or grey with alpha, in the middle of a square: 1 where it is light, -1 where it is dark.

    What is transparent is black, or white where nothing could be seen on black.

    Raises:
        InvalidArgument: it is of one colour.
    """
    np = waves.library()
    with libvips.broken_pictures():
        for background in (0, 255):
            levels = _levels(mark, background)
            low, high = float(levels.min()), float(levels.max())
            if high - low >= _CONTRAST:
                return np.where(levels > (low + high) / 2, 1.0, -1.0).ravel()
    raise InvalidArgument(public="The image of the watermark is of one colour.")


def shown(said: Array) -> libvips.Image:
    """A grey picture of signs as they were read: black and white where they are clear, grey where they are not."""
    np = waves.library()
    levels = 127.5 + 127.5 * np.clip(said / max(float(np.abs(said).mean()), 1e-9), -1, 1)
    small = libvips.from_memory(levels.round().astype(np.uint8).tobytes(), SIDE, SIDE, 1)
    return small.zoom(_SHOWN_PX, _SHOWN_PX)


def _levels(mark: libvips.Image, background: int) -> Array:
    np = waves.library()
    seen = mark.flatten(background=[background] * (mark.bands - 1)) if mark.hasalpha() else mark
    seen = seen if seen.bands == 1 else seen.colourspace("b-w")
    longest_px = max(seen.width, seen.height)
    wide, high = (max(1, (side * SIDE * 2 + longest_px) // (2 * longest_px)) for side in (seen.width, seen.height))
    small = seen.resize(wide / seen.width, vscale=high / seen.height)
    centred = small.embed((SIDE - wide) // 2, (SIDE - high) // 2, SIDE, SIDE, extend=pyvips.enums.Extend.BACKGROUND,
                          background=[background])  # fmt: skip
    return np.frombuffer(centred.cast("uchar").write_to_memory(), np.uint8).reshape(SIDE, SIDE).astype(float)
