"""Where a picture ends inside its file, by the structure of its format.  Pure; every walk is bounded by the file.

Damage ends a walk without an answer: a broken picture is the decoder's business, not evidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_NEXT_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)
_MORE_PICTURES = 16
"""Multi-picture files (CIPA DC-007) hold previews and gain maps behind the picture, each a JPEG of its own."""
_PNG_BEGIN_BYTES = 8
_BOX_TYPE = re.compile(rb"[ -~]{4}")
_PIXEL_BYTES_AT, _DIB_AT = 10, 14


def end_of_picture(format_: str, body: bytes) -> int | None:
    """The position behind the last byte that belongs to the picture; None where the format or its damage do not tell."""
    reader = _READERS.get(format_)
    end = reader(body) if reader is not None else None
    return end if end is not None and 0 < end <= len(body) else None


def _jpeg(body: bytes) -> int | None:
    end = _one_jpeg(body, 0)
    for _ in range(_MORE_PICTURES):
        if end is None:
            return None
        begin = _behind_padding(body, end)
        if not body.startswith(b"\xff\xd8\xff", begin):
            break
        end = _one_jpeg(body, begin)
    return end


def _behind_padding(body: bytes, at: int) -> int:
    while at < len(body) and body[at] == 0:
        at += 1
    return at


def _one_jpeg(body: bytes, at: int) -> int | None:
    at += 2
    while True:
        # After a scan header this skips the entropy-coded data, where FF is followed by 00 or a restart marker.
        found = _NEXT_MARKER.search(body, at)
        if found is None:
            return None
        marker, at = found[1][0], found.end()
        if marker == _EOI:
            return at
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(body[at : at + 2], "big")
        if length < 2:
            return None
        at += length


def _png(body: bytes) -> int | None:
    at = _PNG_BEGIN_BYTES
    while at + 12 <= len(body):
        kind = body[at + 4 : at + 8]
        at += 12 + int.from_bytes(body[at : at + 4], "big")
        if kind == b"IEND":
            return at
    return None


def _gif(body: bytes) -> int | None:
    at = 13 + _colour_table_bytes(body[10])
    while at < len(body):
        match body[at]:
            case 0x3B:
                return at + 1
            case 0x2C if at + 10 < len(body):
                at += 11 + _colour_table_bytes(body[at + 9])
            case 0x21:
                at += 2
            case _:
                return None
        while at < len(body) and body[at]:
            at += body[at] + 1
        at += 1
    return None


def _colour_table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _webp(body: bytes) -> int | None:
    size = int.from_bytes(body[4:8], "little")
    return 8 + size + size % 2


def _bmp(body: bytes) -> int | None:
    """By the pixels where they are plain, because what is hidden may be counted in the file's own size."""
    begin, header_bytes = _u32(body, _PIXEL_BYTES_AT), _u32(body, _DIB_AT)
    if header_bytes < 40:
        return None
    width_px, height_px = _i32(body, _DIB_AT + 4), abs(_i32(body, _DIB_AT + 8))
    bits, compression = int.from_bytes(body[_DIB_AT + 14 : _DIB_AT + 16], "little"), _u32(body, _DIB_AT + 16)
    plain = compression in (0, 3, 6)
    end = begin + ((width_px * bits + 31) // 32 * 4 * height_px if plain else _u32(body, _DIB_AT + 20))
    if header_bytes >= 124 and _u32(body, _DIB_AT + 116):
        profile_end = _DIB_AT + _u32(body, _DIB_AT + 112) + _u32(body, _DIB_AT + 116)
        end = max(end, profile_end)
    return end if end > begin else None


def _u32(body: bytes, at: int) -> int:
    return int.from_bytes(body[at : at + 4], "little")


def _i32(body: bytes, at: int) -> int:
    return int.from_bytes(body[at : at + 4], "little", signed=True)


def _boxes(body: bytes) -> int | None:
    """Top-level boxes (ISO/IEC 14496-12 §4.2) up to what is none, or to the beginning of another file."""
    at = 0
    while at < len(body):
        size, kind = int.from_bytes(body[at : at + 4], "big"), body[at + 4 : at + 8]
        if at and kind == b"ftyp":
            break
        if size == 1:
            size = int.from_bytes(body[at + 8 : at + 16], "big")
        if size == 0 and _BOX_TYPE.fullmatch(kind):
            return len(body)
        if size < 8 or not _BOX_TYPE.fullmatch(kind) or at + size > len(body):
            break
        at += size
    return at


_READERS: Mapping[str, Callable[[bytes], int | None]] = MappingProxyType(
    {"jpeg": _jpeg, "png": _png, "apng": _png, "gif": _gif, "webp": _webp, "bmp": _bmp, "avif": _boxes, "heif": _boxes}
)
