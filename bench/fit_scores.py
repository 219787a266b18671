"""Fits the table of proxy/formats/_scores.py: which SSIMULACRA2 score a picture of each quality has, on the average.

    .venv/bin/python bench/fit_scores.py IMAGES            prints SCORES; paste it

IMAGES are photographs, or directories of them.  Larger ones are scaled down to 1,000 pixels.  Judged by the codec's own
measure (``proxy.codec.ssimulacra2``), which is what the server goes by.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

from cache import Cache
from fit_quality import files
from trials import SETTINGS, Picture, Setting, opened, own_quality, versions

from proxy import formats
from proxy.codec import ssimulacra2
from proxy.codec.encode import encode
from proxy.codec.scoring import seen
from proxy.formats import CATALOGUE

QUALITIES = (20, 40, 60, 70, 80, 85, 89, 90, 95)
FINER = {
    "avif": (66, 73, 75, 76, 77, 78, 79, 81, 82, 83, 87, 92),
    "heif": (62, 64, 66, 68, 72, 73, 75, 76, 77, 78, 79, 81, 82, 83, 87, 92),
}
"""Encoders that count in coarser steps than quality: where photographs mostly end, each step is found."""
MOST_PX = 1000
_KEPT = Cache("scores")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, nargs="+", help="photographs, or directories of them")
    parser.add_argument("--formats", nargs="+", default=sorted({setting.format for setting in SETTINGS}))
    parser.add_argument("--settings", nargs="+", default=sorted({setting.name for setting in SETTINGS}))
    given = parser.parse_args()
    pictures = [opened(path, most_px=MOST_PX) for path in files(given.images)]
    print(f"# {len(pictures)} pictures")
    for setting in SETTINGS:
        if setting.format in given.formats and setting.name in given.settings:
            print(f"{setting.format}: {setting.name!r}: {curve(setting, pictures)},", flush=True)


def curve(setting: Setting, pictures: Sequence[Picture]) -> tuple[tuple[int, float], ...]:
    return tuple(
        (quality, round(statistics.mean(score(picture, setting, quality) for picture in pictures), 1))
        for quality in sorted({*QUALITIES, *FINER.get(setting.format, ())})
    )


def score(picture: Picture, setting: Setting, quality: int) -> float:
    """What *picture* scores as *setting* at *quality*."""
    encoding = setting.encoding(quality)
    key = [picture.digest, formats.save_options(setting.format, encoding), setting.format, versions()]

    def measured() -> float:
        body = encode(picture.image, CATALOGUE[setting.format], encoding)
        return ssimulacra2.score(picture.image, seen(body))

    return float(_KEPT.get(key, measured))


__all__ = ["QUALITIES", "own_quality", "score"]

if __name__ == "__main__":
    main()
