"""Animated AVIF: read frame by frame, written so that others play the same, and equal for equal pictures."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import animated, encoded, scene
from PIL import Image, ImageCms, ImageDraw, ImageOps, ImageSequence

from proxy.codec import avif_boxes, avif_sequence
from proxy.codec.vips import probe, render
from proxy.core.model import Frame, ImageLimits
from proxy.errors import ImageResolutionExceed, InvalidImageFormat
from proxy.ports import Job, Rendered

LIMITS = ImageLimits()
DELAYS_MS = [40, 70, 110, 1000]


def made(body: bytes, text: str = "imageMogr2", format_: str = "avif") -> Rendered:
    return render(body, probe(body, LIMITS), Job(plan_text=text, format=format_, limits=LIMITS))


def seen(body: bytes) -> list[Image.Image]:
    return [frame.convert("RGBA") for frame in ImageSequence.Iterator(Image.open(io.BytesIO(body)))]


def delays_of(body: bytes) -> list[int]:
    return [frame.load() and frame.info["duration"] for frame in ImageSequence.Iterator(Image.open(io.BytesIO(body)))]


def moving(mode: str = "RGB", format_: str = "WEBP", **options: Any) -> bytes:
    """A disc that moves over a scene, or over nothing."""
    pages = []
    for number in range(4):
        page = scene(64, 40) if mode == "RGB" else Image.new("RGBA", (64, 40), (0, 0, 0, 0))
        colour = (250, 250, 250, 255)[: len(mode)]
        ImageDraw.Draw(page).ellipse((number * 12, 8, number * 12 + 20, 28), fill=colour)
        pages.append(page)
    options = {"duration": DELAYS_MS, "loop": 3, **({"lossless": True} if format_ == "WEBP" else {}), **options}
    return encoded(pages[0], format_, save_all=True, append_images=pages[1:], **options)


def distance(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of samples, seen on grey."""
    on_grey = [
        Image.alpha_composite(Image.new("RGBA", each.size, "grey"), each).convert("RGB") for each in (one, other)
    ]
    pairs = zip(on_grey[0].tobytes(), on_grey[1].tobytes(), strict=True)
    return sum(abs(a - b) for a, b in pairs) / len(on_grey[0].tobytes())


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_animation_goes_through_frame_by_frame(mode: str) -> None:
    body = moving(mode)
    result = made(body)
    assert result.body[8:12] == b"avis"
    assert probe(result.body, LIMITS).frame == Frame(width_px=64, height_px=40, frames=4, alpha=mode == "RGBA")
    back = made(result.body, format_="apng")
    for wanted, avif, again in zip(seen(body), seen(result.body), seen(back.body), strict=True):
        assert distance(wanted, avif) < 10, "what another decoder sees"
        assert distance(avif, again) < 2, "what we see"
    frames = seen(result.body)
    assert all(distance(frames[0], frame) > 5 for frame in frames[1:]), "it moves"


def test_each_frame_is_shown_as_long_as_before() -> None:
    result = made(moving())
    assert delays_of(result.body) == DELAYS_MS
    assert delays_of(made(result.body, format_="webp").body) == DELAYS_MS


def test_next_to_no_time_is_what_browsers_make_of_it() -> None:
    assert delays_of(made(moving(duration=[0, 10, 11, 20])).body) == [100, 100, 11, 20]


@pytest.mark.parametrize("plays", [0, 1, 2, 3, 65_535])
def test_it_plays_as_often_as_before(plays: int) -> None:
    result = made(moving(loop=plays))
    assert avif_boxes.plays(result.body) == plays
    assert avif_boxes.plays(made(result.body).body) == plays
    assert Image.open(io.BytesIO(made(result.body, format_="webp").body)).info["loop"] == plays


