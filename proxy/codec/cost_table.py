"""CPU seconds of one core by kind of work: per megapixel, per megabyte of SVG, or each time.

Fitted by ``bench/fit_cost.py``, which prints the table; what it does not try was measured by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_FITTED: Final[Mapping[str, float]] = {
    "job": 0.00358,
    "paint": 0.00397,
    "decode avif": 0.0626,
    "decode heif": 0.0328,
    "decode jpeg": 0.00841,
    "decode png": 0.0209,
    "decode png 16": 0.0181,
    "decode tiff": 0.0199,
    "decode webp": 0.059,
    "encode avif balanced": 0.389,
    "encode avif best, small": 5.46,
    "encode avif realtime": 0.0959,
    "encode gif balanced": 0.509,
    "encode gif best": 1.45,
    "encode gif realtime": 0.455,
    "encode heif balanced": 0.778,
    "encode heif best": 1.22,
    "encode heif realtime": 0.281,
    "encode jpeg best": 0.104,
    "encode jpeg realtime": 0.0343,
    "encode jxl realtime": 0.0638,
    "encode png balanced": 0.125,
    "encode png best": 0.312,
    "encode png realtime": 0.0977,
    "encode webp balanced": 0.123,
    "encode webp best": 0.338,
    "encode webp realtime": 0.0704,
    "paint iradius": 0.00167,
    "paint rotate": 0.0182,
    "paint sharpen": 0.0455,
    "paint watermark/2": 0.0226,
    "paint watermark/2 once": 0.0113,
}
_BY_HAND: Final[Mapping[str, float]] = {
    "seconds": 1.0,
    "decode other": 0.03,
    "encode avif best": 1.25,
    "decode jxl": 0.09,
    "decode svg": 0.05,
    "decode tpg": 0.14,
    "encode tpg realtime": 0.27,
    "read svg": 0.5,  # over maps, charts and logos; what filters cost cannot be told from outside
    "clean svg": 1.0,
    "find": 0.1,  # a blind watermark, in as small a picture as it is hidden in
    "faces": 0.15,  # every picture is made small first
    "score": 0.65,
    "slim jpeg": 0.2,
    "slim png": 1.2,
    "slim gif": 0.5,
    "blur": 0.03,
    "blur 16 radius": 0.012,
    "paint trim": 0.15,
    "paint rradius": 0.1,
    "paint watermark/1": 0.1,
    "paint watermark/1 once": 0.02,
    "paint watermark/3": 0.06,
    "paint watermark/3 once": 0.2,
}
SECONDS: Final[Mapping[str, float]] = MappingProxyType({**_BY_HAND, **_FITTED})
