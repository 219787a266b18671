"""Draws an SVG with librsvg, through libvips, at the size that is needed: lines are not made of pixels."""

from __future__ import annotations

import re
from typing import Final

from proxy.codec import libvips, text
from proxy.codec.svg.prolog import as_utf_8, root_at
from proxy.codec.svg.reading import SVG, root_attributes
from proxy.errors import ImageResolutionExceed, InvalidImageFormat

_PIXELS_PER_INCH: Final = 96
"""What CSS says (Values and Units §6.2), and browsers do."""
_PRECISION_PX: Final = 10_000_000
"""Sides are told in whole pixels; at this size, they are told precisely."""
_MOST_SCALE: Final = 100_000
"""Of libvips."""
_DEFAULT_SIZE: Final = {"width": "300", "height": "150"}
_LENGTH: Final = re.compile(r"\+?(?=[0-9.]*[1-9])([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:px|pt|pc|mm|cm|in|em|ex)?")
_SEPARATOR: Final = re.compile(r"\s*,\s*|\s+")
_MOST_CHARS: Final = 1_000
_MOST_PX: Final = 1_000_000
"""Far beyond any limit of ours, and where whatever unit still fits into libvips' integers."""
_SPARE: Final = 4
"""A stretched picture is drawn in its own proportions, with up to so many times the pixels that it ends with."""


def opened(body: bytes, scale: float = 1.0) -> libvips.Image:
    """*body*, not gzip'ed, to be drawn *scale* times its size when its pixels are read.

    From a buffer, so that it has no address and librsvg loads nothing that it refers to, but ``data:``.
    """
    text.know_fonts()
    body = _sized(body)
    # libvips enlarges everything by the ratio of dpi to 72, not only what is measured in inches.
    return libvips.load("svg", body, drawing={"dpi": _PIXELS_PER_INCH, "scale": scale * 72 / _PIXELS_PER_INCH})


def _sized(body: bytes) -> bytes:
    """*body*, inside of one with a size if it has none: what browsers give to such a picture (CSS Images §5.3.3).

    librsvg would take the size of what is drawn, wherever that lies, and never scale it.
    """
    attributes = root_attributes(body)
    sides = {name: attributes.get(name, "").strip() for name in _DEFAULT_SIZE}
    numbers = _view_box(attributes.get("viewBox", ""))
    if any(len(side) > _MOST_CHARS for side in sides.values()):
        raise InvalidImageFormat("a side without end")
    said = {name: side for name, side in sides.items() if _LENGTH.fullmatch(side)}
    if len(said) == len(_DEFAULT_SIZE) or numbers:
        claimed = [float(found[1]) for side in said.values() if (found := _LENGTH.fullmatch(side))] or numbers
        if max(claimed) > _MOST_PX:
            raise ImageResolutionExceed(f"claims {claimed}")
        return body
    size = " ".join(f'{name}="{side}"' for name, side in {**_DEFAULT_SIZE, **said}.items())
    body, encoding = as_utf_8(body)
    root = root_at(body) or 0
    # What stands before the root says an encoding, which is no longer true if this was UTF-16.
    before = body[:root] if encoding is None else b""
    return before + f'<svg xmlns="{SVG}" {size}>'.encode() + body[root:] + b"</svg>"


def _view_box(text: str) -> list[float]:
    """Width and height of a viewBox; nothing if it is none."""
    try:
        numbers = [float(each) for each in _SEPARATOR.split(text.strip()[:_MOST_CHARS])]
    except ValueError:
        return []
    return numbers[2:] if len(numbers) == 4 and min(numbers[2:]) > 0 else []


def measured(body: bytes) -> tuple[int, int]:
    """Width and height of *body*, not gzip'ed, in whole pixels.

    Raises:
        ImageResolutionExceed: more than can be told.
        InvalidImageFormat: less than half a pixel, or no SVG for librsvg.
    """
    with libvips.broken_pictures():
        image = opened(body)
        if min(image.width, image.height) == 1:
            # A style sheet may have set the size; libvips takes 1 for a number that it cannot hold.
            larger = opened(body, 4)
            if min(larger.width, larger.height) == 1:
                raise ImageResolutionExceed("more pixels than libvips can hold")
    return image.width, image.height


def drawn(body: bytes, size_px: tuple[int, int], enough_px: tuple[int, int] | None) -> libvips.Image:
    """*body*, whose own size is *size_px*: so, or as near as may be to *enough_px*, to which it will be scaled."""
    if enough_px is None or enough_px == size_px:
        return opened(body)
    fine = min(_PRECISION_PX / max(size_px), _MOST_SCALE)
    precise = opened(body, fine)
    wide, high = precise.width / fine, precise.height / fine
    scales = sorted((enough_px[0] / wide, enough_px[1] / high), reverse=True)
    for scale in scales:  # the larger one, unless the other one fits
        if (int(wide * scale + 0.5), int(high * scale + 0.5)) == enough_px:
            return opened(body, scale)
    most_px = _SPARE * max(enough_px[0] * enough_px[1], size_px[0] * size_px[1])
    return opened(body, scales[0] * min(1.0, (most_px / (scales[0] ** 2 * wide * high)) ** 0.5))
