"""Reads what a JPEG XL file says of itself, from its first bits (ISO/IEC 18181-1 §C, annex D, and 18181-2 for the container).  Pure.

The decoder at hand tells the size with the pixels, which is too late to refuse it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from proxy.errors import InvalidImageFormat

_CODESTREAM = b"\xff\x0a"
_CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_TIFFS = frozenset({b"II*\0", b"MM\0*"})
_MOST_BOXES = 10_000
_HEADER_BYTES = 4096
"""More than any header takes but one with hundreds of named channels."""

# 18181-1 §B.2.2: one of four distributions, told by two bits; (what is added, how many bits follow).
_SIZES = ((1, 9), (1, 13), (1, 18), (1, 30))
_PREVIEW_SIZES = ((1, 6), (65, 8), (321, 10), (1345, 12))
_PREVIEW_EIGHTHS = ((16, 0), (32, 0), (1, 5), (33, 9))
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_TICKS = ((100, 0), (1000, 0), (1, 10), (1, 30))
_TICKS_BELOW = ((1, 0), (1001, 0), (1, 8), (1, 10))
_LOOPS = ((0, 0), (0, 3), (0, 16), (0, 32))
_INTEGER_BITS = ((8, 0), (10, 0), (12, 0), (1, 6))
_FLOAT_BITS = ((32, 0), (16, 0), (24, 0), (1, 6))
_CHANNELS = ((0, 0), (1, 0), (2, 4), (1, 12))
_ENUM = ((0, 0), (1, 0), (2, 4), (18, 6))
_DIM_SHIFTS = ((0, 0), (3, 0), (4, 0), (1, 3))
_NAME_BYTES = ((0, 0), (0, 4), (16, 5), (48, 10))
_CFA_CHANNELS = ((1, 0), (0, 2), (3, 4), (19, 8))
_ALPHA, _SPOT_COLOUR, _CFA = 0, 2, 5
_RGB, _GREY, _D65, _SRGB_PRIMARIES, _SRGB_CURVE = 0, 1, 1, 1, 13


@dataclass(frozen=True, slots=True, kw_only=True)
class JxlHeader:
    """Claims; nothing says that the pixels agree."""

    width_px: int
    height_px: int
    """As shown: decoders turn the picture upright."""
    alpha: bool
    animated: bool
    srgb: bool
    """Whether the colours are plain sRGB, or its greys."""


def read(body: bytes | memoryview) -> JxlHeader:
    """The header of *body*, bare or in a container.

    Raises:
        InvalidImageFormat: cut short, or no JPEG XL.
    """
    bits = _Bits(codestream(body, most_bytes=_HEADER_BYTES))
    if bits.take(16) != int.from_bytes(_CODESTREAM, "little"):
        raise InvalidImageFormat("no codestream")
    width_px, height_px = _size(bits)
    orientation, animated, alpha, srgb = 1, False, False, True
    if not bits.flag():  # image metadata that is not all default
        if bits.flag():
            orientation = 1 + bits.take(3)
            if bits.flag():
                _size(bits)  # the intrinsic one
            if bits.flag():
                _preview(bits)
            animated = bits.flag()
            if animated:
                _animation(bits)
        _bit_depth(bits)
        bits.flag()  # whether 16-bit buffers suffice
        kinds = [_extra_channel(bits) for _ in range(bits.u32(_CHANNELS))]
        alpha = _ALPHA in kinds
        bits.flag()  # XYB
        srgb = _is_srgb(bits)
    if orientation >= 5:
        width_px, height_px = height_px, width_px
    return JxlHeader(width_px=width_px, height_px=height_px, alpha=alpha, animated=animated, srgb=srgb)


def codestream(body: bytes | memoryview, *, most_bytes: int | None = None) -> bytes:
    """The codestream of *body* without its container, and so without the JPEG that it may be a transcription of.

    Raises:
        InvalidImageFormat: there is none.
    """
    if bytes(body[:2]) == _CODESTREAM:
        return bytes(body[:most_bytes])
    found = bytearray()
    for kind, data in boxes(body):
        if kind == b"jxlc":
            found += data[:most_bytes]
        elif kind == b"jxlp":
            found += data[4:][:most_bytes]  # behind the number of the part
        if kind == b"jxlc" or (most_bytes is not None and len(found) >= most_bytes):
            break
    if not found:
        raise InvalidImageFormat("no codestream")
    return bytes(found)


def exif(body: bytes | memoryview) -> bytes | None:
    """The TIFF structure of the EXIF box, where there is one that is not compressed; some writers leave out where it begins."""
    for kind, data in boxes(body):
        if kind == b"Exif" and len(data) > 4:
            told = bytes(data[:4]) not in _TIFFS
            return bytes(data[4 + int.from_bytes(data[:4], "big") if told else 0 :]) or None
    return None


def boxes(body: bytes | memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and content of each box of a container, as far as they lie inside; nothing of a bare codestream."""
    if bytes(body[: len(_CONTAINER)]) != _CONTAINER:
        return
    view, at = memoryview(body), len(_CONTAINER)
    for _ in range(_MOST_BOXES):
        if at + 8 > len(view):
            return
        size, kind = int.from_bytes(view[at : at + 4], "big"), bytes(view[at + 4 : at + 8])
        head = 8
        if size == 1:
            size, head = int.from_bytes(view[at + 8 : at + 16], "big"), 16
        size = size or len(view) - at
        if size < head or at + size > len(view):
            return
        yield kind, view[at + head : at + size]
        at += size


