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


MOST_PX = {"best": 24_000_000, "balanced": 100_000_000}


def save_options(encoding: Encoding) -> dict[str, object]:
    """Options of libvips' pngsave.  Never interlaced: CI honours ``interlace`` for JPEG only.  Filter: 12 % fewer bytes.

    Lossless in every preset.  Slim, and best, may be a palette; whether that will do, only trying tells (``codec.finish``).
    """
    if encoding.few_colours and (encoding.slim or encoding.preset == "best"):
        return {"compression": 9, "palette": True, "effort": 7, "interlace": False}
    hard = encoding.slim or encoding.preset == "best"
    filter_ = "paeth" if encoding.preset == "realtime" and not encoding.slim else "all"
    return {"compression": 9 if hard else 6, "filter": filter_, "interlace": False}
