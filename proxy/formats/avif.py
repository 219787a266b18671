"""AVIF: the fewest bytes, still or animated (brand ``avis``)."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Curves, Encoding, on_curve

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

CURVES: Curves = {
    "animation": ((0, 1), (48, 49), (66, 58), (80, 67), (90, 86), (100, 100)),
    "realtime": ((0, 1), (10, 13), (25, 38), (40, 48), (55, 54), (70, 59), (80, 67), (85, 73), (89, 79), (90, 87), (95, 94), (100, 100)),
    "balanced": ((0, 1), (10, 12), (25, 36), (40, 45), (55, 52), (70, 58), (80, 65), (85, 70), (89, 76), (90, 83), (95, 91), (100, 100)),
    "best, small": ((0, 1), (10, 10), (25, 34), (40, 44), (55, 50), (70, 55), (80, 62), (85, 66), (89, 72), (90, 81), (95, 90), (100, 100)),
    "best": ((0, 1), (10, 9), (25, 35), (40, 44), (55, 51), (70, 56), (80, 63), (85, 68), (89, 73), (90, 82), (95, 91), (100, 100)),
}  # fmt: skip

MOST_PX = {"best": 8_000_000, "balanced": 20_000_000}
EFFORT_4_PX = 1_000_000

SMALL_PX, LARGE_PX = 150_000, 20_000_000
"""An animation's pixels, all frames, up to which aom's speed 6 costs 0.3 s, and above which 7 would cost over 6 s."""

FULL_CHROMA_FROM = 90
"""As JPEG does it here: libvips keeps its colours at full resolution from quality 90."""


def save_options(encoding: Encoding) -> dict[str, object]:
    """Options of libvips' heifsave, or for more than one frame of Pillow's save; ``iq`` is heifsave's own ``tune``.

    Effort is always said: what libvips takes by default, 4, costs 8 s a megapixel, five times as much as 3, for 4 %
    fewer bytes, and is here for small pictures alone.  Colours at full resolution and 10 bits a sample gain 1 to 3 %
    each where there is time for more samples.  An animation of speed 6 takes half the bytes and 1-2 s a megapixel, of speed 7
    0.1-0.5 s, of speed 9 0.05-0.3 s, with any preset (docs/decisions/0018-animated-avif.md).
    """
    if encoding.frames > 1:
        speed = 6 if encoding.pixels <= SMALL_PX else 7 if encoding.pixels <= LARGE_PX else 9
        return {
            "quality": on_curve(CURVES["animation"], encoding.quality), "speed": speed, "subsampling": "4:2:0", "codec": "aom",
            "max_threads": 1, "autotiling": False, "advanced": {"tune": "iq"},
        }  # fmt: skip
    full_chroma = encoding.preset != "realtime" or encoding.quality >= FULL_CHROMA_FROM
    effort = {"realtime": 0, "balanced": 1, "best": 3, "best, small": 4}[setting(encoding)]
    return {
        "compression": "av1",
        "effort": effort,
        "bitdepth": 8 if encoding.preset == "realtime" else 10,
        "subsample_mode": "off" if full_chroma else "on",
        "Q": on_curve(CURVES[setting(encoding)], encoding.quality),
    }


def setting(encoding: Encoding) -> str:
    """Which curve and which row of the cost table hold; that of an animation is told by the format's own row."""
    if encoding.frames > 1:
        return "animation"
    small = encoding.preset == "best" and encoding.pixels <= EFFORT_4_PX
    return "best, small" if small else encoding.preset
