"""How a result is to be encoded, in terms every format understands, and the one quality scale they share.

The scale is CI's, which is libjpeg's: 80 means "looks like a JPEG of quality 80", whatever the format.  A format's
curve turns it into that codec's own number.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from proxy.core.model import PRESETS, Preset

Curve = tuple[tuple[int, int], ...]
"""Points (JPEG quality, own quality), both rising, from 0 to 100."""
Curves = Mapping[str, Curve]
"""By setting (``formats.setting``): fitted to equal SSIMULACRA2 scores by ``bench/fit_quality.py``, which prints them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """What is known when a picture is about to be encoded."""

    quality: int = 80
    """0-100 on JPEG's scale."""
    interlace: bool = False
    """Progressive JPEG; other formats ignore it, as CI does."""
    width_px: int = 1
    height_px: int = 1
    """Of one frame."""
    frames: int = 1
    preset: Preset = "realtime"
    alpha: bool = False
    """Known to the encoder itself; whoever asks for one need not say."""
    slim: bool = False
    """Few bytes are worth time, and what is hardly seen (``imageSlim``)."""
    few_colours: bool = False
    """``cgif``."""

    @property
    def pixels(self) -> int:
        return self.width_px * self.height_px * self.frames


def on_curve(curve: Curve, quality: int) -> int:
    """The codec's own number for *quality*: straight lines between the measured points, rounded half up, monotonic."""
    quality = max(0, min(100, quality))
    for (low, own_low), (high, own_high) in itertools.pairwise(curve):
        if quality <= high:
            span = high - low
            return own_low + ((quality - low) * (own_high - own_low) * 2 + span) // (2 * span)
    return curve[-1][1]


def within(preset: Preset, pixels: int, most_px: Mapping[Preset, int]) -> Preset:
    """*preset*, or the most thorough one below it that takes so many *pixels*; realtime takes any."""
    at_most = PRESETS[: PRESETS.index(preset) + 1]
    return next(each for each in reversed(at_most) if each == "realtime" or pixels <= most_px.get(each, pixels))
