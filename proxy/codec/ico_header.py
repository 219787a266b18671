"""Finds the best picture in an ICO file.  Pure.

An entry is either a whole PNG file or the inside of a BMP; the directory's own numbers are not to be trusted.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAX_ENTRIES = 256
MAX_SIDE_PX = 256

_ENTRY = struct.Struct("<BBBBHHII")
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class IcoEntry:
    """One picture of the file."""

    payload: bytes
    width_px: int
    height_px: int
    bits: int

    @property
    def png(self) -> bool:
        return self.payload.startswith(_PNG)

    def alone(self) -> bytes:
        """An ICO file with nothing but this entry."""
        entry = _ENTRY.pack(self.width_px & 255, self.height_px & 255, 0, 0, 1, self.bits, len(self.payload), 22)
        return b"\x00\x00\x01\x00\x01\x00" + entry + self.payload


def best(body: bytes | memoryview) -> IcoEntry | None:
    """The largest entry, of several the one with most bits a pixel; None if there is none that can be read."""
    count = min(int.from_bytes(body[4:6], "little"), MAX_ENTRIES)
    listed = []
    for index in range(count):
        raw = bytes(body[6 + 16 * index : 22 + 16 * index])
        if len(raw) < _ENTRY.size:
            break
        width, height, _, _, _, bits, size_bytes, offset = _ENTRY.unpack(raw)
        listed.append(((width or 256) * (height or 256), bits, -index, offset, size_bytes))
    for *_, offset, size_bytes in sorted(listed, reverse=True):
        if (entry := _entry(bytes(body[offset : offset + size_bytes]))) is not None:
            return entry
    return None


def _entry(payload: bytes) -> IcoEntry | None:
    if payload.startswith(_PNG) and len(payload) >= 26:
        width, height = struct.unpack_from(">II", payload, 16)
        return IcoEntry(payload=payload, width_px=width, height_px=height, bits=payload[24])
    if len(payload) < 40 or int.from_bytes(payload[:4], "little") != 40:
        return None
    width, doubled, _planes, bits = struct.unpack_from("<iiHH", payload, 4)
    height = abs(doubled) // 2  # colours and mask are stacked
    if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX):
        return None
    return IcoEntry(payload=payload, width_px=width, height_px=height, bits=bits)
