"""JPEG: the format everyone can show, and the scale on which quality is counted."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Curves, Encoding, on_curve

FORMAT = Format(
    name="jpeg",
    media_type="image/jpeg",
    accept_types=("image/jpeg",),
    spellings=("jpg", "jpeg", "yjpeg"),
    suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
    alpha=False,
    animation=False,
    quality=True,
    max_side_px=65_500,
    seconds_per_megapixel=0.02,
)

_SAME = ((0, 0), (100, 100))
_SEARCHED = ((0, 0), (10, 10), (25, 27), (40, 44), (55, 58), (70, 72), (80, 82), (85, 87), (89, 91), (90, 92), (95, 96), (100, 100))  # fmt: skip
CURVES: Curves = {"realtime": _SAME, "best": _SEARCHED}

SLIM_QUALITY = 80
"""Nobody sees the difference to more without looking for it; a source of less keeps its own."""
MOST_PX = {"best": 50_000_000, "balanced": 50_000_000}

SEARCHES = {
    "optimize_coding": True,
    "interlace": True,
    "trellis_quant": True,
    "overshoot_deringing": True,
    "optimize_scans": True,
}
"""mozjpeg's, 0.2 s a megapixel."""
QUANT_TABLE = 5
"""Klein, Silverstein and Carney's.  Of mozjpeg's nine it needs the fewest bytes over the photographs at hand (2 over Kodak's
at quality 80, but those it was made for), and the fewest at low quality."""
FULL_CHROMA_FROM = 90
"""libvips' own rule, by JPEG quality."""


def save_options(encoding: Encoding) -> dict[str, object]:
    """Options of libvips' jpegsave; libjpeg reads quality 0 as 1.  Optimal Huffman tables: 3 % smaller for 10 ms a Mpx.

    Presets beyond the first make every JPEG progressive, whatever ``interlace`` says: that is part of what they gain.
    Slim: the same searches.  From a quality of 85, as cameras and editors write it, they leave 70 %.
    """
    if encoding.slim:
        return {"Q": max(1, min(encoding.quality, SLIM_QUALITY)), **SEARCHES, "quant_table": 3}
    quality = max(1, on_curve(CURVES[setting(encoding)], encoding.quality))
    if encoding.preset == "realtime":
        return {"Q": quality, "optimize_coding": True, "interlace": encoding.interlace}
    # Said, because by itself libvips would go by the encoder's own number.
    chroma = "off" if encoding.quality >= FULL_CHROMA_FROM else "on"
    return {"Q": quality, **SEARCHES, "quant_table": QUANT_TABLE, "subsample_mode": chroma}


def setting(encoding: Encoding) -> str:
    """Which curve and which row of the cost table hold: balanced is as good as best."""
    return "realtime" if encoding.preset == "realtime" else "best"
