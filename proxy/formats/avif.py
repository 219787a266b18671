"""AVIF: the fewest bytes; one frame, because libvips writes no image sequences (brand ``avis``)."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Curve, Encoding, on_curve

FORMAT = Format(
    name="avif",
    media_type="image/avif",
    accept_types=("image/avif",),
    spellings=("avif",),
    suffixes=(".avif",),
    alpha=True,
    animation=False,
    quality=True,
    max_side_px=16_384,
    bakes_orientation=True,
    seconds_per_megapixel=0.15,
)

CURVE: Curve = ((0, 1), (48, 49), (66, 58), (80, 67), (90, 86), (100, 100))
"""Equal SSIMULACRA2 score, aom effort 0, 8 bit; 80 and 90 over 24 Kodak pictures, the lower points over three."""


def save_options(encoding: Encoding) -> dict[str, object]:
    """Options of libvips' heifsave.  Effort is always said: its default, 4, costs 8-11 s a megapixel."""
    return {"compression": "av1", "effort": 0, "bitdepth": 8, "Q": on_curve(CURVE, encoding.quality)}