class _Bits:
    """Little-endian bit fields (18181-1 §B.2)."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise InvalidImageFormat("a header cut short")
        value = self._number & ((1 << count) - 1)
        self._number >>= count
        return value

    def flag(self) -> bool:
        return bool(self.take(1))

    def u32(self, distributions: tuple[tuple[int, int], ...]) -> int:
        offset, count = distributions[self.take(2)]
        return offset + self.take(count)


def _size(bits: _Bits) -> tuple[int, int]:
    eighths = bits.flag()
    height_px = 8 * (1 + bits.take(5)) if eighths else bits.u32(_SIZES)
    ratio = bits.take(3)
    if ratio:
        over, under = _RATIOS[ratio - 1]
        return height_px * over // under, height_px
    return (8 * (1 + bits.take(5)) if eighths else bits.u32(_SIZES)), height_px


def _preview(bits: _Bits) -> None:
    sizes = _PREVIEW_EIGHTHS if bits.flag() else _PREVIEW_SIZES
    bits.u32(sizes)
    if not bits.take(3):
        bits.u32(sizes)


def _animation(bits: _Bits) -> None:
    bits.u32(_TICKS)
    bits.u32(_TICKS_BELOW)
    bits.u32(_LOOPS)
    bits.flag()  # time codes


def _bit_depth(bits: _Bits) -> None:
    if bits.flag():
        bits.u32(_FLOAT_BITS)
        bits.take(4)  # of the exponent
    else:
        bits.u32(_INTEGER_BITS)


def _extra_channel(bits: _Bits) -> int:
    """The kind of one more channel."""
    if bits.flag():
        return _ALPHA
    kind = bits.u32(_ENUM)
    _bit_depth(bits)
    bits.u32(_DIM_SHIFTS)
    bits.take(8 * bits.u32(_NAME_BYTES))
    if kind == _ALPHA:
        bits.flag()  # associated
    elif kind == _SPOT_COLOUR:
        bits.take(4 * 16)
    elif kind == _CFA:
        bits.u32(_CFA_CHANNELS)
    return kind


def _is_srgb(bits: _Bits) -> bool:
    """Whether the colour encoding (18181-1 §E.2) is sRGB; the rest of it is not read."""
    if bits.flag():
        return True
    if bits.flag():  # an ICC profile
        return False
    space = bits.u32(_ENUM)
    if space not in (_RGB, _GREY) or bits.u32(_ENUM) != _D65:
        return False
    if space == _RGB and bits.u32(_ENUM) != _SRGB_PRIMARIES:
        return False
    return not bits.flag() and bits.u32(_ENUM) == _SRGB_CURVE
