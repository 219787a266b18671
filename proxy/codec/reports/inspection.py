"""imageInspect: whether something else hides behind the end of a picture (spec/01 §11)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from proxy.codec.reports.ends import end_of_picture
from proxy.codec.reports.subject import Subject
from proxy.codec.sniff import sniff
from proxy.formats import CATALOGUE

_PADDING = re.compile(rb"[\x00\xff\s]*\Z")
"""What cameras and editors round files up with."""
_MAGIC = (
    (b"PK\x03\x04", "ZIP"), (b"PK\x05\x06", "ZIP"), (b"Rar!\x1a\x07", "RAR"), (b"7z\xbc\xaf\x27\x1c", "7Z"),
    (b"\x1f\x8b\x08", "GZIP"), (b"BZh", "BZIP2"), (b"\xfd7zXZ\x00", "XZ"), (b"%PDF-", "PDF"), (b"\x7fELF", "ELF"),
    (b"MZ", "EXE"), (b"\x1aE\xdf\xa3", "MKV"), (b"FLV\x01", "FLV"), (b"ID3", "MP3"), (b"OggS", "OGG"),
    (b"\x00\x00\x01\xba", "MPEG-PS"), (b"#EXTM3U", "M3U8"), (b"<?php", "PHP"), (b"<script", "HTML"), (b"<html", "HTML"),
    (b"<!DOCTYPE html", "HTML"),
)  # fmt: skip
_PACKET_BYTES = 188
"""Of an MPEG transport stream: each begins with 0x47 (ISO/IEC 13818-1 §2.4.3.2)."""
_PACKETS = 4
_CONTENT = 0x30
"""Bits of the fourth byte that say what is in a packet; none of them is reserved."""
_OTHER = "unknown"


def image_inspect(subject: Subject, _: Mapping[str, int]) -> Mapping[str, object]:
    """Positions are the first and the last byte of what was found, both of it."""
    body = bytes(subject.body)
    found: dict[str, object] = {"picSize": len(body), "picType": _short(subject.traits.format)}
    begin = end_of_picture(subject.traits.format, body)
    if begin is None or _PADDING.match(body, begin):
        begin = len(body)
    hidden = len(body) - begin
    return found | {
        "suspicious": hidden > 0,
        "suspiciousBeginByte": begin if hidden else 0,
        "suspiciousEndByte": len(body) - 1 if hidden else 0,
        "suspiciousSize": hidden,
        "suspiciousType": _kind(body[begin:]) if hidden else "",
    }


def _kind(payload: bytes) -> str:
    """What *payload* is, by how it begins; a few bytes before it that belong to nothing are forgiven."""
    for magic, name in _MAGIC:
        if payload.lstrip().startswith(magic):
            return name
    if payload[4:8] == b"ftyp" and sniff(payload) is None:
        return "MP4"
    format_ = sniff(payload)
    if format_ is not None:
        return _short(format_).upper()
    return "MPEG-TS" if _is_stream(payload) else _OTHER


def _short(format_: str) -> str:
    """What files of *format_* mostly end in: ``jpg``."""
    row = CATALOGUE.get(format_)
    return row.suffixes[0].removeprefix(".") if row is not None else format_


def _is_stream(payload: bytes) -> bool:
    """Whether packets of a transport stream begin within the first one's length."""
    for start in range(min(_PACKET_BYTES, len(payload))):
        stretch = payload[start : start + _PACKET_BYTES * _PACKETS]
        firsts, fourths = stretch[::_PACKET_BYTES], stretch[3::_PACKET_BYTES]
        if len(fourths) == _PACKETS and set(firsts) == {0x47} and all(byte & _CONTENT for byte in fourths):
            return True
    return False
