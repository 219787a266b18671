"""JPEG XL: as small as AVIF at a third of the time, shown by few; needs the optional pillow-jxl-plugin (GPL)."""

from __future__ import annotations

from proxy.core.model import Format
from proxy.formats._encoding import Curve, Encoding, on_curve

FORMAT = Format(
    name="jxl",
    media_type="image/jxl",
    accept_types=("image/jxl",),
    spellings=("jxl",),
    suffixes=(".jxl",),
    alpha=True,
    animation=False,
    quality=True,
    max_side_px=65_535,
    bakes_orientation=True,
    seconds_per_megapixel=0.1,
)

CURVE: Curve = ((0, 0), (48, 50), (66, 67), (84, 81), (90, 88), (100, 100))
"""Equal SSIMULACRA2 score, effort 3, over three Kodak pictures; the point at 90 is drawn between its neighbours."""


def save_options(encoding: Encoding) -> dict[str, object]:
    """Options of pillow-jxl-plugin's save.  No threads: jobs, not pictures, are spread over processors.

    100 would mean lossless, which the plugin refuses to combine with a lossy mode.
    """
    return {"quality": min(99, on_curve(CURVE, encoding.quality)), "effort": 3, "num_threads": 0}
