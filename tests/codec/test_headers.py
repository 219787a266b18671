"""What our own readers of headers find, and that no bytes make them fail or run away."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import animated, encoded, jpeg, scene
from PIL import Image

from proxy.codec import gif_header, ico_header, jpeg_header, jpeg_quality

_SMALL = scene(24, 16)


@pytest.mark.parametrize("subsampling", [0, 2])
def test_quality_of_libjpeg_tables_is_exact(subsampling: int) -> None:
    for quality in range(1, 101):
        body = encoded(_SMALL, "JPEG", quality=quality, subsampling=subsampling)
        assert jpeg_quality.estimate(jpeg_header.read(body).tables) == quality


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_quality_is_told_of_grey_and_cmyk_too(mode: str) -> None:
    for quality in (1, 10, 50, 75, 92, 100):
        body = encoded(_SMALL.convert(mode), "JPEG", quality=quality)
        assert jpeg_quality.estimate(jpeg_header.read(body).tables) == quality


def test_other_tables_count_as_the_quality_that_is_as_coarse() -> None:
    luminance, chrominance = jpeg_quality.standard_tables(70)
    shuffled = (tuple(reversed(luminance)), tuple(reversed(chrominance)))
    assert jpeg_quality.estimate(shuffled) == 70


def test_without_tables_there_is_no_quality() -> None:
    assert jpeg_quality.estimate(()) is None
    assert jpeg_quality.estimate(jpeg_header.read(b"\xff\xd8\xff\xd9").tables) is None


def test_scans_are_counted_up_to_the_end_of_the_picture() -> None:
    baseline = encoded(_SMALL, "JPEG", quality=80)
    progressive = encoded(_SMALL, "JPEG", quality=80, progressive=True)
    assert jpeg_header.read(baseline).scans == 1
    assert 5 < jpeg_header.read(progressive).scans < 20
    assert jpeg_header.read(baseline + progressive).scans == 1


def test_a_comment_cannot_hide_scans_behind_an_end_marker() -> None:
    body = encoded(_SMALL, "JPEG", progressive=True)
    first = body.index(b"\xff\xda")
    hidden = body[:first] + b"\xff\xfe\x00\x04\xff\xd9" + body[first:]
    assert jpeg_header.read(hidden).scans == jpeg_header.read(body).scans


def test_the_walk_over_segments_ends() -> None:
    header = jpeg_header.read(b"\xff\xd8" + b"\xff\xfe\x00\x02" * 50_000)
    assert header.segments == jpeg_header.MAX_SEGMENTS


def test_gif_frames_are_counted_no_further_than_asked() -> None:
    body = animated(20, 10, 9)
    assert gif_header.read(body, max_frames=300) == gif_header.GifHeader(width_px=20, height_px=10, frames=9)
    assert gif_header.read(body, max_frames=3).frames == 4


def test_a_gif_is_as_large_as_what_its_frames_reach_to() -> None:
    body = bytearray(animated(20, 10, 1))
    at = body.index(b"\x2c\x00\x00\x00\x00")
    body[at + 1 : at + 3] = struct.pack("<H", 500)
    assert gif_header.read(bytes(body), max_frames=9).width_px == 520


def test_the_largest_entry_of_an_ico_is_best() -> None:
    body = encoded(scene(64, 64), "ICO", sizes=[(16, 16), (64, 64), (32, 32)])
    entry = ico_header.best(body)
    assert entry is not None
    assert (entry.width_px, entry.height_px, entry.png) == (64, 64, True)


def test_a_bmp_entry_alone_is_an_ico_again() -> None:
    body = encoded(scene(32, 32).convert("RGBA"), "ICO", bitmap_format="bmp")
    entry = ico_header.best(body)
    assert entry is not None
    assert not entry.png
    assert ico_header.best(entry.alone()) == entry


@pytest.mark.parametrize("magic", [b"\xff\xd8\xff", b"GIF89a", b"\x00\x00\x01\x00"])
@given(tail=st.binary(max_size=300))
def test_no_bytes_make_a_reader_fail(magic: bytes, tail: bytes) -> None:
    body = magic + tail
    header = jpeg_header.read(body)
    assert jpeg_quality.estimate(header.tables) in (None, *range(1, 101))
    gif_header.read(body, max_frames=5)
    ico_header.best(body)


@given(flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=8))
def test_no_damage_makes_a_reader_fail(flips: list[tuple[int, int]]) -> None:
    for whole in (jpeg(24, 16), animated(20, 10, 3), _icon()):
        body = bytearray(whole)
        for at, value in flips:
            body[at % len(body)] = value
        jpeg_header.read(bytes(body))
        gif_header.read(bytes(body), max_frames=5)
        ico_header.best(bytes(body))


def _icon() -> bytes:
    return encoded(Image.new("RGBA", (16, 16)), "ICO", bitmap_format="bmp")
