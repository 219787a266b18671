"""HEIF with HEVC inside (HEIC): what phones take and Safari shows; needs the optional pillow-heif (GPL, x265)."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Curves, Encoding, on_curve

FORMAT = Format(
    name="heif",
    media_type="image/heif",
    accept_types=("image/heif", "image/heic"),
    spellings=("heif", "heic"),
    suffixes=(".heic", ".heif"),
    alpha=True,
    animation=False,
    quality=True,
    max_side_px=16_384,
    bakes_orientation=True,
    seconds_per_megapixel=0.34,
)

CURVES: Curves = {
    "realtime": ((0, 0), (10, 8), (25, 25), (40, 32), (55, 36), (70, 41), (80, 47), (85, 50), (89, 54), (90, 61), (95, 78), (100, 100)),
    "balanced": ((0, 0), (10, 12), (25, 28), (40, 35), (55, 38), (70, 42), (80, 48), (85, 51), (89, 55), (90, 62), (95, 78), (100, 100)),
    "best": ((0, 0), (10, 13), (25, 29), (40, 35), (55, 39), (70, 44), (80, 49), (85, 52), (89, 55), (90, 63), (95, 78), (100, 100)),
}  # fmt: skip

MOST_PX = {"best": 8_000_000, "balanced": 16_000_000}

_X265 = {"realtime": "ultrafast", "balanced": "veryfast", "best": "slow"}
"""Its other presets lie on the same line or above it: superfast to fast cost what veryfast does for its bytes or more."""


def save_options(encoding: Encoding) -> dict[str, object]:
    """Options of pillow-heif's save, and ``bitdepth``.  10 bits gain 2 % of bytes for hardly any time, but need a phone made
    since 2016.

    x265's own thread pool doubles the time on a busy machine, so it gets none.  Colours stay at half resolution, which
    is what phones decode in hardware.
    """
    return {
        "bitdepth": 8 if encoding.preset == "realtime" else 10,
        "quality": on_curve(CURVES[encoding.preset], encoding.quality),
        "enc_params": {"preset": _X265[encoding.preset], "x265:pools": "none"},
    }
