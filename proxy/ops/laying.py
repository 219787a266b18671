"""How a mark lies on a picture: how large, how far turned, how opaque, where, once or as tiles (spec/01 §10).

A mark is a picture of its own with 8-bit samples and alpha, grey or sRGB.  What it does not cover stays as it is, bit by
bit; what hangs over the edge is lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.gravity import Gravity
from proxy.ops.numbers import MAX_INTEGER, half_up, integer, switch
from proxy.ops.pages import top_level
from proxy.ops.rotate import Rotate

_DISSOLVE, _SPACING_PX = 90, 10
_LONGEST_PX = 1_000_000
"""A side that a mark is scaled to at most: libvips counts to ten million, and nothing of the rest could be seen."""
_GREY = ("b-w", "grey16")
_CELL_PX = 256
"""Tiles smaller than this are joined to larger ones first: each costs, however small."""


@dataclass(frozen=True, slots=True)
class Share:
    """``scatype`` and ``spcent``: the size of a mark as a part of the picture's."""

    kind: int
    """1: per mille of the width, 2: of the height, 3: of the area."""
    per_mille: int

    MOST: ClassVar[Mapping[int, int]] = {1: 1000, 2: 1000, 3: 250}

    @classmethod
    def parse(cls, modifiers: Mapping[str, str]) -> Share | None:
        """None without ``scatype``.

        Raises:
            InvalidArgument: either is out of range, or ``spcent`` is missing.
        """
        if "scatype" not in modifiers:
            return None
        kind = integer("scatype", modifiers["scatype"], 1, 3)
        return cls(kind, integer("spcent", modifiers.get("spcent", ""), 1, cls.MOST[kind]))

    def size(self, outer_px: tuple[int, int], mark_px: tuple[int, int]) -> tuple[int, int]:
        """Width and height of a mark of *mark_px* in a picture of *outer_px*; its shape stays."""
        (width_px, height_px), (mark_width_px, mark_height_px) = outer_px, mark_px
        if self.kind == 1:
            wide_px = half_up(width_px * self.per_mille, 1000)
            return _bounded(wide_px, half_up(mark_height_px * wide_px, mark_width_px))
        if self.kind == 2:
            high_px = half_up(height_px * self.per_mille, 1000)
            return _bounded(half_up(mark_width_px * high_px, mark_height_px), high_px)
        area_px = width_px * height_px * self.per_mille / 1000
        factor = math.sqrt(area_px / (mark_width_px * mark_height_px))
        return _bounded(math.floor(mark_width_px * factor + 0.5), math.floor(mark_height_px * factor + 0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Laying:
    """The parameters that image and text marks have in common."""

    gravity: Gravity = Gravity.SOUTHEAST
    offset_px: tuple[int, int] = (0, 0)
    dissolve: int = _DISSOLVE
    """Per cent of opacity."""
    degrees: int = 0
    """Clockwise."""
    spacing_px: int | None = None
    """Between tiles that cover the picture; None: there is one mark."""
    share: Share | None = None

    MODIFIERS: ClassVar[frozenset[str]] = frozenset(
        {"gravity", "dx", "dy", "dissolve", "batch", "degree", "spacing", "scatype", "spcent"}
    )

    @classmethod
    def parse(cls, modifiers: Mapping[str, str]) -> Laying:
        """Read what is given of ``MODIFIERS``.

        Raises:
            InvalidArgument: malformed or out of range.
        """
        gravity = Gravity.parse(modifiers.get("gravity", "southeast"))
        dx_px, dy_px = (integer(name, modifiers.get(name, "0"), 0, MAX_INTEGER) for name in ("dx", "dy"))
        spacing_px = integer("spacing", modifiers.get("spacing", str(_SPACING_PX)), 0, 100)
        return cls(
            gravity=gravity,
            offset_px=gravity.heeded(dx_px, dy_px),
            dissolve=integer("dissolve", modifiers.get("dissolve", str(_DISSOLVE)), 1, 100),
            degrees=integer("degree", modifiers.get("degree", "0"), 0, 360) % 360,
            spacing_px=spacing_px if switch("batch", modifiers.get("batch", "0")) else None,
            share=Share.parse(modifiers),
        )

    def format(self) -> str:
        """The text of what is not the default, each parameter with its leading slash."""
        parts: list[tuple[str, object, object]] = [
            ("gravity", self.gravity.name.lower(), "southeast"),
            ("dx", self.offset_px[0], 0),
            ("dy", self.offset_px[1], 0),
            ("dissolve", self.dissolve, _DISSOLVE),
            ("degree", self.degrees, 0),
        ]
        if self.spacing_px is not None:
            parts += [("batch", 1, 0), ("spacing", self.spacing_px, _SPACING_PX)]
        if self.share is not None:
            parts += [("scatype", self.share.kind, 0), ("spcent", self.share.per_mille, 0)]
        return "".join(f"/{name}/{value}" for name, value, default in parts if value != default)

    def size(self, frame: Frame, mark_px: tuple[int, int]) -> tuple[int, int]:
        """Width and height, before it is turned, of a mark that has *mark_px* by itself."""
        return mark_px if self.share is None else self.share.size((frame.width_px, frame.height_px), mark_px)

    def lay(self, image: Any, frame: Frame, mark: Any, tools: Tools) -> Any:
        """*image* with *mark*, which has its size already, on every page."""
        mark = _opaque_by(_turned(mark, self.degrees, tools), self.dissolve)
        page_px = (frame.width_px, frame.height_px)
        left_px, top_px = self.gravity.place(page_px, (mark.width, mark.height), self.offset_px)
        if self.spacing_px is not None:
            mark, left_px, top_px = _tiled(mark, self.spacing_px, page_px, (left_px, top_px)), 0, 0
        right_px, bottom_px = min(page_px[0], left_px + mark.width), min(page_px[1], top_px + mark.height)
        inner_px = max(0, left_px), max(0, top_px)
        seen_px = right_px - inner_px[0], bottom_px - inner_px[1]
        if min(seen_px) < 1:
            return image
        mark = mark.crop(inner_px[0] - left_px, inner_px[1] - top_px, *seen_px)
        if frame.animated:
            # All pages at once: taking hundreds of them apart and together again costs more than the marks.
            mark = mark.embed(*inner_px, *page_px).copy_memory().replicate(1, frame.frames)
            inner_px = (0, 0)
        if mark.bands == 4 and image.interpretation in _GREY:
            image = tools.in_srgb(image)
        if mark.bands == 4 and image.interpretation in _GREY:
            image = image.colourspace("rgb16" if image.format == "ushort" else "srgb")
        mark = tools.matched(mark, image)
        under = image.crop(*inner_px, mark.width, mark.height)
        return image.insert(over(under, mark), *inner_px)


def over(under: Any, mark: Any) -> Any:
    """*mark* on *under*, which has the same size, at least as many colours, and perhaps alpha and 16 bits."""
    coverage = mark.extract_band(mark.bands - 1)
    colour = mark.extract_band(0, n=mark.bands - 1)
    top, colours = top_level(under), under.bands - under.hasalpha()
    if top != 255:
        colour = (colour * 257).cast("ushort")
    colour = colour.bandjoin([colour] * (colours - 1)) if colour.bands < colours else colour
    if not under.hasalpha():
        return _blended(coverage, colour, under)
    below = under.extract_band(colours) / top
    both = coverage / 255 + below * (1 - coverage / 255)
    # libvips takes division by zero for zero: nothing on nothing stays the nothing it was.
    share = (coverage / both).rint().cast("uchar")
    blended = _blended(share, colour, under.extract_band(0, n=colours))
    return blended.bandjoin((both * top).rint().cast(under.format)).copy(interpretation=under.interpretation)


def _blended(share: Any, colour: Any, under: Any) -> Any:
    """Exactly *under* where *share* is 0, and *colour* where it is 255."""
    return share.ifthenelse(colour, under, blend=True).copy(interpretation=under.interpretation)


def _turned(mark: Any, degrees: int, tools: Tools) -> Any:
    if not degrees:
        return mark
    frame = Frame(width_px=mark.width, height_px=mark.height, alpha=True)
    if degrees % 90 == 0:
        return Rotate(degrees).apply(mark, frame, tools)
    # Premultiplied, or the colours of clear pixels would show at the edges.
    return Rotate(degrees).apply(mark.premultiply(), frame, tools).unpremultiply().rint().cast("uchar")


def _opaque_by(mark: Any, per_cent: int) -> Any:
    if per_cent == 100:
        return mark
    coverage = (mark.extract_band(mark.bands - 1) * (per_cent / 100)).rint().cast("uchar")
    return mark.extract_band(0, n=mark.bands - 1).bandjoin(coverage)


def _tiled(mark: Any, spacing_px: int, page_px: tuple[int, int], place_px: tuple[int, int]) -> Any:
    """*mark* again and again over a page, one of them at *place_px*."""
    mark = mark.crop(0, 0, min(mark.width, page_px[0]), min(mark.height, page_px[1]))
    cell = mark.embed(0, 0, mark.width + spacing_px, mark.height + spacing_px)
    period_px = cell.width, cell.height
    cell = cell.replicate(*(max(1, _CELL_PX // side) for side in period_px)).copy_memory()
    start_px = [-place % period for place, period in zip(place_px, period_px, strict=True)]
    times = [
        -(-(start + page) // side)
        for start, page, side in zip(start_px, page_px, (cell.width, cell.height), strict=True)
    ]
    return cell.replicate(*times).crop(*start_px, *page_px)


def _bounded(width_px: int, height_px: int) -> tuple[int, int]:
    return max(1, min(width_px, _LONGEST_PX)), max(1, min(height_px, _LONGEST_PX))
