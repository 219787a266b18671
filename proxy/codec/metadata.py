"""What a result says besides its pixels: which metadata stays, and the copyright alone where all else goes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from proxy.codec import libvips

_PREFIX = b"Exif\x00\x00"
_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}
_RIGHTS = frozenset({0x013B, 0x8298})
"""Artist and Copyright, the tags of IFD0 that say whose the picture is (Exif 2.32 §4.6.4)."""
_ORIENTATION, _SHORT = 0x0112, 3
_TEXT = frozenset({2, 129})
"""ASCII, which most writers fill with UTF-8, and the UTF-8 of Exif 3.0."""
_MOST_BYTES = 4096
_MOST_TAGS = 512


def kept(image: libvips.Image, *, strip: bool, auto: bool, keep_copyright: bool) -> tuple[libvips.Image, int]:
    """*image* with what of its metadata is to be written, and the ``KEEP_`` flags that write it.

    CI keeps EXIF, and we the colours as well; ``strip`` keeps nothing and ``format/auto`` only the colours, but both the
    copyright where the bucket says so.
    """
    flags = libvips.KEEP_NOTHING if strip else libvips.KEEP_ICC
    if not (strip or auto):
        return image, flags | libvips.KEEP_EXIF
    if not keep_copyright:
        return image, flags
    rights = rights_only(libvips.blob(image, "exif-data") or b"")
    if rights is None:
        return image, flags
    return _with_block(image, rights), flags | libvips.KEEP_EXIF


def rights_only(exif: bytes) -> bytes | None:
    """An EXIF block with nothing but Artist and Copyright of *exif*, byte for byte; None if it has neither."""
    tiff = exif.removeprefix(_PREFIX)
    found = {
        entry.tag: tiff[entry.place : entry.place + entry.values]
        for entry in _entries(tiff)
        if entry.tag in _RIGHTS and entry.kind in _TEXT and entry.values <= min(_MOST_BYTES, len(tiff) - entry.place)
    }
    texts = {tag: text for tag, text in found.items() if text.strip(b"\0 ")}
    return _block(texts) if texts else None


def upright(exif: bytes) -> bytes | None:
    """*exif* with orientation 1 and otherwise byte for byte; None if it is no EXIF."""
    prefix_bytes = len(_PREFIX) if exif.startswith(_PREFIX) else 0
    tiff = bytearray(exif[prefix_bytes:])
    order = _ORDERS.get(bytes(tiff[:4]))
    if order is None:
        return None
    for entry in _entries(bytes(tiff)):
        if (entry.tag, entry.kind, entry.values) == (_ORIENTATION, _SHORT, 1):
            struct.pack_into(order + "H", tiff, entry.place, 1)
    return exif[:prefix_bytes] + bytes(tiff)


def orientation(tiff: bytes) -> int:
    """What a TIFF structure says of how to turn the picture, 1 to 8; 1 if it says nothing or nonsense."""
    order = _ORDERS.get(tiff[:4])
    for entry in _entries(tiff) if order else ():
        if (entry.tag, entry.kind, entry.values) == (_ORIENTATION, _SHORT, 1):
            with suppress(struct.error):
                (said,) = struct.unpack_from(f"{order}H", tiff, entry.place)
                return said if 1 <= said <= 8 else 1
    return 1


def _with_block(image: libvips.Image, exif: bytes) -> libvips.Image:
    """A copy of *image* that says what *exif* says and nothing else: its savers add to the block what fields there are."""
    fields = [name for name in image.get_fields() if name.startswith("exif-")]
    return libvips.with_blob(libvips.with_fields(image, integers={}, remove=tuple(fields)), "exif-data", exif)


class _Entry(NamedTuple):
    """A tag of IFD0: its number, the type and number of its values, and where they begin if they are bytes."""

    tag: int
    kind: int
    values: int
    place: int


def _entries(tiff: bytes) -> Iterator[_Entry]:
    """What IFD0 says, up to where the block is cut short (TIFF 6.0 §2)."""
    order = _ORDERS.get(tiff[:4])
    if order is None:
        return
    with suppress(struct.error):
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        for at in range(start + 2, start + 2 + 12 * min(count, _MOST_TAGS), 12):
            tag, kind, values, place = struct.unpack_from(order + "HHII", tiff, at)
            inside = (kind in _TEXT and values <= 4) or (kind, values) == (_SHORT, 1)
            yield _Entry(tag, kind, values, at + 8 if inside else place)


def _block(texts: dict[int, bytes]) -> bytes:
    """A little-endian TIFF structure of one directory."""
    end = 8 + 2 + 12 * len(texts) + 4
    entries, values = b"", b""
    for tag, text in sorted(texts.items()):
        place = text.ljust(4, b"\0") if len(text) <= 4 else struct.pack("<I", end + len(values))
        entries += struct.pack("<HHI", tag, 2, len(text)) + place
        if len(text) > 4:
            values += text + b"\0" * (len(text) % 2)
    return _PREFIX + b"II*\0" + struct.pack("<IH", 8, len(texts)) + entries + bytes(4) + values
