"""WebP: alpha and animation in one format that nearly everyone can show."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Curves, Encoding, on_curve

FORMAT = Format(
    name="webp",
    media_type="image/webp",
    accept_types=("image/webp",),
    spellings=("webp",),
    suffixes=(".webp",),
    alpha=True,
    animation=True,
    quality=True,
    max_side_px=16_383,
    seconds_per_megapixel=0.09,
    uniform=True,
)

CURVES: Curves = {
    "realtime": ((0, 0), (10, 0), (25, 20), (40, 44), (55, 60), (70, 75), (80, 84), (85, 88), (89, 91), (90, 95), (95, 99), (100, 100)),
    "balanced": ((0, 0), (10, 0), (25, 21), (40, 43), (55, 59), (70, 74), (80, 83), (85, 87), (89, 90), (90, 94), (95, 99), (100, 100)),
    "best": ((0, 0), (10, 0), (25, 21), (40, 43), (55, 58), (70, 73), (80, 82), (85, 86), (89, 89), (90, 93), (95, 98), (100, 100)),
}  # fmt: skip

MOST_PX = {"best": 24_000_000, "balanced": 50_000_000}
SMALL_PX = 250_000
"""Up to here the better and twice as slow effort 4 costs under 50 ms."""


def save_options(encoding: Encoding) -> dict[str, object]:
    """Options of libvips' webpsave; effort 2 costs 0.06 s a megapixel, 4 0.12 s for 6 % fewer bytes, 6 0.44 s for 12 %.

    Sharp chroma keeps the edges of saturated colours; below effort 6 it costs more than it gains.  With alpha, effort 6
    takes 75 s a megapixel to save 5 %, and 5 saves nothing.
    """
    effort = {"realtime": 2, "balanced": 4, "best": 6}[setting(encoding)]
    sharp = {"smart_subsample": True} if effort == 6 else {}
    return {"Q": on_curve(CURVES[setting(encoding)], encoding.quality), "effort": effort, **sharp}


def setting(encoding: Encoding) -> str:
    """Which curve and which row of the cost table hold."""
    small = encoding.preset == "realtime" and encoding.pixels <= SMALL_PX
    unaffordable = encoding.preset == "best" and encoding.alpha
    return "balanced" if small or unaffordable else encoding.preset
