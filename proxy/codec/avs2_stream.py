"""AVS2 elementary streams, as far as TPG needs them: where pictures begin, what the sequence header says.  Pure.

GB/T 33475.2 (IEEE 1857.4) §7.1: units begin with ``00 00 01`` and a code, which nothing inside a unit can look like.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from proxy.errors import InvalidImageFormat

END: Final = b"\x00\x00\x01\xb1"
MOST_PADDING_PX: Final = 63
"""How much larger a picture may be coded than it is: by less than the largest coding unit."""
_UNIT: Final = re.compile(rb"\x00\x00\x01([\xb0-\xb7])", re.DOTALL)
_SLICE: Final = re.compile(rb"\x00\x00\x01[\x00-\x8f]", re.DOTALL)
_SEQUENCE, _USER_DATA, _INTRA, _INTER = 0xB0, 0xB2, 0xB3, 0xB6
_MOST_UNITS: Final = 20_000
_PROFILES: Final = frozenset({0x12, 0x20})
"""Main picture and main: 8 bits, 4:2:0."""
_HEADER_MOST_BYTES: Final = 256
_LEAST_SIDE_PX: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceHeader:
    """The fields of a sequence header that matter here."""

    width_px: int
    height_px: int
    references_at: int
    """Bit of the first reference picture set, behind their number."""
    references_end: int
    references: int


def cut(stream: bytes) -> tuple[bytes, list[bytes]]:
    """The sequence header of *stream* and its pictures, slices included; what else is in it is left out.

    Raises:
        InvalidImageFormat: it does not begin with a sequence header, or is made to be walked for long.
    """
    header, pictures = b"", []
    for kind, unit in _units(stream):
        if kind == _SEQUENCE and not header:
            header = unit
        elif kind in (_INTRA, _INTER):
            pictures.append(unit)
    if not stream.startswith(header) or not header:
        raise InvalidImageFormat("no sequence header")
    return header, pictures


def playable(pieces: Sequence[bytes]) -> tuple[bytes, int, int]:
    """*pieces* as one stream that libdavs2 gives all its pictures of, and the width and height of each.

    A header behind the end makes FFmpeg's parser let go of the last picture.  And where all pictures are intra ones,
    sets of reference pictures mean nothing, but libdavs2 looks for their pictures and gives up: they are emptied.

    Raises:
        InvalidImageFormat: not as many pictures as pieces, or one without a slice, or no sequence header, or several that
            differ in size, or not 8-bit 4:2:0.
    """
    units = [unit for piece in pieces for unit in _units(piece)]
    headers = [unit for kind, unit in units if kind == _SEQUENCE]
    kinds = [kind for kind, _ in units]
    sizes_px = {(said.width_px, said.height_px) for said in map(read_header, headers)}
    found = kinds.count(_INTRA) + kinds.count(_INTER)
    if len(sizes_px) != 1 or kinds[0] != _SEQUENCE or found != len(pieces):
        raise InvalidImageFormat(f"{found} pictures in {len(pieces)} pieces, {len(sizes_px)} sizes")
    if not all(_SLICE.search(unit) for kind, unit in units if kind in (_INTRA, _INTER)):
        raise InvalidImageFormat("a picture without a slice")  # libdavs2 would wait for it
    if _INTER not in kinds:
        units = [(kind, without_references(unit) if kind == _SEQUENCE else unit) for kind, unit in units]
    width_px, height_px = sizes_px.pop()
    body = b"".join(unit for kind, unit in units if kind != _USER_DATA)
    return body + (b"" if body.endswith(END) else END) + units[0][1], width_px, height_px


def read_header(header: bytes) -> SequenceHeader:
    """A sequence header (§7.1.2.1), its start code included.

    Raises:
        InvalidImageFormat: cut short, not 8-bit 4:2:0, or with matrices for its quantisation.
    """
    bits = _Bits(header[4:_HEADER_MOST_BYTES])
    profile = bits.take(8)
    bits.take(8 + 1 + 1)  # level, progressive_sequence, field_coded_sequence
    width_px, height_px = bits.take(14), bits.take(14)
    chroma, precision = bits.take(2), bits.take(3)
    # aspect ratio, frame rate, bit rate (twice), low_delay, markers, temporal_id, buffer size, largest unit
    bits.take(4 + 4 + 18 + 1 + 12)
    bits.take(1 + 1 + 1 + 18 + 3)
    weighted = bits.take(1)
    if profile not in _PROFILES or (chroma, precision, weighted) != (1, 1, 0):
        raise InvalidImageFormat(f"AVS2 profile {profile}, chroma {chroma}, precision {precision}, {weighted}")
    if min(width_px, height_px) < _LEAST_SIDE_PX:
        raise InvalidImageFormat(f"AVS2 of {width_px} x {height_px}")
    bits.take(11 + 1)  # coding tools and a marker
    references = bits.take(6)
    start = bits.at
    for _ in range(references):
        bits.take(1)
        bits.take(6 * bits.take(3))
        bits.take(6 * bits.take(3))
        bits.take(1)
    return SequenceHeader(
        width_px=width_px, height_px=height_px, references_at=start, references_end=bits.at, references=references
    )


def without_references(header: bytes) -> bytes:
    """*header* with as many sets of reference pictures as before, all of them empty."""
    said = read_header(header)
    code, bits = header[:4], f"{int.from_bytes(header[4:], 'big'):0{8 * len(header[4:])}b}"
    empty = "10000001" * said.references  # referred to by others; no reference, none to remove; marker
    bits = bits[: said.references_at] + empty + bits[said.references_end :]
    bits += "0" * (-len(bits) % 8)
    return code + int(bits, 2).to_bytes(len(bits) // 8, "big")


def _units(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Code and bytes of each unit; slices belong to their picture, and so does what stands before the first unit."""
    found = []
    for match in _UNIT.finditer(stream):
        found.append((match[1][0], match.start()))
        if len(found) > _MOST_UNITS:
            raise InvalidImageFormat("too many units")
    found.append((0, len(stream)))
    for (kind, start), (_, end) in itertools.pairwise(found):
        yield kind, stream[start:end]


class _Bits:
    """Reads from the most significant bit on."""

    def __init__(self, data: bytes) -> None:
        self._number, self._length = int.from_bytes(data, "big"), 8 * len(data)
        self.at = 0

    def take(self, count: int) -> int:
        self.at += count
        if self.at > self._length:
            raise InvalidImageFormat("an AVS2 header that is cut short")
        return self._number >> (self._length - self.at) & ((1 << count) - 1)
