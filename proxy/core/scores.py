"""``quality/auto``: from the SSIMULACRA2 score that is asked for to a quality, by a table and, of one picture, a measurement.

All photographs of one quality score much the same in AVIF and HEIF, and within some points in JPEG and WebP.  One encoding that
was measured tells how far a picture is from the average; how a score changes with quality is as good as the same for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from proxy.core.model import Format, Frame
from proxy.formats import Encoding, ScoreCurve, score_curve, setting

DEFAULT: Final = 77
"""What photographs at ``quality/80`` score, on the average."""
LEAST, MOST = 30, 90
"""Below, nothing is left that anybody would show; above, nothing is left to be seen."""
_APART = 10
"""How far the scores lie apart at which pictures are measured: one measurement serves the targets around it."""
_LEAST_SIDE_PX = 8
"""Smaller pictures have no score."""
MOST_PX: Final = 1_048_576
"""Of larger pictures so many pixels, from all over them, are encoded and compared."""
TRIES: Final = 3.5
"""Encodings that a search takes, on the average; two to eight."""
_FLATTEST: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one encoding of a picture scored."""

    quality: int
    """On JPEG's scale, 1 to 100."""
    score: float
    """100 or less, mostly over 0."""

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Measurement:
        """The inverse of ``asdict``.

        Raises:
            KeyError, TypeError, ValueError: *record* is none of ours.
        """
        quality, score = record["quality"], record["score"]
        if type(quality) is not int or type(score) not in (int, float):
            raise TypeError("a measurement")
        if not 1 <= quality <= 100 or not -1e4 < score <= 100:
            raise ValueError("a measurement")
        return cls(quality, float(score))


def measurable(output: Format, frame: Frame) -> bool:
    """Whether a picture like this has a score; of animations nothing is measured."""
    sides_px = (frame.width_px, frame.height_px)
    return output.quality and not frame.animated and min(sides_px) >= _LEAST_SIDE_PX


def measured_at(target: int) -> int:
    """The score at which a picture is measured for *target*: one for all around it, and the default itself."""
    return max(LEAST, DEFAULT + _APART * round((target - DEFAULT) / _APART))


def curve_of(name: str, encoding: Encoding) -> ScoreCurve:
    """Average scores of pictures encoded like this, by quality."""
    return score_curve(name, setting(name, encoding))


def quality_for(curve: ScoreCurve, target: float, measured: Measurement | None = None) -> int:
    """The quality, 1 to 100, whose predicted score is nearest to *target*; the lowest of several.

    The worse a score, the further apart pictures are: they differ in what is lost, so that the distances of their scores from 100 keep
    their proportion.
    """
    worth = 1.0
    if measured is not None:
        worth = (100 - measured.score) / max(_FLATTEST, 100 - _score_at(curve, measured.quality))
    wanted = 100 - (100 - target) / max(_FLATTEST, worth)
    found = _lowest(curve, wanted)
    before = _score_at(curve, found - 1)
    # Some encoders count in steps of up to two points, and none has anything between half and full resolution of colours.
    return _lowest(curve, before) if found > 1 and wanted - before < _score_at(curve, found) - wanted else found


def _lowest(curve: ScoreCurve, wanted: float) -> int:
    """The lowest quality that scores *wanted*, 100 if none does; bisection, as curves never fall."""
    low, high = 1, 100
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _score_at(curve, middle) >= wanted else (middle + 1, high)
    return low


def _score_at(curve: ScoreCurve, quality: int) -> float:
    """Straight lines between the points, and on beyond them; less than 100."""
    segments = pairwise(curve)
    (low, from_score), (high, to_score) = next(segments)
    for (next_low, next_from), (next_high, next_to) in segments:
        if quality <= high:
            break
        (low, from_score), (high, to_score) = (next_low, next_from), (next_high, next_to)
    return min(99.0, from_score + (to_score - from_score) * (quality - low) / (high - low))
