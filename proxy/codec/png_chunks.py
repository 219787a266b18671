"""A PNG taken apart into its chunks, and whether it is an animation (PNG 3rd edition §5, §11.3.6).  Pure.

Lengths are what the file claims; a walk ends where the file does.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 100_000
_CONTROL = struct.Struct(">IIIIIHHBB")


def chunks(body: bytes | memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Type and data of each chunk, in order; checksums are the decoder's business."""
    view, at = memoryview(body), len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(view):
            return
        size_bytes, kind = struct.unpack_from(">I4s", view, at)
        yield kind, view[at + 8 : at + 8 + size_bytes]
        at += size_bytes + 12


def chunk(kind: bytes, *parts: bytes | memoryview) -> bytes:
    """One chunk with its length and checksum."""
    data = b"".join(parts)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def frames(body: bytes | memoryview) -> int:
    """How many frames *body* has; 1 for a picture that stands still.

    An animation with anything wrong in its order is a still picture, as in browsers: its default image is whole.
    """
    claimed = sequence = found = 0
    size_px = (0, 0)
    awaits_data = False
    for kind, data in chunks(body):
        if kind == b"IHDR" and len(data) >= 8:
            size_px = struct.unpack_from(">II", data)
        elif kind == b"acTL" and not claimed and len(data) >= 8:
            claimed = int.from_bytes(data[:4], "big")
        elif kind == b"IDAT":
            if claimed < 2:  # what comes behind does not count
                return 1
            awaits_data = False
        elif kind == b"fcTL":
            if awaits_data or not _fits(data, sequence, size_px):
                return 1
            awaits_data, sequence, found = True, sequence + 1, found + 1
        elif kind == b"fdAT":
            if len(data) < 4 or int.from_bytes(data[:4], "big") != sequence:
                return 1
            awaits_data, sequence = False, sequence + 1
        elif kind == b"IEND":
            break
    return found if found == claimed and found > 1 and not awaits_data else 1


def _fits(control: memoryview, sequence: int, size_px: tuple[int, ...]) -> bool:
    """Whether a frame control chunk is the one with that number and its frame lies inside the picture."""
    if len(control) != _CONTROL.size:
        return False
    number, width, height, left, top = _CONTROL.unpack(control)[:5]
    inside = left + width <= size_px[0] and top + height <= size_px[1]
    return bool(number == sequence and width and height and inside)
