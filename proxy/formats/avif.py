"""AVIF: the fewest bytes, still or animated (brand ``avis``)."""

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
    animation=True,
    quality=True,
    max_side_px=16_384,
    bakes_orientation=True,
    seconds_per_megapixel=0.15,
    animation_seconds_per_megapixel=0.3,
)

CURVE: Curve = ((0, 1), (48, 49), (66, 58), (80, 67), (90, 86), (100, 100))
"""Equal SSIMULACRA2 score, aom effort 0, 8 bit; 80 and 90 over 24 Kodak pictures, the lower points over three."""


SMALL_PX, LARGE_PX = 150_000, 20_000_000
"""An animation's pixels, all frames, up to which aom's speed 6 costs 0.3 s, and above which 7 would cost over 6 s."""


def save_options(encoding: Encoding) -> dict[str, object]:
    """Options of libvips' heifsave, or for more than one frame of Pillow's save.

    Effort is always said: libvips' default, 4, costs 8-11 s a megapixel.  An animation of speed 6 takes half the bytes and
    1-2 s a megapixel, of speed 7 0.1-0.5 s, of speed 9 0.05-0.3 s (docs/decisions/0018-animated-avif.md).
    """
    if encoding.frames > 1:
        speed = 6 if encoding.pixels <= SMALL_PX else 7 if encoding.pixels <= LARGE_PX else 9
        return {
            "quality": on_curve(CURVE, encoding.quality), "speed": speed, "subsampling": "4:2:0", "codec": "aom",
            "max_threads": 1, "autotiling": False, "advanced": {"tune": "iq"},
        }  # fmt: skip
    return {"compression": "av1", "effort": 0, "bitdepth": 8, "Q": on_curve(CURVE, encoding.quality)}
