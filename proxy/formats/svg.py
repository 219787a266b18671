"""SVG: lines, not pixels.  Read as a picture of any size; written from SVG only, cleaned and small (``format/svgc``)."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Encoding

FORMAT = Format(
    name="svg",
    media_type="image/svg+xml",
    accept_types=("image/svg+xml",),
    spellings=("svgc", "svg"),
    suffixes=(".svg",),
    alpha=True,
    animation=False,
    quality=False,
    max_side_px=2_147_483_647,
    vector=True,
)


def save_options(encoding: Encoding) -> dict[str, object]:
    """None: nothing is encoded."""
    return {}
