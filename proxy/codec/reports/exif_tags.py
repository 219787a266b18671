"""exif: the EXIF tags of a file by their names (spec/01 §11).

CI does not document the shape: this is that of the service whose syntax it took over.  Values are as stored (``6`` for an
orientation, ``1/60`` for an exposure), because the words that libexif has for them depend on how it was built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from PIL import ExifTags
from PIL.Image import Exif
from PIL.TiffImagePlugin import IFDRational

from proxy.codec import libvips, pillow
from proxy.codec.decode import decode
from proxy.codec.reports.subject import Subject

_NONE: Mapping[str, object] = {"error": "no exif data"}
_PREFIX = b"Exif\x00\x00"
_OWN_TYPE = frozenset({"tiff"})
"""Formats whose files are directories of tags themselves."""
_UNSAID = frozenset(
    {
        "ExifOffset", "GPSInfo", "ExifInteroperabilityOffset", "MakerNote",
        # of a TIFF: where its pixels are, and blocks that are no EXIF
        "StripOffsets", "StripByteCounts", "TileOffsets", "TileByteCounts", "ColorMap", "JPEGTables", "InterColorProfile",
        "XMLPacket", "IptcNAAInfo", "ImageResources",
    }
)  # fmt: skip
_MOST_VALUES = 64
_MOST_BYTES = 4096
_CHARACTER_CODES = {b"ASCII\0\0\0": "ascii", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp"}
"""How UserComment and its like begin (Exif 2.32 §4.6.5)."""


def exif(subject: Subject, _: Mapping[str, int]) -> Mapping[str, object]:
    """Tags of the picture, of how it was taken and where; not those of the thumbnail inside the block.

    Raises:
        InvalidImageFormat: the picture or the block cannot be read.
    """
    block = _block(subject)
    if block is None:
        return _NONE
    with pillow.broken_pictures():
        tags = Exif()
        tags.load(block)
        return {name: {"val": value} for name, value in _said(tags)} or _NONE


def _block(subject: Subject) -> bytes | None:
    if subject.traits.format in _OWN_TYPE:
        return _PREFIX + bytes(subject.body)
    return libvips.blob(decode(subject.body, subject.traits, frames=1), "exif-data")


def _said(tags: Exif) -> Iterator[tuple[str, str]]:
    places = (tags, tags.get_ifd(ExifTags.IFD.Exif), tags.get_ifd(ExifTags.IFD.GPSInfo))
    for place, names in zip(places, (ExifTags.TAGS, ExifTags.TAGS, ExifTags.GPSTAGS), strict=True):
        for tag, value in place.items():
            name = names.get(tag, f"0x{tag:04x}")
            if name not in _UNSAID:
                yield name, _text(name, value)


def _text(name: str, value: object) -> str:
    match value:
        case IFDRational():
            return f"{value.numerator}/{value.denominator}" if value.denominator != 1 else str(value.numerator)
        case tuple() | list():
            said = ", ".join(_text(name, each) for each in value[:_MOST_VALUES])
            return said if len(value) <= _MOST_VALUES else said + ", …"
        case bytes():
            return _of_bytes(name, value[:_MOST_BYTES])
        case str():
            return _unicode(value).partition("\0")[0].strip()
        case _:
            return str(value)


def _of_bytes(name: str, value: bytes) -> str:
    """Text where the bytes are some, else the bytes as numbers."""
    encoding = "utf-16-le" if name.startswith("XP") else _CHARACTER_CODES.get(value[:8])
    if encoding is not None:
        plain = value if name.startswith("XP") else value[8:]
        return plain.decode(encoding, "replace").rstrip("\0 ").strip()
    text = value.rstrip(b"\0 ").removeprefix(bytes(8))
    if text and all(0x20 <= byte < 0x7F for byte in text):
        return text.decode("ascii").strip()
    return ", ".join(str(byte) for byte in value[:_MOST_VALUES]) + (", …" if len(value) > _MOST_VALUES else "")


def _unicode(text: str) -> str:
    """*text*, which Pillow read as Latin-1, in the UTF-8 that most writers mean."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except ValueError:
        return text
