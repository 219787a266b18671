"""Reads what a JPEG says before and between its scans: quantisation tables and how many scans there are.

Pure.  The walk is bounded, because a JPEG of half a megabyte can hold so many scans that decoding takes a minute.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_SEGMENTS = 10_000

_SOI, _EOI, _SOS, _DQT = 0xD8, 0xD9, 0xDA, 0xDB
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_NEXT_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)

Table = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JpegHeader:
    """What the markers say."""

    tables: tuple[Table, ...] = ()
    """Quantisation tables in zigzag order: of the first component, then of the second if it uses another one."""
    bits: int = 8
    """Sample precision; libjpeg is built for 8."""
    scans: int = 0
    segments: int = 0


def read(body: bytes | memoryview) -> JpegHeader:
    """Walk the markers of *body* up to the end of the picture; damage ends the walk, it is no error here."""
    tables: dict[int, Table] = {}
    used: list[int] = []
    bits = 8
    scans = segments = 0
    at = 2
    while segments < MAX_SEGMENTS:
        # After a scan header this skips the entropy-coded data, where FF is followed by 00 or a restart marker.
        found = _NEXT_MARKER.search(body, at)
        if found is None or (marker := found.group(1)[0]) == _EOI:
            break
        at = found.end()
        if marker in _STANDALONE:
            continue
        segments += 1
        length = int.from_bytes(body[at : at + 2], "big")
        if length < 2:
            break
        payload = body[at + 2 : at + length]
        if marker == _SOS:
            scans += 1
        elif marker == _DQT and not scans:
            tables.update(_tables(bytes(payload)))
        elif marker in _SOF and not used:
            bits = payload[0] if payload else bits
            used = [payload[index] for index in range(8, len(payload), 3)]
        at += length
    wanted = dict.fromkeys(used[:2] or sorted(tables)[:2])
    return JpegHeader(tables=tuple(tables[i] for i in wanted if i in tables), bits=bits, scans=scans, segments=segments)


def _tables(payload: bytes) -> dict[int, Table]:
    found: dict[int, Table] = {}
    at = 0
    while at < len(payload):
        width = 2 if payload[at] >> 4 else 1
        values = payload[at + 1 : at + 1 + 64 * width]
        if len(values) < 64 * width:
            break
        found[payload[at] & 15] = tuple(
            int.from_bytes(values[i : i + width], "big") for i in range(0, 64 * width, width)
        )
        at += 1 + 64 * width
    return found
