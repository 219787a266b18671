"""How near an encoding comes to the picture that was painted (``quality/auto``), and which quality comes near enough.

Compared is what ``encode`` was given, in sRGB and without metadata, with what a decoder makes of the file.  Of a large picture tiles
from all over it are encoded and compared, so that this takes as long for any picture as for one of a megapixel.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Final

import pyvips

from proxy.codec import colour, libvips, ssimulacra2
from proxy.codec.decode import decode
from proxy.codec.encode import encode, fitted
from proxy.codec.probe import probe
from proxy.core import scores
from proxy.core.model import Format, Frame, ImageLimits
from proxy.core.scores import MOST_PX, Measurement
from proxy.errors import InvalidImageFormat
from proxy.formats import Encoding

_TILE_PX: Final = 256
"""A multiple of every encoder's blocks, so that they meet no seams."""
_BLOCK_PX = 64
_TILES = MOST_PX // _TILE_PX**2
_GREY_LEVEL = 128
"""What lies behind transparent parts: on black or white much of what is black or white would not be seen."""


def guessed(output: Format, encoding: Encoding, target: int) -> Encoding:
    """*encoding* with the quality at which photographs score *target*, on the average."""
    return replace(encoding, quality=scores.quality_for(scores.curve_of(output.name, encoding), target))


def measured(image: libvips.Image, output: Format, encoding: Encoding) -> bytes:
    """What *image*, in memory, scores as *encoding* says, as the JSON of a ``Measurement``.

    Raises:
        InvalidImageFormat: it has no score, or there is no encoder or no decoder for the format.
    """
    if not scores.measurable(output, _frame(encoding)):
        raise InvalidImageFormat("a picture without a score")
    return json.dumps(asdict(_measured(_sample(image, output), output, encoding))).encode()


def searched(image: libvips.Image, output: Format, encoding: Encoding, target: int) -> Encoding:
    """*encoding* with the lowest quality at which *image*, in memory, scores *target*; 100 if none does.

    The quality for the average where it has no score.  Between two and eight encodings of up to a megapixel: each measurement predicts
    where to look next, and bounds the rest, as scores rise with quality.

    Raises:
        InvalidImageFormat: there is no encoder or no decoder for the format.
    """
    if not scores.measurable(output, _frame(encoding)):
        return guessed(output, encoding, target)
    sample, curve = _sample(image, output), scores.curve_of(output.name, encoding)
    low, high = 1, 100
    found: Measurement | None = None
    while low < high:
        likely = scores.quality_for(curve, target, found)
        if found is not None and likely == found.quality:
            likely += 1 if found.score < target else -1
        tried = replace(encoding, quality=max(low, min(high - 1, likely)))
        found = _measured(sample, output, tried)
        low, high = (low, found.quality) if found.score >= target else (found.quality + 1, high)
    return replace(encoding, quality=low)


def seen(body: bytes) -> libvips.Image:
    """What a screen shows of *body*, a file of ours: 8-bit sRGB of three bands, in memory; transparent parts on grey.

    Raises:
        InvalidImageFormat: there is no decoder for its format.
    """
    image = decode(body, probe(body, ImageLimits()), frames=1)
    with libvips.broken_pictures():
        return _comparable(image).copy_memory()


def _frame(encoding: Encoding) -> Frame:
    return Frame(width_px=encoding.width_px, height_px=encoding.height_px, frames=encoding.frames)


def _measured(sample: libvips.Image, output: Format, encoding: Encoding) -> Measurement:
    body = encode(sample, output, encoding)
    with libvips.broken_pictures():
        return Measurement(encoding.quality, round(ssimulacra2.score(_comparable(sample), seen(body)), 3))


def _comparable(image: libvips.Image) -> libvips.Image:
    image = colour.eight_bit(colour.in_srgb(image))
    if image.hasalpha():
        image = image.flatten(background=[_GREY_LEVEL] * (image.bands - 1))
    return image if image.bands == 3 else image.colourspace("srgb")


def _sample(image: libvips.Image, output: Format) -> libvips.Image:
    """What is looked at of *image*: all of it, or tiles from all over it, evenly spread; as *output* holds it."""
    image = fitted(image, output, keep=libvips.KEEP_NOTHING)
    width_px, height_px = image.width, image.height
    if width_px * height_px <= MOST_PX:
        return image
    wide_px, high_px = min(_TILE_PX, width_px), min(_TILE_PX, height_px)
    down = max(1, min(height_px // high_px, round(_TILES**0.5)))
    across = max(1, min(width_px // wide_px, _TILES // down))
    down = max(1, min(height_px // high_px, _TILES // across))
    tiles = [
        image.crop(_place(column, across, width_px, wide_px), _place(row, down, height_px, high_px), wide_px, high_px)
        for row in range(down)
        for column in range(across)
    ]
    return pyvips.Image.arrayjoin(tiles, across=across).copy_memory()


def _place(number: int, count: int, length_px: int, tile_px: int) -> int:
    """Where the tile with that *number*, of *count*, begins: near the middle of its share of the length.

    The blocks of the whole are blocks of the tile: where the source was encoded in the same ones, it loses nothing for a second time.
    """
    share_px = length_px / count
    return int(number * share_px + (share_px - tile_px) / 2) // _BLOCK_PX * _BLOCK_PX
