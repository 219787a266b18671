"""BMP: plain 24-bit pixels; written and read by Pillow, libvips has neither."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Encoding

FORMAT = Format(
    name="bmp",
    media_type="image/bmp",
    accept_types=("image/bmp",),
    spellings=("bmp",),
    suffixes=(".bmp",),
    alpha=False,
    animation=False,
    quality=False,
    max_side_px=65_535,
    seconds_per_megapixel=0.02,
)


def save_options(_encoding: Encoding) -> dict[str, object]:
    """Nothing can be chosen."""
    return {}
