from __future__ import annotations

import hashlib
from typing import Any

import pytest
from pictures import animated, encoded, jpeg, opened, png, scene
from PIL import Image
from reporting import SHORTEST, answer, said

from proxy.codec.cost import render_s
from proxy.codec.reports import _ANSWERS
from proxy.core.model import Frame, ImageLimits, Traits
from proxy.core.reports import REPORTS
from proxy.errors import ImageResolutionExceed, InvalidImageFormat
from proxy.ports import Job


def plain(colour: Any, mode: str = "RGB", format_: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    return encoded(Image.new(mode, size, colour), format_)


def test_every_report_has_an_answer() -> None:
    assert _ANSWERS.keys() == REPORTS.keys()


def test_every_value_is_a_string_and_sides_are_those_stored() -> None:
    body = jpeg(960, 540, orientation=6)
    info = said(body, "imageInfo")
    assert list(info) == ["format", "width", "height", "size", "md5", "frame_count", "photo_rgb"]
    assert all(isinstance(value, str) for value in info.values())
    assert (info["format"], info["width"], info["height"], info["frame_count"]) == ("jpeg", "960", "540", "1")
    assert (info["size"], info["md5"]) == (str(len(body)), hashlib.md5(body).hexdigest())


@pytest.mark.parametrize(
    ("body", "format_", "frames"),
    [(animated(format_="GIF"), "gif", "5"), (animated(format_="WEBP"), "webp", "5"), (png(20, 10), "png", "1")],
    ids=["gif", "webp", "png"],
)
def test_frames_are_counted_and_one_is_a_still_picture(body: bytes, format_: str, frames: str) -> None:
    info = said(body, "imageInfo")
    assert (info["format"], info["frame_count"]) == (format_, frames)


@pytest.mark.parametrize(
    ("body", "colour"),
    [
        (plain((0x12, 0xAB, 0x00)), "0x12ab00"),
        (plain(0x7F, "L"), "0x7f7f7f"),
        (plain((200, 100, 50, 255), "RGBA"), "0xc86432"),
        (plain((200, 100, 50, 10), "RGBA"), "0xc86432"),  # faint, and of that colour all the same
        (plain((200, 100, 50, 0), "RGBA"), "0xffffff"),  # nothing of it can be seen
        (plain((10, 20, 30), format_="BMP"), "0x0a141e"),
        (animated(), said(animated(), "imageInfo")["photo_rgb"]),
    ],
)
def test_the_average_colour_is_that_of_what_can_be_seen(body: bytes, colour: str) -> None:
    assert said(body, "imageAve") == {"RGB": colour}
    assert said(body, "imageInfo")["photo_rgb"] == colour


def test_half_red_half_blue_is_between_rounded_half_up() -> None:
    picture = Image.new("RGB", (20, 10), (255, 0, 0))
    picture.paste((0, 0, 255), (10, 0, 20, 10))
    assert said(encoded(picture, "PNG"), "imageAve") == {"RGB": "0x800080"}


def test_a_large_jpeg_is_averaged_from_fewer_pixels_to_the_same_colour() -> None:
    body = jpeg(1920, 1080)
    samples = list(opened(body).convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))
    got = bytes.fromhex(said(body, "imageAve")["RGB"].removeprefix("0x"))
    assert max(abs(a - b) for a, b in zip(got, samples, strict=True)) <= 1


def test_after_a_pipe_the_report_is_on_the_file_that_the_pipe_makes() -> None:
    info = said(jpeg(960, 540), "imageMogr2/thumbnail/!50p|imageInfo")
    assert (info["format"], info["width"], info["height"]) == ("jpeg", "480", "270")
    assert int(info["size"]) < len(jpeg(960, 540))
    webp = said(jpeg(960, 540), "imageMogr2/thumbnail/!50p/format/webp|imageInfo")
    assert (webp["format"], webp["width"]) == ("webp", "480")
    gif = said(animated(200, 100), "imageMogr2/thumbnail/100x|imageInfo")
    assert (gif["format"], gif["width"], gif["frame_count"]) == ("gif", "100", "5")
    still = said(animated(200, 100), "imageMogr2/format/png|imageInfo")
    assert (still["format"], still["frame_count"]) == ("png", "1")
    auto = said(jpeg(960, 540), "imageMogr2/format/auto|imageInfo")
    assert auto["format"] == "jpeg"


def test_a_source_format_that_is_only_read_is_reported_on_as_what_would_be_sent() -> None:
    icon = encoded(scene(64, 64), "ICO", sizes=[(64, 64)], bitmap_format="bmp")
    assert said(icon, "imageInfo")["format"] == "ico"
    assert said(icon, "imageMogr2/thumbnail/32x|imageInfo")["format"] == "png"


def test_a_picture_over_the_size_of_results_can_still_be_asked_about_itself() -> None:
    limits = ImageLimits(max_output_side_px=100)
    assert b'"width":"960"' in answer(jpeg(), "imageInfo", limits)
    with pytest.raises(ImageResolutionExceed):
        answer(jpeg(), "imageMogr2/rotate/90|imageInfo", limits)


@pytest.mark.parametrize("report", [SHORTEST[name] for name, kind in REPORTS.items() if kind.reads_pixels])
def test_broken_pixels_are_an_error_and_no_answer(report: str) -> None:
    with pytest.raises(InvalidImageFormat):
        answer(png()[:-2000], report)


@pytest.mark.parametrize("stages", ["", "imageMogr2/rotate/90|", "imageMogr2/format/auto/thumbnail/50x|"])
@pytest.mark.parametrize("format_", ["jpeg", "gif", "ico", "svg"])
def test_what_a_report_costs_is_predicted_whatever_the_source(format_: str, stages: str) -> None:
    traits = Traits(format=format_, frame=Frame(width_px=4000, height_px=3000))
    light, heavy = (
        render_s(traits, Job(plan_text=f"{stages}{report}", format="json", limits=ImageLimits()))
        for report in ("imageInspect", "imageInfo")
    )
    assert 0 < light < heavy < 10


@pytest.mark.parametrize("report", SHORTEST.values())
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (257, 3)])
def test_pictures_of_every_kind_and_shape_have_every_report(report: str, mode: str, size: tuple[int, int]) -> None:
    format_ = "JPEG" if mode == "CMYK" else "PNG"
    assert answer(encoded(Image.new(mode, size), format_), report)
