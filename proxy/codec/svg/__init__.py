"""SVG, the one format of lines: read within bounds, drawn as pixels, or cleaned and written small (``format/svgc``)."""

from __future__ import annotations

from proxy.codec.svg.census import check
from proxy.codec.svg.cleaning import clean
from proxy.codec.svg.drawing import drawn, measured
from proxy.codec.svg.prolog import starts_as_svg, unpacked

__all__ = ["check", "clean", "drawn", "measured", "starts_as_svg", "unpacked"]
