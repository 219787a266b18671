"""SSIMULACRA2 by libvips alone: how much a picture looks like its original, 100 exactly, 90 hardly told apart, 70 well.

The published measure (J. Sneyers, Cloudinary, 2023; version 2.1): structural similarity, new edges and lost detail, at six scales
of XYB, with weights fitted to what people said of 22,000 pictures.  Of its 108 weights those are left out that never move a score
by a hundredth, and with them two thirds of the work at the finest scale: 0.54 s a megapixel of one core.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import chain
from typing import Final

import pyvips

from proxy.codec.libvips import Image

LEAST_PX: Final = 8
"""A side below which there is nothing to compare."""
_SCALES = 6
_C2 = 0.0009
_SIGMA, _RADIUS = 1.5, 5
_HEEDED = 0.01
"""Weights below it are left out."""

_WEIGHTS = (
    # X, from the finest scale to the coarsest: mean of dissimilarity, new edges, lost detail; then their 4-norms
    (0, 0.000737661, 0, 0, 0.000779348, 0),
    (0, 0.000437116, 0, 1.10417, 0.000662848, 0.000152316),
    (0, 0.00164064, 0, 1.84225, 11.4412, 0),
    (0.000798911, 0.000176816, 0, 1.87876, 10.9491, 0),
    (0.000728935, 0.967794, 0, 0.000140034, 0.998177, 0.000319498),
    (0.000455099, 0, 0, 0.00136488, 0, 0),
    # Y
    (0, 0, 0, 7.46689, 0, 17.4458),
    (0.00062356, 0, 0, 6.68368, 0.000377244, 1.02789),
    (225.205, 0, 0, 19.2132, 0.00114015, 0.00123776),
    (176.393, 0, 0, 24.433, 0.285208, 0.000448544),
    (0, 0, 0, 34.7791, 44.8356, 0),
    (0, 0, 0, 0, 0, 0),
    # B - Y
    (0, 0.000868056, 0, 0, 0, 0),
    (0, 0.000531319, 0, 0.000165338, 0, 0),
    (0, 0, 0, 0.000417917, 0.00172908, 0),
    (0.0020827, 0, 0, 8.82698, 23.1924, 0),
    (95.108, 0.986398, 0.983438, 0.00122864, 171.267, 0.980786),
    (0, 0, 0, 0.000513006, 0, 0.000108541),
)

# XYB of JPEG XL (ISO/IEC 18181-1): what the eye's cones absorb, a cube root, opponent colours.
_ABSORBED = [
    [0.3, 0.622, 0.078],
    [0.23, 0.692, 0.078],
    [0.24342268924547819, 0.20476744424496821, 0.5518098665095536],
]
_BIAS = 0.0037930732552754493
_ROOT_OF_BIAS = _BIAS ** (1 / 3)
_OPPONENT = [[7.0, -7.0, 0.0], [0.5, 0.5, 0.0], [-0.5, -0.5, 1.0]]
_OFFSET = (0.42, 0.01 - _ROOT_OF_BIAS, 0.55)
_STEPS = 65535
_MOST = 1.01
"""More is never absorbed."""


def score(original: Image, other: Image) -> float:
    """How much *other* looks like *original*: 8-bit sRGB of three bands, of one size of at least 8 pixels a side.

    100 or less; under 0 it is another picture.
    """
    linear = [_linear(original), _linear(other)]
    width_px, height_px = original.width, original.height
    sizes = [(-(-width_px // 2**scale), -(-height_px // 2**scale)) for scale in range(_SCALES)]
    scales = sum(min(size) >= LEAST_PX for size in sizes)
    sum_ = 0.0
    for scale in range(scales):
        if scale:
            linear = [image.shrink(2, 2, ceil=True).copy_memory() for image in linear]
        # With fewer scales the weights move up: so it is defined.
        rows = [_WEIGHTS[channel * scales + scale] for channel in range(3)]
        heeded = [channel for channel in range(3) if max(rows[channel]) >= _HEEDED]
        if heeded:
            norms = _norms(*(_opponents(image, heeded) for image in linear))
            sum_ += sum(
                weight * norm
                for channel, found in zip(heeded, norms, strict=True)
                for weight, norm in zip(rows[channel], found, strict=True)
            )
    sum_ *= 0.9562382616834844
    sum_ = 2.326765642916932 * sum_ - 0.020884521182843837 * sum_**2 + 6.248496625763138e-05 * sum_**3
    return 100.0 - 10.0 * sum_**0.6276336467831387 if sum_ > 0 else 100.0


def _linear(image: Image) -> Image:
    return image.maplut(_light()).copy_memory()


@cache
def _light() -> Image:
    """Light by sRGB level (IEC 61966-2-1)."""
    levels = [level / 255 for level in range(256)]
    light = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in levels]
    return pyvips.Image.new_from_array([light]).cast("float")


@cache
def _roots() -> Image:
    roots = [(_MOST * step / _STEPS) ** (1 / 3) for step in range(_STEPS + 1)]
    return pyvips.Image.new_from_array([roots]).cast("float")


def _opponents(linear: Image, channels: list[int]) -> Image:
    """The *channels* of XYB, shifted so that all is positive, in memory."""
    absorbed = linear.recomb(pyvips.Image.new_from_array(_ABSORBED))
    scaled = absorbed.linear(_STEPS / _MOST, _BIAS * _STEPS / _MOST + 0.5).cast("ushort")
    matrix = pyvips.Image.new_from_array([_OPPONENT[channel] for channel in channels])
    mixed = scaled.maplut(_roots()).recomb(matrix)
    return mixed.linear([1.0] * len(channels), [_OFFSET[channel] for channel in channels]).cast("float").copy_memory()


@cache
def _kernel() -> Image:
    half = [math.exp(-(far**2) / (2 * _SIGMA**2)) for far in range(-_RADIUS, _RADIUS + 1)]
    return pyvips.Image.new_from_array([half], scale=sum(half))


def _norms(one: Image, other: Image) -> list[list[float]]:
    """For each channel what ``_WEIGHTS`` weigh."""
    channels = one.bands
    joined = one.bandjoin([other, one * one + other * other, one * other])
    width_px, height_px = one.width, one.height
    # Beyond its borders a picture is zero, as in libjxl's program: at the coarsest scales they are a good part of it.
    padded = joined.embed(_RADIUS, _RADIUS, width_px + 2 * _RADIUS, height_px + 2 * _RADIUS)
    blurred = padded.convsep(_kernel(), precision="float").crop(_RADIUS, _RADIUS, width_px, height_px).copy_memory()
    mean_1, mean_2, squares, products = (blurred.extract_band(at * channels, n=channels) for at in range(4))
    apart = mean_1 - mean_2
    alike = (1 - apart * apart) * (2 * (products - mean_1 * mean_2) + _C2)
    dissimilar = 1 - alike / (squares - mean_1 * mean_1 - mean_2 * mean_2 + _C2)
    edges = ((other - mean_2).abs() + 1) / ((one - mean_1).abs() + 1) - 1
    found = dissimilar.bandjoin([edges, edges * -1]).cast("float").clamp(min=0, max=1e6).copy_memory()
    firsts = found.stats()
    fourths = (found * found).stats()
    pixels = width_px * height_px
    return [
        list(
            chain(
                (firsts(4, 1 + kind * channels + channel)[0] for kind in range(3)),
                ((fourths(3, 1 + kind * channels + channel)[0] / pixels) ** 0.25 for kind in range(3)),
            )
        )
        for channel in range(channels)
    ]
