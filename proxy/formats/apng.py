"""APNG: animation with full colour and smooth alpha, lossless; one frame of it is a plain PNG."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Encoding

FORMAT = Format(
    name="apng",
    media_type="image/apng",
    accept_types=("image/apng",),
    spellings=("apng",),
    suffixes=(".apng",),
    alpha=True,
    animation=True,
    quality=False,
    max_side_px=2_147_483_647,
    seconds_per_megapixel=0.12,
    uniform=True,
)


def save_options(_encoding: Encoding) -> dict[str, object]:
    """Options of libvips' pngsave, for every frame: as a PNG is written."""
    return {"compression": 6, "filter": "paeth", "interlace": False}
