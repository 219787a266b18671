"""PNG: lossless, with alpha, one frame."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Encoding

FORMAT = Format(
    name="png",
    media_type="image/png",
    accept_types=("image/png",),
    spellings=("png",),
    suffixes=(".png",),
    alpha=True,
    animation=False,
    quality=False,
    max_side_px=2_147_483_647,
    seconds_per_megapixel=0.1,
)


def save_options(encoding: Encoding) -> dict[str, object]:
    """Options of libvips' pngsave.  Never interlaced: CI honours ``interlace`` for JPEG only.  Filter: 12 % fewer bytes.

    Slim is lossless, or with few colours a palette; whether that will do, only trying tells (``codec.finish``).
    """
    if encoding.slim and encoding.few_colours:
        return {"compression": 9, "palette": True, "effort": 7, "interlace": False}
    return {"compression": 9 if encoding.slim else 6, "filter": "all" if encoding.slim else "paeth", "interlace": False}
