"""blurhash: twenty characters that a page can paint before the picture arrives (github.com/woltapp/blurhash, Algorithm.md).

One of ours, in CI's grammar: ``blurhash/x/4/y/3``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from proxy.codec import colour, libvips
from proxy.codec.reports.subject import Subject
from proxy.codec.reports.waves import rows_of, sums

_SIDE_PX = 64
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"


def blurhash(subject: Subject, arguments: Mapping[str, int]) -> Mapping[str, object]:
    """The hash of the picture as it is shown: turned upright, transparency on white; and its sides.

    Raises:
        InvalidImageFormat: the picture cannot be decoded.
    """
    image = subject.within(_SIDE_PX)
    with libvips.broken_pictures():
        image = colour.flat(image).colourspace("srgb")
        samples = bytes(image.write_to_memory())
    shown = subject.traits.frame.oriented()
    return {
        "blurhash": encode(samples, image.width, arguments["x"], arguments["y"]),
        "width": shown.width_px,
        "height": shown.height_px,
    }


def encode(samples: bytes, width_px: int, across: int, down: int) -> str:
    """The hash of 8-bit RGB *samples* in *across* x *down* components, each 1 to 9."""
    parts = [
        sums(list(rows_of([_LINEAR[level] for level in samples[band::3]], width_px)), across, down, phase=0)
        for band in range(3)
    ]
    first, *waves = zip(*([part for row in band for part in row] for band in parts), strict=True)
    # Components but the first count twice.
    details = [tuple(2 * part for part in wave) for wave in waves]
    strongest = max((abs(part) for wave in details for part in wave), default=0.0)
    step = max(0, min(82, math.floor(strongest * 166 - 0.5))) if details else 0
    limit = (step + 1) / 166
    red, green, blue = map(_encoded_level, first)
    return (
        _digits(across - 1 + (down - 1) * 9, 1)
        + _digits(step, 1)
        + _digits(red << 16 | green << 8 | blue, 4)
        + "".join(_detail(wave, limit) for wave in details)
    )


def _detail(wave: tuple[float, ...], limit: float) -> str:
    """Red, green and blue of one component in nineteen steps each, finer near zero."""
    number = 0
    for part in wave:
        root = math.copysign(math.sqrt(abs(part / limit)), part)
        number = number * 19 + max(0, min(18, math.floor(root * 9 + 9.5)))
    return _digits(number, 2)


def _digits(number: int, length: int) -> str:
    return "".join(_DIGITS[number // 83**place % 83] for place in range(length - 1, -1, -1))


def _linear_level(level: int) -> float:
    share = level / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def _encoded_level(light: float) -> int:
    light = max(0.0, min(1.0, light))
    share = light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
    return int(share * 255 + 0.5)


_LINEAR = tuple(_linear_level(level) for level in range(256))
