"""QR codes and bar codes by zxing-cpp, where it is installed (extra "qr"): found in pixels, and drawn from text."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proxy.codec import libvips
from proxy.core.codes import BARCODE, Code
from proxy.errors import InvalidArgument, OperationNotImplemented

try:
    zxing: Any = importlib.import_module("zxingcpp")
except ImportError:
    zxing = None

_QR = ("QRCode", "MicroQRCode", "RMQRCode")
_BARS = ("AllLinear",)
_QUIET_MODULES = 4
"""White on every side that readers need of a QR code (ISO/IEC 18004 §9.1)."""
_QUIET_BARS = 11
"""The wider of EAN-13's two margins (ISO/IEC 15420 §4.3.3), on both sides."""

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
    text: str
    corners: tuple[Point, Point, Point, Point]
    """Of the code as it is meant to be read: top left, bottom left, bottom right, top right."""


def find(grey: libvips.Image, *, matrix: bool, bars: bool) -> Sequence[Found]:
    """Every code in *grey*, a picture of one 8-bit band: QR codes if *matrix*, those of *bars*.

    Raises:
        InvalidImageFormat: the pixels cannot be decoded.
        OperationNotImplemented: zxing-cpp is not installed.
    """
    library = _library()
    # DataMatrix, Aztec and PDF417 would cost ten times as much, and CI promises none of them.
    names = (*(_QR if matrix else ()), *(_BARS if bars else ()))
    formats = library.BarcodeFormats([getattr(library.BarcodeFormat, name) for name in names])
    with libvips.broken_pictures():
        samples = grey.write_to_memory()
    view = library.ImageView(memoryview(samples), grey.width, grey.height, library.ImageFormat.Lum)
    codes = library.read_barcodes(view, formats=formats, text_mode=library.TextMode.Plain)
    return [Found(code.text, _corners(code.position)) for code in codes]


def _corners(position: Any) -> tuple[Point, Point, Point, Point]:
    top_left, bottom_left, bottom_right, top_right = (
        (int(point.x), int(point.y))
        for point in (position.top_left, position.bottom_left, position.bottom_right, position.top_right)
    )
    return top_left, bottom_left, bottom_right, top_right


def draw(code: Code) -> libvips.Image:
    """*code* as a picture of exactly its size: whole pixels per module, the rest of it white margin.

    Raises:
        InvalidArgument: the text does not fit into a code, or the code not into the width.
        OperationNotImplemented: zxing-cpp is not installed.
    """
    library = _library()
    bars = code.kind == BARCODE
    try:
        made = library.create_barcode(code.text, library.BarcodeFormat.EAN13 if bars else library.BarcodeFormat.QRCode)
        shape = memoryview(made.to_image(scale=1, add_quiet_zones=False))
    except (ValueError, RuntimeError):
        raise InvalidArgument.of("qrcode-content", code.text, "a text that fits into a code") from None
    rows, columns = shape.shape or (0, 0)
    least_px = columns + 2 * (_QUIET_BARS if bars else _QUIET_MODULES)
    module_px = code.width_px // least_px
    if module_px < 1:
        raise InvalidArgument.of("width", str(code.width_px), f"at least {least_px} for this text")
    wide_px = columns * module_px
    if bars:
        # Every row of bars is the same; they are as high as there is room.
        high_px = code.height_px - 2 * module_px
        image = libvips.from_memory(bytes(shape)[:columns], columns, 1, 1).zoom(module_px, high_px)
    else:
        high_px = wide_px
        image = libvips.from_memory(bytes(shape), columns, rows, 1).zoom(module_px, module_px)
    left_px, top_px = (code.width_px - wide_px) // 2, (code.height_px - high_px) // 2
    return image.embed(left_px, top_px, code.width_px, code.height_px, extend="white")


def _library() -> Any:
    if zxing is None:
        raise OperationNotImplemented(public="QR codes are not implemented: this server has no zxing-cpp.")
    return zxing
