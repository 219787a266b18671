"""JPEG XL: as small as AVIF at a third of the time, shown by few; needs the optional pillow-jxl-plugin (GPL)."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Curve, Curves, Encoding, on_curve

FORMAT = Format(
    name="jxl",
    media_type="image/jxl",
    accept_types=("image/jxl",),
    spellings=("jxl",),
    suffixes=(".jxl",),
    alpha=True,
    animation=False,
    quality=True,
    max_side_px=65_535,
    bakes_orientation=True,
    seconds_per_megapixel=0.1,
)

CURVE: Curve = ((0, 0), (10, 0), (25, 21), (40, 41), (55, 56), (70, 69), (80, 79), (85, 82), (89, 86), (90, 90), (95, 95), (100, 100))  # fmt: skip
CURVES: Curves = {"realtime": CURVE}


def save_options(encoding: Encoding) -> dict[str, object]:
    """Options of pillow-jxl-plugin's save.  No threads: jobs, not pictures, are spread over processors.

    One effort for all presets: 5 and 7 take four and eight times as long for 2 % more bytes at the same SSIMULACRA2.  100 would
    mean lossless, which the plugin refuses to combine with a lossy mode.
    """
    quality = min(99, on_curve(CURVE, encoding.quality))
    return {"quality": quality, "effort": 4, "num_threads": 0}


def setting(_encoding: Encoding) -> str:
    """Which row of the cost table holds."""
    return "realtime"
