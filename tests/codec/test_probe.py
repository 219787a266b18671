"""The probe reads headers, believes none, and holds every claim against the limits."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import struct
import zlib

import pytest
from pictures import animated, encoded, jpeg, scene
from PIL import Image

from proxy.codec import pillow
from proxy.codec.vips import probe
from proxy.core.model import Frame, ImageLimits
from proxy.errors import ImageResolutionExceed, ImageTooLarge, InvalidImageFormat

LIMITS = ImageLimits()


def png_header(width_px: int, height_px: int) -> bytes:
    """A PNG that claims a size and has next to no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width_px, height_px, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_a_probe_tells_format_and_size(format_: str) -> None:
    traits = probe(encoded(scene(50, 30), format_), LIMITS)
    assert (traits.format, traits.frame) == (format_.lower(), Frame(width_px=50, height_px=30))


def test_a_memoryview_is_as_good_as_bytes() -> None:
    for body in (jpeg(40, 20), animated(40, 20, 2), encoded(scene(40, 20), "BMP")):
        assert probe(memoryview(body), LIMITS) == probe(body, LIMITS)


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "GIF", "TIFF", "AVIF", "ICO"])
def test_alpha_is_seen(format_: str) -> None:
    picture = Image.new("RGBA", (32, 32), (255, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 16, 16))
    assert probe(encoded(picture, format_), LIMITS).frame.alpha


@pytest.mark.parametrize("format_", ["GIF", "WEBP"])
def test_frames_are_counted(format_: str) -> None:
    assert probe(animated(40, 20, 7, format_), LIMITS).frame == Frame(
        width_px=40, height_px=20, frames=7, alpha=probe(animated(40, 20, 7, format_), LIMITS).frame.alpha
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_as_stored_and_orientation_beside_it(orientation: int) -> None:
    frame = probe(jpeg(40, 20, orientation=orientation), LIMITS).frame
    assert frame == Frame(width_px=40, height_px=20, orientation=orientation)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_impossible_orientation_is_none(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert probe(encoded(scene(40, 20), "JPEG", exif=exif), LIMITS).frame.orientation == 1


@pytest.mark.skipif(pillow.heif is None, reason="pillow-heif is not installed")
def test_a_turned_heic_counts_as_it_is_shown() -> None:
    frame = probe(heic(scene(64, 32), orientation=6), LIMITS).frame
    assert frame == Frame(width_px=32, height_px=64)


def test_heic_without_a_decoder_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Left to libvips it would open, and fail at its pixels."""
    body = b"\x00\x00\x00\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    monkeypatch.setattr(pillow, "heif", None)
    with pytest.raises(InvalidImageFormat):
        probe(body, LIMITS)


def test_quality_is_told_of_jpeg_only() -> None:
    assert probe(jpeg(40, 20, quality=67), LIMITS).quality == 67
    assert probe(encoded(scene(40, 20), "WEBP", quality=67), LIMITS).quality is None


def test_bytes_over_the_limit_are_not_looked_at() -> None:
    with pytest.raises(ImageTooLarge):
        probe(b"no picture" * 10, dataclasses.replace(LIMITS, max_source_bytes=99))


@pytest.mark.parametrize(
    ("width_px", "height_px", "allowed"),
    [
        (30_000, 1, True),
        (30_001, 1, False),
        (1, 30_001, False),
        (25_000, 10_000, True),
        (25_000, 10_001, False),
        (2**31 - 1, 2**31 - 1, False),
    ],
)
def test_sides_and_pixels_are_held_against_the_limits(width_px: int, height_px: int, allowed: bool) -> None:
    body = png_header(width_px, height_px)
    if allowed:
        assert probe(body, LIMITS).frame.pixels == width_px * height_px
    else:
        with pytest.raises((ImageResolutionExceed, InvalidImageFormat)):
            probe(body, LIMITS)


@pytest.mark.parametrize("format_", ["GIF", "WEBP"])
def test_frames_over_the_limit_are_refused(format_: str) -> None:
    limits = dataclasses.replace(LIMITS, max_frames=6)
    probe(animated(20, 10, 6, format_), limits)
    with pytest.raises(ImageResolutionExceed):
        probe(animated(20, 10, 7, format_), limits)


def test_pixels_are_counted_over_all_frames() -> None:
    limits = dataclasses.replace(LIMITS, max_pixels=1_000)
    probe(animated(20, 10, 5), limits)
    with pytest.raises(ImageResolutionExceed):
        probe(animated(20, 10, 6), limits)


def test_the_screen_of_a_gif_counts_although_the_reader_ignores_it() -> None:
    body = bytearray(animated(20, 10, 1))
    body[6:10] = struct.pack("<HH", 65_535, 65_535)
    with pytest.raises(ImageResolutionExceed):
        probe(bytes(body), LIMITS)


def test_a_scan_bomb_is_refused() -> None:
    body = encoded(scene(64, 64), "JPEG", progressive=True)
    last = body.rindex(b"\xff\xda")
    with pytest.raises(InvalidImageFormat):
        probe(body[:last] + body[last:-2] * 60 + b"\xff\xd9", LIMITS)


def test_a_12_bit_jpeg_is_refused_before_its_pixels_fail() -> None:
    body = bytearray(jpeg(16, 16))
    body[body.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(InvalidImageFormat):
        probe(bytes(body), LIMITS)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"<html>",
        b'<svg width="10" height="10"/>',
        b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10">',
        b"\xff\x0a",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        b"RIFF\x00\x00\x00\x00WEBP",
        b"II*\x00\x08\x00\x00\x00",
        b"BM" + bytes(12) + b"\x28\x00\x00\x00" + bytes(40),
        b"\x00\x00\x01\x00\x01\x00",
        b"\x00\x00\x00\x18ftypavif\0\0\0\0mif1avif",
        b"\x00\x00\x00\x18ftypheic\0\0\0\0mif1heic",
        png_header(0, 5),
    ],
    ids=range(16),
)
def test_what_is_no_picture_is_refused_in_our_words(body: bytes) -> None:
    with pytest.raises(InvalidImageFormat) as caught:
        probe(body, LIMITS)
    assert "vips" not in caught.value.public
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("kept", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "ICO", "AVIF"])
def test_a_part_of_a_picture_is_a_verdict_not_a_crash(format_: str, kept: float) -> None:
    body = encoded(scene(64, 64), format_)
    with contextlib.suppress(InvalidImageFormat, ImageResolutionExceed):
        assert probe(body[: int(len(body) * kept)], LIMITS).format == format_.lower()


def heic(picture: Image.Image, orientation: int = 1) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = pillow.heif.from_pillow(picture)
    file.save(out, quality=60, exif=exif.tobytes(), enc_params={"preset": "ultrafast", "x265:pools": "none"})
    return out.getvalue()
