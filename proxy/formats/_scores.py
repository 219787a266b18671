"""Which SSIMULACRA2 score a photograph has at each quality, on the average.

Fitted by ``bench/fit_scores.py``, which prints the table.  The qualities of all formats are meant to score as JPEG's do; what is
left between them is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ScoreCurve = tuple[tuple[int, float], ...]
"""Points (quality on JPEG's scale, score); the one rises, the other never falls."""

_PLAIN_JPEG: Final[ScoreCurve] = ((20, 29.6), (40, 56.6), (60, 66.6), (70, 71.8), (80, 77.4), (85, 80.5), (89, 83.2), (90, 86.9), (95, 90.8))  # fmt: skip
SCORES: Final[Mapping[str, Mapping[str, ScoreCurve]]] = MappingProxyType({
    "avif": {
        "realtime": (
            (20, 29.7), (40, 58.2), (60, 68.5), (66, 69.8), (70, 71.0), (73, 72.0), (75, 73.9), (76, 74.7), (77, 74.7), (78, 74.7), (79, 75.4),
            (80, 77.1), (81, 77.9), (82, 77.9), (83, 79.1), (85, 79.7), (87, 81.7), (89, 83.0), (90, 87.8), (92, 89.3), (95, 91.2),
        ),
        "balanced": ((20, 28.8), (40, 58.8), (60, 68.4), (70, 72.6), (80, 77.6), (85, 81.5), (89, 84.7), (90, 88.0), (95, 93.0)),
        "best": ((20, 29.1), (40, 57.1), (60, 68.1), (70, 72.3), (80, 77.6), (85, 81.5), (89, 83.3), (90, 87.6), (95, 93.0)),
    },
    "heif": {
        "realtime": (
            (20, 27.0), (40, 55.1), (60, 64.8), (62, 64.8), (64, 68.0), (66, 68.0), (68, 68.0), (70, 70.6), (72, 70.6), (73, 73.4), (75, 73.4), (76, 75.6), (77, 75.6),
            (78, 75.6), (79, 75.6), (80, 77.7), (81, 77.7), (82, 77.7), (83, 79.5), (85, 79.5), (87, 81.3), (89, 82.8), (90, 87.2), (92, 89.7), (95, 91.8),
        ),
        "balanced": ((20, 32.6), (40, 59.4), (60, 66.2), (70, 69.1), (80, 76.5), (85, 80.4), (89, 83.6), (90, 87.1), (95, 91.7)),
    },
    "jpeg": {
        "realtime": _PLAIN_JPEG,
        "best": ((20, 35.9), (40, 58.8), (60, 67.7), (70, 71.7), (80, 77.7), (85, 81.0), (89, 84.1), (90, 86.9), (95, 90.5)),
    },
    "webp": {
        "realtime": ((20, 30.1), (40, 56.8), (60, 65.7), (70, 69.4), (80, 77.4), (85, 81.0), (89, 83.9), (90, 87.6), (95, 90.0)),
        "balanced": ((20, 28.9), (40, 54.2), (60, 64.5), (70, 68.5), (80, 76.9), (85, 80.9), (89, 83.9), (90, 87.5), (95, 90.2)),
        "best": ((20, 29.1), (40, 54.8), (60, 64.5), (70, 68.4), (80, 76.2), (85, 80.5), (89, 83.5), (90, 87.4), (95, 91.0)),
    },
})  # fmt: skip
"""By format and setting (``formats.setting``)."""


def score_curve(name: str, setting: str) -> ScoreCurve:
    """That of plain JPEG where a setting was not measured: all are fitted to it."""
    return SCORES.get(name, {}).get(setting, _PLAIN_JPEG)