def test_equal_pictures_are_equal_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a file was made is written by libavif was made; an entity tag is a hash of the bytes."""
    result = made(moving())
    times = [
        int.from_bytes(result.body[at + 8 : at + 24], "big")
        for kind in (b"mvhd", b"tkhd", b"mdhd")
        for at in [result.body.index(kind)]
        if result.body[at + 4] == 1
    ]
    assert times == [0, 0, 0]
    assert made(moving()).body == result.body


def test_alpha_that_hides_nothing_is_not_written() -> None:
    """Every GIF says that it may be transparent; a second video would say no more than that it is not."""
    gif = animated(80, 60, 4)
    assert probe(gif, LIMITS).frame.alpha
    assert not probe(made(gif).body, LIMITS).frame.alpha


@pytest.mark.parametrize("source", ["GIF", "WEBP", "PNG", "AVIF"])
@pytest.mark.parametrize("format_", ["gif", "webp", "apng", "avif"])
def test_animations_become_one_another(source: str, format_: str) -> None:
    result = made(moving(format_=source), "imageMogr2/thumbnail/32x", format_)
    frame = probe(result.body, LIMITS).frame
    assert (frame.width_px, frame.height_px, frame.frames) == (32, 20, 4)


def test_operations_act_on_every_frame() -> None:
    result = made(made(moving()).body, "imageMogr2/rotate/90/crop/20x20/gravity/center", "apng")
    assert {frame.size for frame in seen(result.body)} == {(20, 20)}
    assert len(seen(result.body)) == 4


def test_a_still_of_it_is_the_first_frame() -> None:
    body = made(moving()).body
    assert distance(seen(made(body, format_="png").body)[0], seen(body)[0]) < 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_animation_counts_and_comes_as_it_is_shown(orientation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told so by force: libavif cannot write one."""
    body = moving(format_="AVIF")
    shown = Image.open(io.BytesIO(body))
    shown.getexif()[0x0112] = orientation
    monkeypatch.setattr(avif_sequence, "_orientation", lambda _: orientation)
    frame = probe(body, LIMITS).frame
    assert (frame.width_px, frame.height_px, frame.orientation) == ((64, 40, 1) if orientation < 5 else (40, 64, 1))
    assert distance(seen(made(body, format_="png").body)[0], ImageOps.exif_transpose(shown).convert("RGBA")) < 2


@pytest.mark.parametrize("kind", [3, 4])
def test_an_orientation_in_exif_crashes_no_encoder(kind: int) -> None:
    """Told as a LONG, it is one for Pillow, and none for others."""
    exif = struct.pack("<4sIHHHIII", b"II*\0", 8, 1, 0x0112, kind, 1, 6, 0)
    result = made(moving(exif=b"Exif\0\0" + exif))
    assert Image.open(io.BytesIO(result.body)).getexif().get(0x0112, 1) == 1


def test_exif_that_cannot_be_read_is_left_out() -> None:
    result = made(moving(exif=b"Exif\0\0II*\0" + b"\xff" * 40))
    assert not Image.open(io.BytesIO(result.body)).getexif()


def test_colour_profile_and_exif_stay_and_go_as_for_stills() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x8298] = "mogr"
    body = moving(icc_profile=profile, exif=exif)
    kept = Image.open(io.BytesIO(made(body).body))
    assert kept.info["icc_profile"] == profile
    assert kept.getexif()[0x8298] == "mogr"
    stripped = Image.open(io.BytesIO(made(body, "imageMogr2/strip").body))
    assert "icc_profile" not in stripped.info
    assert not stripped.getexif()


def test_frames_count_against_the_limits() -> None:
    body = made(moving()).body
    with pytest.raises(ImageResolutionExceed):
        probe(body, ImageLimits(max_frames=3))
    with pytest.raises(ImageResolutionExceed):
        probe(body, ImageLimits(max_pixels=64 * 40 * 4 - 1))


def test_an_animation_with_a_broken_track_is_no_picture() -> None:
    with pytest.raises(InvalidImageFormat):
        probe(made(moving()).body.replace(b"stsz", b"stsx"), LIMITS)


def test_broken_pixels_of_a_later_frame_are_an_error() -> None:
    body = bytearray(made(moving()).body)
    body[-40:] = bytes(40)
    assert probe(bytes(body), LIMITS).frame.frames == 4
    with pytest.raises(InvalidImageFormat):
        made(bytes(body), format_="webp")


def test_a_still_picture_says_nothing_of_playing() -> None:
    still = encoded(scene(32, 20), "AVIF")
    assert not avif_boxes.is_sequence(still)
    assert probe(still, LIMITS).frame.frames == 1


@given(body=st.binary(max_size=300), at=st.integers(0, 1500), cut=st.integers(0, 2000))
def test_whatever_boxes_claim_reading_them_ends_and_raises_nothing(body: bytes, at: int, cut: int) -> None:
    whole = _WHOLE
    damaged = (whole[:at] + body + whole[at + len(body) :])[:cut]
    assert avif_boxes.plays(damaged) >= 0
    assert avif_boxes.is_sequence(damaged) in (True, False)
    avif_boxes.plays(body)


_WHOLE = moving(format_="AVIF")
