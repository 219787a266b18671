"""JPEG: the format everyone can show, and the scale on which quality is counted."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Curve, Encoding

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

CURVE: Curve = ((0, 0), (100, 100))
SLIM_QUALITY = 80
"""Nobody sees the difference to more without looking for it; a source of less keeps its own."""


def save_options(encoding: Encoding) -> dict[str, object]:
    """Options of libvips' jpegsave; libjpeg reads quality 0 as 1.  Optimal Huffman tables: 3 % smaller for 10 ms a Mpx.

    Slim: mozjpeg's searches, 0.2 s a Mpx.  From a quality of 85, as cameras and editors write it, they leave 70 %.
    """
    options: dict[str, object] = {"optimize_coding": True, "interlace": encoding.interlace}
    if encoding.slim:
        options |= {
            "interlace": True, "trellis_quant": True, "overshoot_deringing": True, "optimize_scans": True,
            "quant_table": 3,
        }  # fmt: skip
    return {"Q": max(1, min(encoding.quality, SLIM_QUALITY) if encoding.slim else encoding.quality), **options}
