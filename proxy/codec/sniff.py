"""Tells a format by its first bytes; no suffix and no Content-Type is ever believed."""

from __future__ import annotations

from proxy.codec import png_chunks
from proxy.codec.svg.prolog import starts_as_svg

LOOK_AHEAD_BYTES = 4096

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"\xff\x0a", "jxl"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "jxl"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"TPG AVS2B", "tpg"),
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEVC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_HEIF_BRANDS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf", b"mif3"})
_BMP_HEADER_BYTES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def sniff(body: bytes | memoryview) -> str | None:
    """The catalogue name of what *body* starts like (or ``jxl``, ``jp2``); None if it is nothing we know."""
    head = bytes(body[:LOOK_AHEAD_BYTES])
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return "apng" if name == "png" and png_chunks.frames(body) > 1 else name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _by_brands(head)
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_BYTES:
        return "bmp"
    return "svg" if starts_as_svg(body) else None


def _by_brands(head: bytes) -> str | None:
    """AVIF and HEIC share a container; the major brand decides, then the compatible ones (ISO/IEC 14496-12 §4.3)."""
    box_bytes = int.from_bytes(head[:4], "big")
    major = head[8:12]
    brands = [major] + [head[at : at + 4] for at in range(16, min(box_bytes, len(head)) - 3, 4)]
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return "avif"
        if brand in _HEVC_BRANDS:
            return "heif"
    return "heif" if any(brand in _HEIF_BRANDS for brand in brands) else None
