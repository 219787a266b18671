"""HEIF with HEVC inside (HEIC): what phones take and Safari shows; needs the optional pillow-heif (GPL, x265)."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Curve, Encoding, on_curve

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

CURVE: Curve = ((0, 0), (48, 34), (66, 40), (80, 48), (90, 61), (100, 100))
"""Equal SSIMULACRA2 score, x265 ultrafast; 80 and 90 over 24 Kodak pictures, the lower points over three."""


def save_options(encoding: Encoding) -> dict[str, object]:
    """Options of pillow-heif's save.  x265's own thread pool doubles the time on a busy machine, so it gets none."""
    return {
        "quality": on_curve(CURVE, encoding.quality),
        "enc_params": {"preset": "ultrafast", "x265:pools": "none"},
    }
