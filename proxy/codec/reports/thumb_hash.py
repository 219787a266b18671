"""thumbhash: a placeholder of some 25 bytes that keeps transparency and proportions (evanw.github.io/thumbhash).

One of ours, in CI's grammar; the answer holds it in base64.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proxy.codec import libvips
from proxy.codec.reports.subject import Subject
from proxy.codec.reports.waves import rows_of, sums

_SIDE_PX = 100
_NOISE = 1e-9


def thumbhash(subject: Subject, _: Mapping[str, int]) -> Mapping[str, object]:
    """The hash of the picture as it is shown, turned upright; and its sides.

    Raises:
        InvalidImageFormat: the picture cannot be decoded.
    """
    image = subject.within(_SIDE_PX)
    with libvips.broken_pictures():
        image = image.colourspace("srgb")
        image = image if image.hasalpha() else image.bandjoin(255)
        samples = bytes(image.write_to_memory())
    shown = subject.traits.frame.oriented()
    return {
        "thumbhash": base64.b64encode(encode(samples, image.width, image.height)).decode(),
        "width": shown.width_px,
        "height": shown.height_px,
    }


@dataclass(frozen=True, slots=True)
class _Channel:
    mean: float
    waves: tuple[float, ...]
    """-1 to 1, in units of ``scale``."""
    scale: float

    @classmethod
    def of(cls, samples: Sequence[float], width: int, across: int, down: int) -> _Channel:
        table = sums(list(rows_of(samples, width)), across, down, phase=0.5)
        # The triangle of slow waves: fewer across the more there are down.
        kept = [table[y][x] for y in range(down) for x in range(across) if x * down < across * (down - y)]
        mean, *waves = kept
        scale = max(map(abs, waves), default=0.0)
        return cls(mean, tuple(wave / scale if scale > _NOISE else -1.0 for wave in waves), scale)


def encode(samples: bytes, width_px: int, height_px: int) -> bytes:
    """The hash of 8-bit RGBA *samples*, not premultiplied, of at most 100 pixels a side."""
    opacity = [level / 255 for level in samples[3::4]]
    seen = sum(opacity)
    opaque = seen >= width_px * height_px
    channels = []
    for band in range(3):
        light = [level / 255 for level in samples[band::4]]
        mean = sum(level * share for level, share in zip(light, opacity, strict=True)) / (seen or 1)
        channels.append([mean * (1 - share) + share * level for level, share in zip(light, opacity, strict=True)])
    red, green, blue = channels

    longest_px = max(width_px, height_px)
    most = 7 if opaque else 5
    across, down = (max(1, _round(most * side / longest_px)) for side in (width_px, height_px))
    luminance = _Channel.of(
        [(r + g + b) / 3 for r, g, b in zip(red, green, blue, strict=True)], width_px, max(3, across), max(3, down)
    )
    yellow = _Channel.of([(r + g) / 2 - b for r, g, b in zip(red, green, blue, strict=True)], width_px, 3, 3)
    reddish = _Channel.of([r - g for r, g in zip(red, green, strict=True)], width_px, 3, 3)
    veil = None if opaque else _Channel.of(opacity, width_px, 5, 5)

    wide = width_px > height_px
    head = (
        _round(63 * luminance.mean)
        | _round(31.5 + 31.5 * yellow.mean) << 6
        | _round(31.5 + 31.5 * reddish.mean) << 12
        | _round(31 * luminance.scale) << 18
        | (not opaque) << 23
    )
    shape = (down if wide else across) | _round(63 * yellow.scale) << 3 | _round(63 * reddish.scale) << 9 | wide << 15
    constants = head.to_bytes(3, "little") + shape.to_bytes(2, "little")
    if veil is not None:
        constants += bytes([_round(15 * veil.mean) | _round(15 * veil.scale) << 4])
    every = (luminance, yellow, reddish, *([veil] if veil is not None else []))
    return constants + _nibbles([_round(15 * (0.5 + 0.5 * wave)) for channel in every for wave in channel.waves])


def _nibbles(values: Sequence[int]) -> bytes:
    """Two to a byte, the first in the lower half."""
    padded = [*values, 0] if len(values) % 2 else values
    return bytes(low | high << 4 for low, high in zip(padded[::2], padded[1::2], strict=True))


def _round(number: float) -> int:
    """Half up, and what differs from a half by the error of summing is one."""
    return math.floor(number + 0.5 + _NOISE)
