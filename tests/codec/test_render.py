"""A job becomes a file: its size, its format, its quality, its metadata and its movement are what was asked."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import pytest
from pictures import animated, encoded, jpeg, opened, png, scene
from PIL import Image, ImageCms, ImageSequence, ImageStat

from proxy.codec import pillow
from proxy.codec.sniff import sniff
from proxy.codec.vips import capabilities, probe, render
from proxy.core.grammar import parse_plan
from proxy.core.model import ImageLimits
from proxy.errors import ImageResolutionExceed, InvalidArgument, InvalidImageFormat
from proxy.formats import CATALOGUE
from proxy.ports import Job, Rendered

LIMITS = ImageLimits()
ENCODABLE = [name for name in capabilities().encode if not CATALOGUE[name].vector]
READ_BACK = [name for name in ENCODABLE if name in capabilities().decode]
"""JPEG XL is only written."""
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def made(body: bytes, text: str, format_: str | None = None, **options: Any) -> Rendered:
    traits = probe(body, LIMITS)
    name = format_ or parse_plan(text).format or traits.format
    return render(body, traits, Job(plan_text=text, format=name, limits=LIMITS, **options))


@pytest.mark.parametrize("format_", READ_BACK)
@pytest.mark.parametrize(
    ("text", "size_px"),
    [
        ("imageMogr2/thumbnail/!50p", (480, 270)),
        ("imageMogr2/thumbnail/101x", (101, 57)),
        ("imageMogr2/crop/100x200/gravity/center", (100, 200)),
        ("imageMogr2/cut/300x100x10x20", (300, 100)),
        ("imageMogr2/thumbnail/200x200/pad/1/color/IzAwRkYwMA", (200, 200)),
        ("imageMogr2/rotate/90|imageMogr2/thumbnail/90x", (90, 160)),
        ("imageMogr2/thumbnail/96x/flip/vertical", (96, 54)),
        ("imageMogr2/rotate/45/thumbnail/96x", (106, 106)),
    ],
)
def test_the_result_has_the_measured_size_and_the_format_asked(
    format_: str, text: str, size_px: tuple[int, int]
) -> None:
    result = made(jpeg(), text, format_)
    assert (result.frame.width_px, result.frame.height_px) == size_px
    again = probe(result.body, LIMITS)
    assert (again.frame.width_px, again.frame.height_px) == size_px
    assert result.format == format_
    assert sniff(result.body) == again.format == {"apng": "png"}.get(format_, format_)  # one frame of it is a plain PNG


@pytest.mark.parametrize("format_", ENCODABLE)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_auto_orient_shows_the_same_picture_whatever_the_tag(format_: str, orientation: int) -> None:
    body = jpeg(64, 32, orientation=orientation)
    upright = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
    expected = opened(body)
    if orientation in upright:
        expected = expected.transpose(Image.Transpose(upright[orientation]))
    result = made(body, "imageMogr2/auto-orient", format_)
    shown = _decoded(result)
    assert shown.size == expected.size
    assert _difference(shown, expected) < 12
    assert shown.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("format_", ["jpeg", "png", "webp", "tiff"])
def test_without_auto_orient_the_tag_is_kept(format_: str) -> None:
    result = made(jpeg(64, 32, orientation=6), "imageMogr2/thumbnail/32x", format_)
    frame = probe(result.body, LIMITS).frame
    assert (frame.width_px, frame.height_px, frame.orientation) == (32, 16, 6)


@pytest.mark.parametrize("format_", [name for name in ENCODABLE if CATALOGUE[name].bakes_orientation])
def test_containers_that_turn_pictures_get_them_upright(format_: str) -> None:
    result = made(jpeg(64, 32, orientation=6), "imageMogr2/thumbnail/32x", format_)
    assert (result.frame.width_px, result.frame.height_px) == (16, 32)
    shown = _decoded(result)
    assert shown.size == (16, 32)
    assert shown.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("orientation", [1, 6])
def test_auto_turns_the_picture_and_keeps_nothing_but_colours(orientation: int) -> None:
    body = encoded(scene(64, 32), "JPEG", exif=_exif(orientation), icc_profile=SRGB)
    result = made(body, "imageMogr2/format/webp", "webp", auto=True)
    shown = opened(result.body)
    assert shown.size == ((64, 32) if orientation == 1 else (32, 64))
    assert not shown.getexif()
    assert shown.info["icc_profile"] == SRGB


@pytest.mark.parametrize("format_", [name for name in ENCODABLE if name not in ("gif", "bmp", "jxl", "tiff", "tpg")])
def test_exif_and_colours_are_kept_unless_stripped(format_: str) -> None:
    body = encoded(scene(64, 32), "JPEG", exif=_exif(1), icc_profile=SRGB)
    kept = _opened_with_heif(made(body, "imageMogr2/thumbnail/32x", format_))
    assert kept.getexif()[0x010E] == "a description"
    assert kept.info["icc_profile"] == SRGB
    stripped = _opened_with_heif(made(body, "imageMogr2/thumbnail/32x/strip", format_))
    assert not stripped.getexif()
    assert not stripped.info.get("icc_profile")


def test_no_metadata_is_made_up() -> None:
    assert not opened(made(png(32, 32), "imageMogr2/format/jpg").body).getexif()


def test_the_thumbnail_inside_exif_does_not_survive_a_crop() -> None:
    """It shows what was cut away."""
    inner = jpeg(32, 32, seed=3)
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00\x0e\x00\x00\x00\x02\x00"
    exif += b"\x01\x02\x04\x00\x01\x00\x00\x00\x2c\x00\x00\x00\x02\x02\x04\x00\x01\x00\x00\x00"
    exif += len(inner).to_bytes(4, "little") + bytes(4) + inner
    body = encoded(scene(64, 64), "JPEG", exif=exif)
    assert body.count(b"\xff\xd8\xff") == 2
    assert made(body, "imageMogr2/cut/8x8x0x0").body.count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize(
    ("text", "source", "wanted"),
    [
        ("imageMogr2/quality/60", 80, 60),
        ("imageMogr2/quality/90", 60, 60),
        ("imageMogr2/quality/90!", 60, 90),
        ("imageMogr2/rquality/80", 80, 64),
        ("imageMogr2/lquality/80", 60, 80),
        ("imageMogr2/quality/0", 80, 1),
        ("imageMogr2/thumbnail/100x", 71, 71),
    ],
)
def test_quality_of_a_jpeg_is_what_the_plan_says_of_the_source(text: str, source: int, wanted: int) -> None:
    result = made(jpeg(200, 100, quality=source), text)
    assert probe(result.body, LIMITS).quality == wanted


def test_a_source_without_quality_counts_as_80() -> None:
    assert probe(made(png(64, 64), "imageMogr2/format/jpg").body, LIMITS).quality == 80


@pytest.mark.parametrize("format_", [name for name in ENCODABLE if CATALOGUE[name].quality])
def test_less_quality_is_fewer_bytes(format_: str) -> None:
    sizes = [len(made(jpeg(quality=95), f"imageMogr2/quality/{q}!", format_).body) for q in (10, 40, 70, 90, 100)]
    assert sizes == sorted(set(sizes))


def test_quality_does_nothing_to_png() -> None:
    assert made(png(64, 64), "imageMogr2/quality/5").body == made(png(64, 64), "imageMogr2/quality/95").body


@pytest.mark.parametrize(
    ("text", "progressive"), [("interlace/1", True), ("interlace/0", False), ("quality/50", False)]
)
def test_jpeg_is_progressive_only_when_asked(text: str, progressive: bool) -> None:
    body = encoded(scene(64, 64), "JPEG", progressive=True)
    assert ("progressive" in opened(made(body, f"imageMogr2/{text}").body).info) == progressive


@pytest.mark.parametrize("source", ["GIF", "WEBP"])
@pytest.mark.parametrize("format_", ["gif", "webp"])
@pytest.mark.parametrize(
    "text", ["thumbnail/100x", "rotate/90", "crop/50x50", "thumbnail/120x120/pad/1", "flip/vertical"]
)
def test_animation_keeps_moving_at_its_pace(source: str, format_: str, text: str) -> None:
    body = animated(200, 100, 5, source)
    result = made(body, f"imageMogr2/{text}", format_)
    pages = [page.convert("RGB").copy() for page in ImageSequence.Iterator(Image.open(io.BytesIO(result.body)))]
    assert len(pages) == result.frame.frames == 5
    assert {page.size for page in pages} == {(result.frame.width_px, result.frame.height_px)}
    reds = [ImageStat.Stat(page).mean[0] for page in pages]
    if "pad" not in text:
        assert all(abs(red - number * 51) < 40 for number, red in enumerate(reds))
    assert _durations(result.body) == [50] * 5


def test_unequal_delays_and_the_number_of_loops_survive() -> None:
    pages = [Image.new("RGB", (20, 20), (level, 0, 0)) for level in (0, 120, 240)]
    body = encoded(pages[0], "GIF", save_all=True, append_images=pages[1:], duration=[40, 100, 300], loop=3)
    # GIF counts how often it plays again, WebP how often it plays.
    for format_, loop in (("gif", 3), ("webp", 4)):
        result = made(body, "imageMogr2/thumbnail/10x", format_)
        assert _durations(result.body) == [40, 100, 300]
        assert opened(result.body).info["loop"] == loop


def test_frames_that_look_alike_stay_apart_in_gif() -> None:
    """lim-007: 300 frames in, 300 frames out."""
    body = animated(20, 10, 300)
    assert probe(made(body, "imageMogr2/thumbnail/10x").body, LIMITS).frame.frames == 300


@pytest.mark.parametrize("format_", [name for name in ENCODABLE if not CATALOGUE[name].animation])
def test_a_still_format_shows_the_first_frame(format_: str) -> None:
    result = made(animated(40, 20, 5), "imageMogr2/thumbnail/20x", format_)
    assert result.frame.frames == 1
    assert ImageStat.Stat(_decoded(result).crop((12, 6, 20, 10))).mean == pytest.approx([0, 80, 255], abs=12)


@pytest.mark.parametrize("format_", ENCODABLE)
def test_transparency_is_kept_or_lies_on_white(format_: str) -> None:
    result = made(png(64, 64, alpha=True), "imageMogr2/thumbnail/32x", format_)
    corner = _opened_with_heif(result).convert("RGBA").getpixel((2, 2))
    if CATALOGUE[format_].alpha:
        assert corner[3] == 0
    else:
        assert corner == pytest.approx((255, 255, 255, 255), abs=4)


@pytest.mark.parametrize(("text", "original"), [("quality/100!", True), ("quality/5!", False)])
def test_the_original_is_sent_when_encoding_made_nothing_smaller(text: str, original: bool) -> None:
    body = jpeg(100, 100, quality=50)
    result = made(body, f"imageMogr2/{text}", "jpeg", or_original=True)
    assert result.original == original
    assert (result.body == body) == original
    assert (result.format, result.frame) == ("jpeg", probe(body, LIMITS).frame)


def test_an_original_comes_back_as_what_it_is() -> None:
    body = encoded(Image.new("RGB", (8, 8)), "GIF")
    result = made(body, "imageMogr2/format/tiff", or_original=True)
    assert (result.original, result.format, result.body) == (True, "gif", body)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_half_a_picture_is_broken(format_: str) -> None:
    """thumbnail_buffer of libvips would send half a JPEG out in grey."""
    body = encoded(scene(300, 300), format_)
    traits = probe(body, LIMITS)
    with pytest.raises(InvalidImageFormat) as caught:
        render(body[: len(body) // 2], traits, Job(plan_text="imageMogr2/thumbnail/30x", format="png", limits=LIMITS))
    assert "vips" not in caught.value.public


def test_traits_of_another_picture_are_noticed() -> None:
    traits = probe(jpeg(60, 40), LIMITS)
    with pytest.raises(InvalidImageFormat):
        render(jpeg(40, 60), traits, Job(plan_text="imageMogr2/thumbnail/30x", format="png", limits=LIMITS))


@pytest.mark.parametrize("format_", ["ico", "svg", "nonsense"])
def test_what_cannot_be_written_is_said_so(format_: str) -> None:
    with pytest.raises(InvalidImageFormat):
        made(png(8, 8), "imageMogr2/thumbnail/4x", format_)


def test_heif_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pillow, "heif", None)
    with pytest.raises(InvalidImageFormat, match="no encoder for heif"):
        made(png(8, 8), "imageMogr2/format/heif")


def test_webp_ends_at_16383_pixels() -> None:
    """lim-006; with the output limit of ``classic`` out of the way."""
    limits = dataclasses.replace(LIMITS, max_output_side_px=None)
    body = encoded(Image.new("L", (16_384, 10)), "PNG")
    with pytest.raises(ImageResolutionExceed):
        render(body, probe(body, limits), Job(plan_text="imageMogr2/format/webp", format="webp", limits=limits))


def test_an_impossible_operation_is_the_clients_fault() -> None:
    with pytest.raises(InvalidArgument):
        made(png(8, 8), "imageMogr2/cut/4x4x100x100")


@pytest.mark.parametrize("target_px", [100, 119, 120, 121, 239, 240, 241, 480, 481])
@pytest.mark.parametrize("format_", ["JPEG", "WEBP"])
def test_shrinking_on_load_shows_the_same_picture(format_: str, target_px: int) -> None:
    picture = scene(967, 541, seed=5)
    body = encoded(picture, format_, quality=95)
    result = made(body, f"imageMogr2/thumbnail/{target_px}x", "png")
    expected = picture.resize(opened(result.body).size, Image.Resampling.LANCZOS)
    assert opened(result.body).width == target_px
    assert _difference(opened(result.body), expected) < 4


def test_timings_are_told_step_by_step() -> None:
    timings_s = made(jpeg(40, 40), "imageMogr2/thumbnail/20x").timings_s
    assert set(timings_s) == {"decode", "paint", "encode"}
    assert all(seconds >= 0 for seconds in timings_s.values())


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "a description"
    return exif


def _opened_with_heif(result: Rendered) -> Image.Image:
    if result.format != "heif":
        return opened(result.body)
    file = pillow.heif.open_heif(result.body)
    picture = file.to_pillow()
    if file.info.get("exif"):
        picture.info["exif"] = file.info["exif"]
    return picture


def _decoded(result: Rendered) -> Image.Image:
    return _opened_with_heif(result).convert("RGB")


def _difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of samples."""
    pairs = zip(one.convert("RGB").tobytes(), other.convert("RGB").tobytes(), strict=True)
    return sum(abs(a - b) for a, b in pairs) / (one.width * one.height * 3)


def _durations(body: bytes) -> list[int]:
    # copy() loads, and only then does Pillow know the duration of a WebP frame.
    return [page.copy() and page.info["duration"] for page in ImageSequence.Iterator(Image.open(io.BytesIO(body)))]
