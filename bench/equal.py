"""Bytes at equal score: pictures are encoded at qualities on both sides of the score that libjpeg-turbo reaches.

Between them, the logarithm of bytes is interpolated over the score, and only among pictures whose colours have the resolution
that the asked quality gives them: at 90 it doubles, and so do bytes.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trials import SETTINGS, Picture, Setting, Trial, kind, own_quality, plain_jpeg, trial, tried_before

STEPS = (4, 8, 12, 16, 20)


@dataclass(frozen=True)
class Equal:
    """What one picture takes at the score of a JPEG."""

    share: float
    """Of the JPEG's bytes."""
    size_bytes: float
    jpeg_bytes: int
    cpu_s_per_mp: float
    off: float
    """Score of the asked quality, less the JPEG's."""
    extrapolated: float
    """Points by which the target lay outside what was tried."""


@dataclass(frozen=True)
class Row:
    """One setting over many pictures, at the score of JPEG quality ``target``."""

    setting: Setting
    target: int
    score: float
    """The mean of the scores that were matched."""
    equals: Sequence[Equal]

    @property
    def saved_percent(self) -> float:
        """Mean over the pictures."""
        return 100 * (1 - statistics.mean(each.share for each in self.equals))

    @property
    def range_percent(self) -> tuple[float, float]:
        shares = [each.share for each in self.equals]
        return 100 * (1 - max(shares)), 100 * (1 - min(shares))

    @property
    def total_percent(self) -> float:
        """Of all bytes together."""
        return 100 * (1 - sum(each.size_bytes for each in self.equals) / sum(each.jpeg_bytes for each in self.equals))

    @property
    def cpu_s_per_mp(self) -> float:
        return statistics.median(each.cpu_s_per_mp for each in self.equals)

    @property
    def off(self) -> tuple[float, float]:
        """Mean and standard deviation of how far the quality table missed."""
        return statistics.mean(each.off for each in self.equals), statistics.pstdev(each.off for each in self.equals)

    @property
    def key(self) -> tuple[str, str]:
        return self.setting.format, self.setting.name


def equal(picture: Picture, setting: Setting, target: int) -> Equal:
    jpeg = plain_jpeg(picture, target)
    known = {each.own: each for each in _known(picture, setting, target)}
    for quality in (target, *itertools.chain(*((target + step, target - step) for step in STEPS))):
        scores = [each.score for each in known.values()]
        if scores and min(scores) <= jpeg.score <= max(scores):
            break
        quality = max(1, min(100, quality))
        # Further away, and only in the direction that is missing.
        wanted = not scores or (quality > target) == (max(scores) < jpeg.score)
        if wanted and kind(setting, quality) == kind(setting, target):
            one = trial(picture, setting, quality)
            known[one.own] = one
    tried = [known[own] for own in sorted(known)]
    low, high = _around([each.score for each in tried], jpeg.score, tried)
    part = _part(jpeg.score, low.score, high.score)
    size_bytes = math.exp((1 - part) * math.log(low.size_bytes) + part * math.log(high.size_bytes))
    own = own_quality(setting, target)
    below, above = _around([each.own for each in tried], own, tried)
    at = _part(own, below.own, above.own)
    return Equal(
        share=size_bytes / jpeg.size_bytes,
        size_bytes=size_bytes,
        jpeg_bytes=jpeg.size_bytes,
        cpu_s_per_mp=(low.cpu_s + high.cpu_s) / 2 / picture.megapixels,
        off=(1 - at) * below.score + at * above.score - jpeg.score,
        extrapolated=max(0.0, jpeg.score - tried[-1].score, tried[0].score - jpeg.score),
    )


def _known(picture: Picture, setting: Setting, target: int) -> list[Trial]:
    """What was tried before near *target*, perhaps when the quality table was another one."""
    near = range(max(1, target - 12), min(100, target + 12) + 1)
    alike = [quality for quality in near if kind(setting, quality) == kind(setting, target)]
    found = (tried_before(picture, setting, quality) for quality in alike)
    return [each for each in found if each is not None]


def _around(values: Sequence[float], at: float, tried: Sequence[Trial]) -> tuple[Trial, Trial]:
    """The two of *tried*, whose *values* rise, on both sides of *at*, or next to it."""
    place = next((n for n, value in enumerate(values) if value >= at), len(values) - 1)
    return tried[max(0, place - 1)], tried[max(min(1, len(tried) - 1), place)]


def _part(at: float, low: float, high: float) -> float:
    return 0.0 if high == low else (at - low) / (high - low)


def rows(pictures: Sequence[Picture], targets: Sequence[int]) -> Mapping[tuple[int, str, str], Row]:
    found = {}
    for target in targets:
        score = statistics.mean(plain_jpeg(picture, target).score for picture in pictures)
        for setting in SETTINGS:
            row = Row(setting, target, score, [equal(picture, setting, target) for picture in pictures])
            found[target, setting.format, setting.name] = row
            print(
                f"q{target} {setting.format:5} {setting.name:12} {row.saved_percent:5.1f} % smaller, "
                f"{row.cpu_s_per_mp:6.3f} s/Mpx, table off by {row.off[0]:+.1f} (SD {row.off[1]:.1f}), "
                f"extrapolated {max(each.extrapolated for each in row.equals):.1f}",
                flush=True,
            )
    return found
