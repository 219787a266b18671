"""Reads a GIF's own claims about its size and number of frames.  Pure.

libvips' reader ignores a logical screen over 2,048 px and takes the first frame's size instead, so what the file says
must be checked here; and counting stops at the limit instead of after 100,000 frames.
"""

from __future__ import annotations

from dataclasses import dataclass

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B


@dataclass(frozen=True, slots=True, kw_only=True)
class GifHeader:
    """Claims; nothing says that a decoder will agree."""

    width_px: int
    height_px: int
    """The larger of the logical screen and what any frame reaches to."""
    frames: int


def read(body: bytes | memoryview, *, max_frames: int) -> GifHeader:
    """Walk the blocks of *body*, as far as the first frame over *max_frames*; damage ends the walk."""
    end = len(body)
    width_px, height_px = _u16(body, 6), _u16(body, 8)
    at = 13 + _colour_table_bytes(body[10] if end > 10 else 0)
    frames = 0
    while at < end and frames <= max_frames and body[at] != _TRAILER:
        if body[at] == _IMAGE and at + 10 < end:
            frames += 1
            width_px = max(width_px, _u16(body, at + 1) + _u16(body, at + 5))
            height_px = max(height_px, _u16(body, at + 3) + _u16(body, at + 7))
            at += 11 + _colour_table_bytes(body[at + 9])  # the descriptor and the LZW code size
        elif body[at] == _EXTENSION:
            at += 2
        else:
            break
        while at < end and body[at]:
            at += body[at] + 1
        at += 1
    return GifHeader(width_px=width_px, height_px=height_px, frames=frames)


def _u16(body: bytes | memoryview, at: int) -> int:
    return int.from_bytes(body[at : at + 2], "little")


def _colour_table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
