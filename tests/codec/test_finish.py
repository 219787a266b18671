"""Bytes count: size limits are kept where they can be, slim is smaller and looks the same, the original when it is better."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pictures import animated, encoded, jpeg, opened, png, scene
from PIL import Image, ImageChops, ImageSequence, ImageStat

from proxy.codec import cost, jpeg_header, jpeg_quality, pillow
from proxy.codec.slimming import leaves_alone
from proxy.codec.vips import probe, render
from proxy.core.grammar import format_plan, parse_plan
from proxy.core.model import Frame, ImageLimits, Traits
from proxy.formats import CATALOGUE, Encoding, save_options
from proxy.ports import Job, Rendered

LIMITS = ImageLimits()
PHOTOS = Path(__file__).resolve().parents[2] / "photos"
JXL = pytest.mark.skipif(pillow.jxl is None, reason="needs the extra jxl")


def made(body: bytes, text: str, format_: str | None = None, **options: Any) -> Rendered:
    traits, plan = probe(body, LIMITS), parse_plan(text)
    job = Job(plan_text=format_plan(plan), format=format_ or plan.format or traits.format, limits=LIMITS, **options)
    return render(body, traits, job)


def quality(body: bytes) -> int | None:
    return jpeg_quality.estimate(jpeg_header.read(body).tables)


@cache
def noise(width_px: int = 300, height_px: int = 200) -> bytes:
    """A JPEG that does not compress."""
    return encoded(Image.effect_noise((width_px, height_px), 80).convert("RGB"), "JPEG", quality=90)


@pytest.mark.parametrize("limit", ["12k", "20k", "33k"])
def test_the_best_quality_that_fits_is_taken(limit: str) -> None:
    result = made(noise(), f"imageMogr2/size-limit/{limit}")
    most = int(limit[:-1]) * 1024
    assert len(result.body) <= most
    found = quality(result.body)
    assert found is not None
    assert len(made(noise(), f"imageMogr2/quality/{found + 1}!").body) > most


def test_what_fits_is_left_as_it_would_be() -> None:
    assert made(noise(), "imageMogr2/size-limit/1m").body == made(noise(), "imageMogr2").body
    assert made(noise(), "imageMogr2/quality/40/size-limit/1m").body == made(noise(), "imageMogr2/quality/40").body


def test_a_limit_that_cannot_be_kept_gives_the_smallest_there_is() -> None:
    result = made(noise(), "imageMogr2/size-limit/1k")
    assert len(result.body) > 1024
    assert result.body == made(noise(), "imageMogr2/quality/1!").body


@pytest.mark.parametrize("format_", ["png", "webp", "gif"])
def test_other_formats_ignore_a_limit(format_: str) -> None:
    assert made(noise(), "imageMogr2/size-limit/1k!", format_).body == made(noise(), "imageMogr2", format_).body


@pytest.mark.parametrize(
    ("text", "original"),
    [
        ("quality/100!/size-limit/1m!", True),
        ("quality/100!/size-limit/1m", False),
        ("quality/100!/minsize/1", True),
        ("quality/100!/minisize/1", True),
        ("quality/100!/minsize/0", False),
        ("quality/20/minsize/1", False),
        ("quality/20/size-limit/1m!", False),
        ("format/png/minsize/1", True),
    ],
)
def test_the_smaller_of_the_two_is_sent_where_that_is_asked(text: str, original: bool) -> None:
    body = jpeg(320, 200, quality=60)
    result = made(body, "imageMogr2/" + text)
    assert result.original is original
    assert (result.body == body) is original
    if original:
        assert result.format == "jpeg"


@pytest.mark.parametrize("name", ["walrus.jpg", "canyon.jpg"])
def test_a_slim_photograph_is_a_fifth_smaller_and_looks_the_same(name: str) -> None:
    body = (PHOTOS / name).read_bytes()
    result = made(body, "imageSlim")
    assert result.format == "jpeg"
    assert not result.original
    assert len(result.body) < 0.8 * len(body)
    before, after = opened(body), opened(result.body)
    assert before.size == after.size
    assert max(ImageStat.Stat(ImageChops.difference(before.convert("RGB"), after.convert("RGB"))).mean) < 4


def test_slim_never_raises_the_quality() -> None:
    body = encoded(scene(320, 200), "JPEG", quality=40)
    assert len(made(body, "imageSlim").body) <= len(body)


def test_a_slim_png_of_few_colours_loses_nothing() -> None:
    picture = scene(200, 100).quantize(60, dither=Image.Dither.NONE).convert("RGB")
    body = encoded(picture, "PNG", compress_level=1)
    result = made(body, "imageSlim")
    assert len(result.body) < 0.7 * len(body)
    assert ImageChops.difference(opened(result.body).convert("RGB"), picture).getbbox() is None


def test_a_slim_png_takes_a_palette_where_nobody_sees_it(needs_shared: Callable[[str], Path]) -> None:
    body = needs_shared("images/photos/kodak/kodim03.png").read_bytes()
    result = made(body, "imageSlim")
    assert len(result.body) < 0.4 * len(body)
    assert opened(result.body).mode == "P"


def test_a_slim_png_keeps_its_colours_where_a_palette_would_show() -> None:
    body = (PHOTOS / "tulips.png").read_bytes()
    result = made(body, "imageSlim")
    before, after = opened(body), opened(result.body)
    assert after.mode == "RGBA"
    assert ImageChops.difference(before, after).getbbox(alpha_only=False) is None
    assert len(result.body) < len(body)


@pytest.mark.parametrize("mode", ["L", "LA", "I;16", "1"])
def test_a_slim_png_without_colours_loses_nothing(mode: str) -> None:
    picture = scene(120, 80).convert("L").convert(mode)
    body = encoded(picture, "PNG", compress_level=0)
    result = made(body, "imageSlim")
    assert len(result.body) <= len(body)
    after = opened(result.body)
    assert list(after.convert("I").get_flattened_data()) == list(picture.convert("I").get_flattened_data())


def test_a_slim_gif_keeps_its_frames_and_their_time() -> None:
    body = encoded(
        scene(80, 60), "GIF", save_all=True, append_images=[scene(80, 60, seed) for seed in range(1, 4)], duration=80
    )
    result = made(body + bytes(20_000), "imageSlim")
    assert not result.original
    frames = list(ImageSequence.Iterator(Image.open(io.BytesIO(result.body))))
    assert [frame.info["duration"] for frame in frames] == [80] * 4


@pytest.mark.parametrize(
    "body", [encoded(scene(32, 20), "WEBP"), encoded(scene(32, 20), "TIFF"), animated(30, 20, 3, "WEBP")]
)
def test_what_cannot_be_slimmed_is_sent_as_it_is(body: bytes) -> None:
    result = made(body, "imageSlim")
    assert result.original
    assert result.body == body


def test_slim_after_other_stages_is_never_the_original() -> None:
    body = encoded(scene(320, 200), "JPEG", quality=5)
    result = made(body, "imageMogr2/thumbnail/640x|imageSlim")
    assert not result.original
    assert result.frame.width_px == 640
    assert result.body != made(body, "imageMogr2/thumbnail/640x").body


def test_cgif_takes_frames_and_colours() -> None:
    body = (PHOTOS / "mars-flight.gif").read_bytes()
    few, all_ = made(body, "imageMogr2/cgif/5"), made(body, "imageMogr2")
    assert (probe(few.body, LIMITS).frame.frames, probe(all_.body, LIMITS).frame.frames) == (5, 12)
    first = Image.open(io.BytesIO(few.body)).convert("RGB")
    assert len(first.getcolors(1 << 16) or ()) <= 64
    assert len(few.body) < len(all_.body) * 5 / 12 * 1.1


def test_cgif_leaves_other_sources_alone() -> None:
    for body in (animated(30, 20, 5, "WEBP"), jpeg(64, 32), png(64, 32)):
        assert made(body, "imageMogr2/cgif/2").body == made(body, "imageMogr2").body


@JXL
def test_jpeg_xl_is_written_with_exif_and_looks_the_same() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    body = encoded(scene(96, 64), "JPEG", quality=90, exif=exif)
    result = made(body, "imageMogr2/format/jxl")
    assert result.body[:2] == b"\xff\x0a" or result.body[4:8] == b"JXL "
    picture = opened(result.body)
    assert picture.size == (96, 64)
    assert picture.getexif()[0x010E] == "a description"
    assert max(ImageStat.Stat(ImageChops.difference(picture.convert("RGB"), opened(body))).mean) < 7
    assert not opened(made(body, "imageMogr2/format/jxl/strip").body).getexif()


@JXL
def test_jpeg_xl_keeps_transparency() -> None:
    picture = opened(made(png(64, 40, alpha=True), "imageMogr2/format/jxl").body)
    assert picture.mode == "RGBA"
    assert picture.getpixel((2, 2))[3] < 8
    assert picture.getpixel((60, 36))[3] > 247


@JXL
@pytest.mark.parametrize("percent", [0, 1, 50, 100])
def test_every_quality_is_one_jpeg_xl_can_write(percent: int) -> None:
    assert made(jpeg(64, 40), f"imageMogr2/format/jxl/quality/{percent}!").body


def test_a_picture_too_large_to_slim_is_left_alone_and_costs_nothing() -> None:
    plan, job = parse_plan("imageSlim"), Job(plan_text="imageSlim", format="png", limits=LIMITS)
    small, large = (
        Traits(format="png", frame=Frame(width_px=side, height_px=side), size_bytes=9) for side in (4000, 6000)
    )
    assert (leaves_alone(plan, small), leaves_alone(plan, large)) == (False, True)
    assert 100 * cost.render_s(large, job) < cost.render_s(small, job)


def test_counting_bytes_is_predicted_to_cost_more() -> None:
    traits = Traits(format="jpeg", frame=Frame(width_px=2000, height_px=2000))
    plain, limited = (
        cost.render_s(traits, Job(plan_text=f"imageMogr2{text}", format="jpeg", limits=LIMITS))
        for text in ("", "/size-limit/9k")
    )
    assert limited > 3 * plain


@pytest.mark.parametrize("name", ["jpeg", "png", "gif"])
def test_slim_is_another_way_to_write(name: str) -> None:
    plain, slim = (save_options(name, Encoding(quality=90, slim=slim)) for slim in (False, True))
    assert plain != slim
    assert CATALOGUE[name].spellings
