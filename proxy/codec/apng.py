"""Writes animated PNG: every frame through libvips' PNG encoder, put together here.

Pillow could too, but it leaves out frames that look like the one before, and holds every frame twice.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from proxy.codec import libvips
from proxy.codec.png_chunks import SIGNATURE, chunk, chunks

_MAX_UINT16 = 0xFFFF
_HEAD_LAST = (b"IDAT", b"IEND")


def save(image: libvips.Image, frames: int, options: Mapping[str, object], *, keep: int) -> bytes:
    """*frames* pages, one below the other, as an animation; only what changes of a frame is written."""
    image = image.copy_memory()
    height_px = image.height // frames
    pages = [_page(image, number, height_px) for number in range(frames)]
    parts: list[bytes] = [SIGNATURE]
    delays_ms = libvips.delays_ms(image, frames)
    sequence = 0
    for number, page in enumerate(pages):
        left, top, width, height = _changed(pages[number - 1], page) if number else (0, 0, page.width, height_px)
        still = libvips.save("png", page.crop(left, top, width, height), options, keep=keep if number == 0 else 0)
        found = list(chunks(still))
        if number == 0:
            head = [chunk(kind, data) for kind, data in found if kind not in _HEAD_LAST]
            loop = max(0, libvips.integer(image, "loop", 0))
            parts += [head[0], chunk(b"acTL", struct.pack(">II", frames, loop)), *head[1:]]
        place = struct.pack(">IIIIHH", width, height, left, top, *_delay(delays_ms[number]))
        # What is written replaces what was there, and stays: dispose 0, blend 0.
        parts.append(chunk(b"fcTL", struct.pack(">I", sequence), place, b"\0\0"))
        sequence += 1
        for kind, data in found:
            if kind == b"IDAT" and number == 0:
                parts.append(chunk(kind, data))
            elif kind == b"IDAT":
                parts.append(chunk(b"fdAT", struct.pack(">I", sequence), data))
                sequence += 1
    return b"".join([*parts, chunk(b"IEND")])


def _page(image: libvips.Image, number: int, height_px: int) -> libvips.Image:
    page = image.crop(0, number * height_px, image.width, height_px)
    return libvips.with_fields(page, integers={}, remove=("page-height", "n-pages", "delay", "loop"))


def _changed(before: libvips.Image, page: libvips.Image) -> tuple[int, int, int, int]:
    """Left, top, width and height of what differs; one pixel where nothing does, as a frame cannot be empty."""
    columns, rows = (before != page).bandor().project()
    left, right = _ends(columns)
    top, bottom = _ends(rows)
    return left, top, right - left, bottom - top


def _ends(sums: libvips.Image) -> tuple[int, int]:
    """First and behind the last of the sums that are not nothing."""
    values = memoryview(sums.write_to_memory()).cast("B").cast("I")
    found = [at for at, value in enumerate(values) if value]
    return (found[0], found[-1] + 1) if found else (0, 1)


def _delay(delay_ms: int) -> tuple[int, int]:
    """Numerator and denominator of the seconds that a frame is shown."""
    return (delay_ms, 1000) if delay_ms <= _MAX_UINT16 else (min(_MAX_UINT16, delay_ms // 1000), 1)
