"""TPG: Tencent's own, AVS2 inside; shown by its SDKs, WeChat and QQ; needs the FFmpeg of the optional imageio-ffmpeg (GPL)."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Curve, Curves, Encoding, on_curve

FORMAT = Format(
    name="tpg",
    media_type="image/tpg",
    accept_types=("image/tpg",),
    spellings=("tpg",),
    suffixes=(".tpg",),
    alpha=True,
    animation=True,
    quality=True,
    max_side_px=8192,
    max_height_px=4608,
    bakes_orientation=True,
    seconds_per_megapixel=0.27,
    uniform=True,
)

CURVE: Curve = ((0, 0), (10, 22), (25, 42), (40, 51), (55, 56), (70, 62), (80, 69), (85, 73), (89, 78), (90, 85), (95, 97), (100, 100))  # fmt: skip
"""Fitted as ``bench/fit_quality.py`` does, to twelve Kodak pictures; not by it: FFmpeg is no part of the process that it times."""
CURVES: Curves = {"realtime": CURVE}

_WORST, _BEST = 55, 2
_ALPHA_FINER = 12
"""Edges of transparency show every ringing, and cost little."""


def save_options(encoding: Encoding) -> dict[str, object]:
    """What xavs2 is told: quantisers, of which eight more halve the precision."""
    quantiser = _WORST - ((_WORST - _BEST) * on_curve(CURVE, encoding.quality) + 50) // 100
    return {"quantiser": quantiser, "alpha_quantiser": max(_BEST, quantiser - _ALPHA_FINER)}


def setting(_encoding: Encoding) -> str:
    """Which row of the cost table holds."""
    return "realtime"
