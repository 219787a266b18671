"""QRcode: the codes in a picture, what they say and where they are, and on demand the picture without them.

In CI's XML (spec/02 §4): ``CodeStatus`` 1 if there is one, ``QRcodeInfo`` for each, and with ``cover/1`` the picture in
base64 as ``ResultImage``.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from proxy.codec import codes, colour, libvips
from proxy.codec.codes import Found
from proxy.codec.encode import encode, encodes
from proxy.codec.reports.subject import Subject
from proxy.core.xml import document, element, text
from proxy.formats import CATALOGUE, Encoding

_MOST_PX = 50_000_000
"""Larger pictures are searched at a half, a third …: finding takes 10 ms per million pixels."""
_QUALITY = 80
_MOSAIC = 5
"""A covered code is that many coloured squares a side: fewer than the smallest code has modules, by far."""
_MARGIN = 16
"""Corners lie up to a module inside of a code; it is covered with a sixteenth more on every side."""


def qrcode(subject: Subject, arguments: Mapping[str, int]) -> bytes:
    """*arguments*: ``bar-type`` 0 for codes of every kind, 1 for QR codes, 2 for bars; ``cover`` 1 to hide them.

    Raises:
        InvalidImageFormat: the picture cannot be decoded.
        OperationNotImplemented: zxing-cpp is not installed.
    """
    found = _found(subject, matrix=arguments["bar-type"] != 2, bars=arguments["bar-type"] != 1)
    children = [element("CodeStatus", str(int(bool(found)))), *map(_info, found)]
    if arguments["cover"]:
        picture = _covered(subject, found) if found else bytes(subject.body)
        children.append(element("ResultImage", base64.b64encode(picture).decode()))
    return document(element("Response", *children))


def _found(subject: Subject, *, matrix: bool, bars: bool) -> Sequence[Found]:
    shrink = 1
    frame = subject.traits.frame
    while frame.width_px * frame.height_px > _MOST_PX * shrink * shrink:
        shrink += 1
    with libvips.broken_pictures():
        image = colour.flat(subject.whole())
        grey = image if image.bands == 1 else image.colourspace("b-w")
        grey = grey.shrink(shrink, shrink) if shrink > 1 else grey
    found = codes.find(grey, matrix=matrix, bars=bars)
    return [Found(code.text, _scaled(code, shrink)) for code in found]


def _scaled(code: Found, factor: int) -> tuple[codes.Point, codes.Point, codes.Point, codes.Point]:
    one, two, three, four = ((x * factor, y * factor) for x, y in code.corners)
    return one, two, three, four


def _info(code: Found) -> str:
    points = (element("Point", f"{x},{y}") for x, y in code.corners)
    return element("QRcodeInfo", element("CodeUrl", text(code.text)), element("CodeLocation", *points))


def _covered(subject: Subject, found: Sequence[Found]) -> bytes:
    """The picture's first frame in its own format, each code a mosaic."""
    name = subject.traits.format if encodes(subject.traits.format) else "png"
    with libvips.broken_pictures():
        image = subject.whole().copy_memory()
        for code in found:
            left, top, width, height = _box(code, image.width, image.height)
            patch = image.crop(left, top, width, height)
            squares = patch.resize(min(1.0, _MOSAIC / width), vscale=min(1.0, _MOSAIC / height), kernel="linear")
            patch = squares.resize(width / squares.width, vscale=height / squares.height, kernel="nearest")
            patch = patch.cast(image.format, shift=False).copy(interpretation=image.interpretation)
            image = image.insert(patch, left, top)
    encoding = Encoding(
        quality=_QUALITY if subject.traits.quality is None else subject.traits.quality,
        width_px=image.width,
        height_px=image.height,
    )
    keep = libvips.KEEP_ICC | libvips.KEEP_EXIF
    return encode(image, CATALOGUE[name], encoding, orientation=subject.traits.frame.orientation, keep=keep)


def _box(code: Found, width_px: int, height_px: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of what is covered; at least one pixel, none outside."""
    xs, ys = [x for x, _ in code.corners], [y for _, y in code.corners]
    margin = max(max(xs) - min(xs), max(ys) - min(ys)) // _MARGIN + 1
    left, right = max(0, min(xs) - margin), min(width_px, max(xs) + margin + 1)
    top, bottom = max(0, min(ys) - margin), min(height_px, max(ys) + margin + 1)
    left, top = min(left, width_px - 1), min(top, height_px - 1)
    return left, top, max(1, right - left), max(1, bottom - top)
