"""Animated PNG: told from a still one, read frame by frame, and written so that others read the same."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from pictures import animated, encoded, png, scene
from PIL import Image, ImageChops, ImageDraw, ImageSequence

from proxy.codec import png_chunks
from proxy.codec.png_chunks import SIGNATURE, chunk, chunks
from proxy.codec.sniff import sniff
from proxy.codec.vips import probe, render
from proxy.core.model import ImageLimits
from proxy.errors import ImageResolutionExceed, InvalidImageFormat
from proxy.ports import Job, Rendered

LIMITS = ImageLimits()


def made(body: bytes, text: str, format_: str) -> Rendered:
    return render(body, probe(body, LIMITS), Job(plan_text=text, format=format_, limits=LIMITS))


def seen(body: bytes) -> list[Image.Image]:
    return [frame.convert("RGBA") for frame in ImageSequence.Iterator(Image.open(io.BytesIO(body)))]


def alike(one: list[Image.Image], other: list[Image.Image]) -> bool:
    return len(one) == len(other) and all(
        ImageChops.difference(a, b).getbbox(alpha_only=False) is None for a, b in zip(one, other, strict=True)
    )


def moving(mode: str = "RGBA", frames: int = 4, **options: Any) -> bytes:
    """A disc over nothing, or over colour, that moves; the last frame is that before it."""
    pages = []
    for number in (*range(frames - 1), frames - 2):
        page = Image.new(mode, (40, 24), (0, 0, 0, 0) if mode == "RGBA" else (20, 90, 60))
        ImageDraw.Draw(page).ellipse((number * 6, 4, number * 6 + 12, 16), fill=(200, 30, 40, 128)[: len(mode)])
        pages.append(page)
    options = {"duration": [40 + number for number in range(frames)], "loop": 3, **options}
    return encoded(pages[0], "PNG", save_all=True, append_images=pages[1:], **options)


def tall(frames: int = 5) -> bytes:
    """Frames that all differ."""
    pages = [scene(32, 20, seed) for seed in range(frames)]
    return encoded(pages[0], "PNG", save_all=True, append_images=pages[1:], duration=70)


def test_an_animation_comes_back_as_it_was() -> None:
    body = tall()
    traits = probe(body, LIMITS)
    assert (traits.format, traits.frame.frames, traits.frame.alpha) == ("apng", 5, False)
    result = made(body, "imageMogr2", "apng")
    assert alike(seen(result.body), seen(body))
    assert probe(result.body, LIMITS).frame == traits.frame
    again = Image.open(io.BytesIO(result.body))
    assert [frame.info["duration"] for frame in ImageSequence.Iterator(again)] == [70.0] * 5


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("disposal", [0, 1, 2])
@pytest.mark.parametrize("blend", [0, 1])
def test_frames_are_read_as_they_are_seen(mode: str, disposal: int, blend: int) -> None:
    body = moving(mode, disposal=disposal, blend=blend)
    traits = probe(body, LIMITS)
    assert traits.frame.alpha is (mode == "RGBA")
    assert alike(seen(made(body, "imageMogr2", "apng").body), seen(body))


def test_frames_that_look_alike_stay_apart_and_cost_nothing() -> None:
    result = made(animated(100, 60, 5), "imageMogr2", "apng")
    assert probe(result.body, LIMITS).frame.frames == 5
    still = Image.new("RGB", (200, 200), "red")
    twice = encoded(
        still, "WEBP", save_all=True, append_images=[Image.new("RGB", (200, 200), "blue"), still], duration=9
    )
    assert len(made(twice, "imageMogr2", "apng").body) < 3000


def test_a_picture_for_those_who_cannot_play_it_is_no_frame() -> None:
    pages = [scene(32, 20, seed) for seed in range(4)]
    body = encoded(pages[0], "PNG", save_all=True, append_images=pages[1:], default_image=True, duration=50)
    assert probe(body, LIMITS).frame.frames == 3
    played = seen(made(body, "imageMogr2", "apng").body)
    assert alike(played, [page.convert("RGBA") for page in pages[1:]])
    assert alike(seen(made(body, "imageMogr2/format/png", "png").body), [pages[0].convert("RGBA")])


@pytest.mark.parametrize("format_", ["gif", "webp", "apng"])
def test_animations_become_one_another(format_: str) -> None:
    result = made(moving(), "imageMogr2/thumbnail/20x", format_)
    frames = probe(result.body, LIMITS).frame
    assert (frames.width_px, frames.height_px) == (20, 12)
    assert frames.frames in (3, 4)  # Pillow and WebP join what looks alike


def test_loops_are_kept() -> None:
    assert Image.open(io.BytesIO(made(moving(), "imageMogr2", "apng").body)).info["loop"] == 3
    # GIF counts how often it is played again.
    assert Image.open(io.BytesIO(made(moving(), "imageMogr2", "gif").body)).info["loop"] == 2


def test_one_frame_is_a_plain_png() -> None:
    result = made(png(32, 20), "imageMogr2/format/apng", "apng")
    assert result.format == "apng"
    assert sniff(result.body) == "png"
    assert b"acTL" not in result.body


def test_a_still_picture_has_one_frame() -> None:
    assert png_chunks.frames(png(32, 20)) == 1
    assert png_chunks.frames(b"") == png_chunks.frames(SIGNATURE) == 1


def remade(body: bytes, change: Any) -> bytes:
    """*body* with each chunk as ``change(kind, data)`` says: bytes for its data, None to leave it out."""
    parts = [SIGNATURE]
    for kind, data in chunks(body):
        changed = change(kind, bytes(data))
        if changed is not None:
            parts.append(chunk(kind, changed))
    return b"".join(parts)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (b"acTL", lambda data: struct.pack(">II", 2**31 - 1, 0)),  # claims more than there are
        (b"acTL", lambda data: struct.pack(">II", 2, 0)),  # and fewer
        (b"acTL", lambda data: struct.pack(">II", 0, 0)),
        (b"acTL", lambda data: data[:4]),
        (b"acTL", lambda data: None),
        (b"fcTL", lambda data: data[:20]),
        (b"fcTL", lambda data: data[:4] + struct.pack(">II", 33, 20) + data[12:]),  # reaches out of the picture
        (b"fcTL", lambda data: data[:4] + struct.pack(">II", 0, 20) + data[12:]),
        (b"fcTL", lambda data: struct.pack(">I", 0) + data[4:]),  # out of order
        (b"fdAT", lambda data: struct.pack(">I", 1) + data[4:]),
        (b"fdAT", lambda data: data[:3]),
        (b"fdAT", lambda data: None),
    ],
)
def test_a_malformed_animation_is_its_default_image(kind: bytes, change: Any) -> None:
    body = remade(tall(), lambda each, data: change(data) if each == kind else data)
    traits = probe(body, LIMITS)
    assert (traits.format, traits.frame.frames) == ("png", 1)
    assert alike(seen(made(body, "imageMogr2", "png").body), [scene(32, 20, 0).convert("RGBA")])


def test_an_animation_cut_short_is_a_still_picture() -> None:
    body = tall()
    assert probe(body[: len(body) * 2 // 3], LIMITS).format == "png"


def test_broken_pixels_of_a_later_frame_are_an_error() -> None:
    body = remade(tall(), lambda kind, data: data[:4] + bytes(len(data) - 4) if kind == b"fdAT" else data)
    assert probe(body, LIMITS).frame.frames == 5
    with pytest.raises(InvalidImageFormat):
        made(body, "imageMogr2", "webp")


def test_frames_count_against_the_limits() -> None:
    body = tall()
    with pytest.raises(ImageResolutionExceed):
        probe(body, ImageLimits(max_frames=4))
    with pytest.raises(ImageResolutionExceed):
        probe(body, ImageLimits(max_pixels=32 * 20 * 5 - 1))
