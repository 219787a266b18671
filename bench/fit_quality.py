"""Fits the curves of proxy/formats/*.py: what each encoder must be told so that its pictures score as JPEG's do.

    .venv/bin/python bench/fit_quality.py IMAGES            prints CURVES for every format; paste them
    .venv/bin/python bench/fit_quality.py IMAGES --check    how far from JPEG's score quality/Q ends up with the curves in force

IMAGES is a directory of photographs; the middle of each is used, 384 pixels square, as a score costs a second a megapixel.
JPEG's colours have half the resolution below quality 90 and all of it from there; so have those of the formats that follow it,
and nothing is interpolated across that step.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from judge import judge
from trials import SETTINGS, Picture, Setting, Trial, kind, opened, plain_jpeg, trial

SAMPLED = (8, 25, 48, 66, 80, 89, 90, 97)
"""Qualities at which each encoder is tried, on the curve in force: fit twice if that was far off."""
POINTS = (10, 25, 40, 55, 70, 80, 85, 89, 90, 95)
CROP_PX = 384
MOST_PX = 1600
"""Large photographs are scaled down first: what a camera gives pixel by pixel is softer than what is sent."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, nargs="+", help="photographs, or directories of them")
    parser.add_argument("--formats", nargs="+", default=sorted({setting.format for setting in SETTINGS}))
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    pictures = [opened(path, most_px=MOST_PX, crop_px=CROP_PX) for path in files(given.images)]
    print(f"# {len(pictures)} pictures, judged by {judge()[0]}")
    for setting in SETTINGS:
        if (setting.format, setting.name) == ("jpeg", "realtime") or setting.format not in given.formats:
            continue
        if given.check:
            check(setting, pictures)
        else:
            print(f"{setting.format}: {setting.name!r}: {curve(setting, pictures)},", flush=True)


def files(given: Iterable[Path]) -> list[Path]:
    """The pictures that *given* name."""
    found = [path for each in given for path in (sorted(each.iterdir()) if each.is_dir() else [each])]
    return [path for path in found if path.suffix in {".png", ".jpg", ".heic"}]


def curve(setting: Setting, pictures: Sequence[Picture]) -> tuple[tuple[int, int], ...]:
    points = [(0, 0 if setting.format != "avif" else 1)]
    for quality in POINTS:
        own = round(statistics.mean(_own(setting, picture, quality) for picture in pictures))
        points.append((quality, min(99, max(own, points[-1][1]))))
    return (*points, (100, 100))


def _own(setting: Setting, picture: Picture, quality: int) -> float:
    """The encoder's number that gives *picture* the score of a JPEG of *quality*."""
    own_kind = kind(setting, quality)
    tried = {
        trial_.own: trial_.score
        for each in SAMPLED
        if kind(setting, each) == own_kind
        for trial_ in (trial(picture, setting, each),)
    }
    owns, scores = np.array(sorted(tried)), np.maximum.accumulate([tried[own] for own in sorted(tried)])
    return float(_interpolated(plain_jpeg(picture, quality).score, scores, owns))


def _interpolated(at: float, xs: np.ndarray, ys: np.ndarray) -> float:
    """Straight lines, and on beyond the ends."""
    number = int(np.clip(np.searchsorted(xs, at), 1, len(xs) - 1))
    (x0, x1), (y0, y1) = xs[number - 1 : number + 1], ys[number - 1 : number + 1]
    return y1 if x1 <= x0 else y0 + (at - x0) * (y1 - y0) / (x1 - x0)


def check(setting: Setting, pictures: Sequence[Picture]) -> None:
    said = []
    for quality in (30, 50, 70, 80, 90):
        off = [_off(trial(picture, setting, quality), plain_jpeg(picture, quality)) for picture in pictures]
        said.append(f"{quality}: {statistics.mean(off):+.1f} (SD {statistics.pstdev(off):.1f})")
    print(f"{setting.format:5} {setting.name:12} {'  '.join(said)}", flush=True)


def _off(one: Trial, other: Trial) -> float:
    return one.score - other.score


if __name__ == "__main__":
    main()
