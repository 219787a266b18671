"""Looks at a picture's header: what it is and how large, without decoding a pixel.

Everything is measured against the limits here, because a file of a few kilobytes can claim any size, and each claim is
checked where it stands: decoders disagree about what a broken file means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from proxy.codec import (
    avif_sequence,
    gif_header,
    ico_header,
    jpeg_header,
    jpeg_quality,
    jxl_header,
    libvips,
    metadata,
    pillow,
    png_chunks,
    svg,
    tpg,
    tpg_container,
)
from proxy.codec.decode import decodes
from proxy.codec.sniff import sniff
from proxy.core.limits import check_source_bytes, check_source_frame
from proxy.core.model import Frame, ImageLimits, Traits
from proxy.errors import ImageResolutionExceed, InvalidImageFormat

MAX_SCANS = 64
"""A progressive JPEG has about ten; 2,000 of them made 89 KB cost 18 s."""
SCAN_BUDGET = 10
"""Scans times pixels may come to this many times the pixel limit."""

Body = bytes | memoryview
Header = tuple[Frame, int | None]
"""Geometry, and quality where it can be told."""


def probe(body: Body, limits: ImageLimits) -> Traits:
    """What the header of *body* says, as ``ports.Codec.probe``.

    Raises:
        InvalidImageFormat: not a picture this build can decode.
        ImageTooLarge, ImageResolutionExceed: over *limits*.
    """
    check_source_bytes(len(body), limits)
    name = sniff(body)
    reader = _READERS.get(name or "")
    if name is None or reader is None:
        raise InvalidImageFormat(f"sniffed {name}")
    if not decodes(name):
        raise InvalidImageFormat(f"no decoder for {name}", public=f"This server cannot read {name}.")
    with libvips.broken_pictures("The object is not a picture that can be processed."):
        frame, quality = reader(body, limits)
        bits = _bits(name, body)
    return Traits(format=name, frame=frame, quality=quality, size_bytes=len(body), bits=bits)


def _bits(name: str, body: Body) -> int:
    """How wide the samples are that a decoder of ours makes of *body*; all but these three are decoded into bytes."""
    if name == "png":
        return 16 if body[24] == 16 else 8  # PNG (3rd edition) §11.2.1: IHDR comes first, and has a fixed size
    if name in ("avif", "tiff"):
        return 16 if libvips.load(name, body).format == "ushort" else 8
    return 8


def _frame(
    limits: ImageLimits, width_px: int, height_px: int, frames: int = 1, *, alpha: bool = False, orientation: int = 1
) -> Frame:
    """A claim, checked.

    Raises:
        InvalidImageFormat: a side or the number of frames is nothing.
        ImageResolutionExceed: over *limits*.
    """
    if min(width_px, height_px, frames) < 1:
        raise InvalidImageFormat(f"claims {width_px} x {height_px} x {frames}")
    orientation = orientation if 1 <= orientation <= 8 else 1
    frame = Frame(width_px=width_px, height_px=height_px, frames=frames, alpha=alpha, orientation=orientation)
    check_source_frame(frame, limits)
    return frame


def _by_libvips(name: str, body: Body, limits: ImageLimits, *, paged: bool = False) -> Frame:
    image = libvips.load(name, body)
    frames = max(1, libvips.integer(image, "n-pages", 1)) if paged else 1
    orientation = libvips.integer(image, "orientation", 1)
    return _frame(limits, image.width, image.height, frames, alpha=bool(image.hasalpha()), orientation=orientation)


def _jpeg(body: Body, limits: ImageLimits) -> Header:
    header = jpeg_header.read(body)
    frame = _by_libvips("jpeg", body, limits)
    costly = header.scans > SCAN_BUDGET and header.scans * frame.pixels > SCAN_BUDGET * limits.max_pixels
    if header.bits != 8:
        raise InvalidImageFormat(f"{header.bits}-bit JPEG")  # opens and fails at the pixels
    if header.scans > MAX_SCANS or header.segments >= jpeg_header.MAX_SEGMENTS or costly:
        raise InvalidImageFormat(f"{header.scans} scans, {header.segments} segments")
    return frame, jpeg_quality.estimate(header.tables)


def _gif(body: Body, limits: ImageLimits) -> Header:
    claimed = gif_header.read(body, max_frames=limits.max_frames)
    _frame(limits, claimed.width_px, claimed.height_px, claimed.frames)
    return _by_libvips("gif", body, limits, paged=True), None


def _apng(body: Body, limits: ImageLimits) -> Header:
    still = _by_libvips("png", body, limits)
    return _frame(limits, still.width_px, still.height_px, png_chunks.frames(body), alpha=still.alpha), None


def _avif(body: Body, limits: ImageLimits) -> Header:
    played = avif_sequence.header(body)
    if played is None:
        return _by_libvips("avif", body, limits), None
    return _frame(limits, played.width_px, played.height_px, played.frames, alpha=played.alpha), None


def _webp(body: Body, limits: ImageLimits) -> Header:
    return _by_libvips("webp", body, limits, paged=True), None


def _single(name: str) -> Callable[[Body, ImageLimits], Header]:
    return lambda body, limits: (_by_libvips(name, body, limits), None)


def _bmp(body: Body, limits: ImageLimits) -> Header:
    width_px, height_px, alpha = pillow.bmp_header(body)
    return _frame(limits, width_px, height_px, alpha=alpha), None


def _ico(body: Body, limits: ImageLimits) -> Header:
    entry = ico_header.best(body)
    if entry is None:
        raise InvalidImageFormat("no entry that can be read")
    if entry.png:
        return _by_libvips("png", entry.payload, limits), None
    return _frame(limits, entry.width_px, entry.height_px, alpha=True), None


def _heif(body: Body, limits: ImageLimits) -> Header:
    # heifload opens HEVC and fails at the pixels; pillow-heif is the one that has a decoder for it.
    width_px, height_px, alpha = pillow.heif_header(body)
    return _frame(limits, width_px, height_px, alpha=alpha), None


def _jxl(body: Body, limits: ImageLimits) -> Header:
    claimed = jxl_header.read(body)
    return _frame(limits, claimed.width_px, claimed.height_px, alpha=claimed.alpha), None


def _svg(body: Body, limits: ImageLimits) -> Header:
    text = svg.unpacked(body, limits.max_source_bytes)
    svg.check(text, _Carried(limits))
    return _frame(limits, *svg.measured(text), alpha=True), None


class _Carried:
    """Looks at the pictures that an SVG carries: librsvg unpacks them whole, whatever size they are drawn in."""

    def __init__(self, limits: ImageLimits, *, nested: bool = False) -> None:
        self._limits = limits
        self._nested = nested
        self._pixels = 0

    def __call__(self, picture: bytes) -> None:
        name = sniff(picture)
        if name == "svg" and self._nested:
            raise InvalidImageFormat(
                "SVG in SVG in SVG", public="The SVG carries pictures that carry pictures themselves."
            )
        if name == "svg":
            svg.check(svg.unpacked(picture, self._limits.max_source_bytes), _Carried(self._limits, nested=True))
        elif name is not None and name in _READERS:
            try:
                with libvips.broken_pictures():
                    frame, _ = _READERS[name](picture, self._limits)
            except InvalidImageFormat:
                return  # what cannot be read is not drawn
            self._pixels += frame.pixels
        if self._pixels > self._limits.max_pixels:
            raise ImageResolutionExceed(f"{self._pixels} pixels in pictures that an SVG carries")


def _tpg(body: Body, limits: ImageLimits) -> Header:
    said = tpg_container.head(body)
    _frame(limits, said.width_px, said.height_px, said.frames)
    found = tpg_container.read(body)
    tpg.check(found)
    orientation = metadata.orientation(found.exif) if found.exif else 1
    return _frame(
        limits, said.width_px, said.height_px, said.frames, alpha=said.alpha, orientation=orientation
    ), None  # fmt: skip


_READERS: Mapping[str, Callable[[Body, ImageLimits], Header]] = MappingProxyType(
    {
        "apng": _apng,
        "avif": _avif,
        "bmp": _bmp,
        "gif": _gif,
        "heif": _heif,
        "ico": _ico,
        "jpeg": _jpeg,
        "jxl": _jxl,
        "png": _single("png"),
        "svg": _svg,
        "tiff": _single("tiff"),
        "tpg": _tpg,
        "webp": _webp,
    }
)
