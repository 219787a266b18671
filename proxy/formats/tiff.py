"""TIFF: lossless, for programs rather than browsers; one page."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Encoding

FORMAT = Format(
    name="tiff",
    media_type="image/tiff",
    accept_types=("image/tiff",),
    spellings=("tiff", "tif"),
    suffixes=(".tiff", ".tif"),
    alpha=True,
    animation=False,
    quality=False,
    max_side_px=2_147_483_647,
    seconds_per_megapixel=0.06,
)


def save_options(_encoding: Encoding) -> dict[str, object]:
    """Options of libvips' tiffsave; LZW with differencing is what every reader of TIFF reads."""
    return {"compression": "lzw", "predictor": "horizontal"}
