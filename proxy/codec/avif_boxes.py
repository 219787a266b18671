"""The boxes of an AVIF image sequence that libraries leave to their default: how often it plays, and when it was made.

ISO/IEC 14496-12 §8.2.2, §8.3.2, §8.6.6 and §9.6 of ISO/IEC 23008-12, whose edit list repeats until the track ends.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import NamedTuple

_SEQUENCE_BRANDS = frozenset({b"avis", b"msf1"})
_INSIDE = frozenset({b"moov", b"trak", b"edts", b"mdia"})
_LEAST_BYTES = MappingProxyType({b"mvhd": 100, b"tkhd": 84, b"mdhd": 24, b"elst": 20})
"""The boxes that are looked at, and what their content takes at least."""
_DURATIONS = MappingProxyType({b"mvhd": ((16, 4), (24, 8)), b"tkhd": ((20, 4), (28, 8))})
"""Where version 0 and version 1 of a box hold their duration, and in how many bytes."""
_FOREVER = frozenset({0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF})
"""A duration that is not known, or does not end."""
_REPEATED = 1
_MOST_BOXES = 1000
_MOST_PLAYS = 65_535


class _Box(NamedTuple):
    kind: bytes
    start: int
    """Of its content."""


def is_sequence(body: bytes | memoryview) -> bool:
    """Whether *body*, an AVIF, says that there is more to play in it than a picture."""
    size = min(int.from_bytes(body[:4], "big"), len(body), 4096)
    return any(bytes(body[at : at + 4]) in _SEQUENCE_BRANDS for at in (8, *range(16, size - 3, 4)))


def plays(body: bytes | memoryview) -> int:
    """How often the animation plays; 0: for ever, which is also what players make of a file that does not say."""
    track = 0
    for box in _boxes(body):
        if box.kind == b"tkhd" and not track:
            at, size = _DURATIONS[box.kind][bool(body[box.start])]
            track = _number(body, box.start + at, size)
        if box.kind == b"elst":
            once = _number(body, box.start + 8, 8 if body[box.start] else 4)
            if not _number(body, box.start, 4) & _REPEATED:
                return 1
            return 0 if not once or track in _FOREVER else min(_MOST_PLAYS, max(1, -(-track // once)))
    return 0


def finished(body: bytes, *, plays: int) -> bytes:
    """*body*, as libavif writes it, playing that often (0: for ever); without the time of day, so equal pictures are equal bytes."""
    made = bytearray(body)
    boxes = list(_boxes(body))
    once = next((_number(body, box.start + 8, 8) for box in boxes if box.kind == b"elst"), 0)
    for box in boxes:
        if box.kind == b"elst":
            if plays == 1:
                made[box.start + 3] &= ~_REPEATED
            continue
        both_bytes = 16 if body[box.start] else 8  # creation and modification
        made[box.start + 4 : box.start + 4 + both_bytes] = bytes(both_bytes)
        if plays and box.kind in _DURATIONS:
            at, size = _DURATIONS[box.kind][bool(body[box.start])]
            made[box.start + at : box.start + at + size] = (plays * once).to_bytes(size, "big")
    return bytes(made)


def _boxes(body: bytes | memoryview) -> Iterator[_Box]:
    """The boxes that are looked at, wherever they are, as far as what holds them lies inside."""
    ends = [len(body)]
    at = 0
    for _ in range(_MOST_BOXES):
        while ends and at + 8 > ends[-1]:
            at = ends.pop()
        if not ends:
            return
        size, kind = _number(body, at, 4) or ends[-1] - at, bytes(body[at + 4 : at + 8])
        if size < 8 or at + size > ends[-1]:  # a size of 64 bits is for what has no place in a picture
            return
        if kind in _INSIDE:
            ends.append(at + size)
            at += 8
            continue
        if size - 8 >= _LEAST_BYTES.get(kind, size):
            yield _Box(kind, at + 8)
        at += size


def _number(body: bytes | memoryview, at: int, size: int) -> int:
    return int.from_bytes(body[at : at + size], "big")
