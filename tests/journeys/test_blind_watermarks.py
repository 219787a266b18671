"""Blind watermarks from URL to URL: hidden by one, found by another, in what a reader made of the picture meanwhile."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from pictures import animated, encoded, jpeg, opened, png, scene
from PIL import Image, ImageDraw
from servers.mogr import Mogr

from proxy.codec.blind import waves
from proxy.ops.encoded import encode_text

Start = Callable[..., Mogr]
HOST = "http://test-1250000000.cos.ap-guangzhou.myqcloud.com"
pytestmark = pytest.mark.skipif(waves.np is None, reason="NumPy is not installed: pip install mogr[blind]")


def emblem(shape: str) -> bytes:
    mark = Image.new("L", (120, 120), 0)
    getattr(ImageDraw.Draw(mark), shape)((30, 30, 90, 90), fill=255)
    return encoded(mark, "PNG")


@pytest.fixture
def server(start: Start) -> Mogr:
    files = {
        "cat.jpg": jpeg(), "logo.png": emblem("ellipse"), "other.png": emblem("rectangle"), "wave.gif": animated(),
        "small.png": png(60, 40), "plain.png": encoded(Image.new("RGB", (90, 90), (9, 9, 9)), "PNG"),
    }  # fmt: skip
    return start({"buckets": {"test-1250000000": {"ttl_s": 0}}}, files)


def copy(server: Mogr, target: str) -> None:
    """What a reader does: download, halve, save as a poor JPEG, publish as taken.jpg."""
    answer = server.get(target)
    assert answer.status_code == 200, answer.text
    taken = opened(answer.content).convert("RGB")
    taken = taken.resize((taken.width // 2, taken.height // 2), Image.Resampling.BICUBIC)
    server.put("taken.jpg", encoded(taken, "JPEG", quality=70))


def said(server: Mogr, target: str) -> Any:
    answer = server.get(target)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml"), answer.text
    return ET.fromstring(answer.content)


def test_a_hidden_text_is_read_from_a_halved_copy_and_from_a_page_s_own_thumbnail(server: Mogr) -> None:
    text = encode_text("user-4711")
    copy(server, f"/cat.jpg?imageMogr2/quality/90|watermark/3/type/3/text/{text}/version/3.0")
    for target in ("/taken.jpg?", "/taken.jpg?imageMogr2/rotate/90/format/webp|"):
        found = said(server, f"{target}watermark/4/type/3/text/{text}")
        assert found.findtext("Text") == "user-4711"
        assert int(found.findtext("WatermarkStatus")) > 75
    none = said(server, "/cat.jpg?watermark/4/type/3")
    assert (none.findtext("Text"), none.findtext("WatermarkStatus"), len(none)) == (None, "0", 1)


def test_an_emblem_is_found_in_a_halved_copy_and_another_is_not(server: Mogr) -> None:
    image = encode_text(f"{HOST}/logo.png")
    copy(server, f"/cat.jpg?watermark/3/type/2/image/{image}/level/2")
    found = said(server, f"/taken.jpg?watermark/4/type/2/image/{image}")
    assert int(found.findtext("WatermarkStatus")) > 75
    seen = opened(base64.b64decode(found.findtext("ResultImage")))
    assert (seen.format, seen.size, seen.mode) == ("PNG", (256, 256), "L")
    for target in (
        f"/taken.jpg?watermark/4/type/2/image_key/{encode_text('other.png')}",
        f"/cat.jpg?watermark/4/type/2/image/{image}",
    ):
        assert int(said(server, target).findtext("WatermarkStatus")) < 60


def test_who_has_the_original_finds_an_emblem_without_knowing_it(server: Mogr) -> None:
    copy(server, f"/cat.jpg?watermark/3/type/1/image_key/{encode_text('logo.png')}")
    original = encode_text(f"{HOST}/cat.jpg")
    found = said(server, f"/taken.jpg?watermark/4/type/1/image/{original}")
    assert int(found.findtext("WatermarkStatus")) > 75
    seen = opened(base64.b64decode(found.findtext("ResultImage")))
    assert seen.crop((100, 100, 156, 156)).resize((1, 1)).getpixel((0, 0)) > 180
    assert seen.crop((0, 0, 256, 40)).resize((1, 1)).getpixel((0, 0)) < 80


def test_a_report_behind_an_image_mark_is_given_the_pictures_of_both(server: Mogr) -> None:
    logo = encode_text("logo.png")
    hidden = f"watermark/3/type/2/image_key/{logo}|imageMogr2/quality/95"
    target = f"/cat.jpg?watermark/1/image_key/{encode_text('other.png')}|{hidden}|watermark/4/type/2/image_key/{logo}"
    assert int(said(server, target).findtext("WatermarkStatus")) > 75


@pytest.mark.parametrize(("target", "code"), [
    ("/wave.gif?watermark/3/type/3/text/aGk", "InvalidArgument"),
    ("/small.png?watermark/3/type/3/text/aGk", "InvalidArgument"),
    ("/cat.jpg?watermark/3/type/3/text/aGk|imageMogr2/thumbnail/0x", "InvalidArgument"),
    ("/cat.jpg?watermark/3/text/aGk", "InvalidArgument"),
    (f"/cat.jpg?watermark/3/type/2/image_key/{encode_text('plain.png')}", "InvalidArgument"),
    (f"/cat.jpg?watermark/3/type/2/image_key/{encode_text('none.png')}", "InvalidImageSource"),
    (f"/cat.jpg?watermark/4/type/2/image_key/{encode_text('none.png')}", "InvalidImageSource"),
    (f"/cat.jpg?watermark/4/type/2/image_key/{encode_text('wave.gif')}", "InvalidImageSource"),
    ("/cat.jpg?watermark/4/type/2", "InvalidArgument"),
    ("/cat.jpg?watermark/4/type/3|imageMogr2/rotate/90", "InvalidArgument"),
])  # fmt: skip
def test_what_cannot_be_hidden_or_looked_for_is_said(server: Mogr, target: str, code: str) -> None:
    answer = server.get(target)
    assert answer.status_code == 400, answer.text
    assert f"<Code>{code}</Code>" in answer.text


def test_a_picture_that_moves_can_be_sent_as_it_is_or_marked_as_one_frame(server: Mogr) -> None:
    server.put("wide.gif", animated(300, 200))
    stage = "watermark/3/type/3/text/aGk"
    assert server.get(f"/wide.gif?imageMogr2/ignore-error/1|{stage}").content == animated(300, 200)
    answer = server.get(f"/wide.gif?imageMogr2/format/png|{stage}")
    assert (answer.status_code, opened(answer.content).format) == (200, "PNG")


def test_a_mark_of_many_pixels_is_made_smaller_first(server: Mogr) -> None:
    server.put("poster.png", encoded(scene(3000, 2000), "PNG"))
    image = encode_text(f"{HOST}/poster.png")
    copy(server, f"/cat.jpg?watermark/3/type/2/image/{image}")
    assert int(said(server, f"/taken.jpg?watermark/4/type/2/image/{image}").findtext("WatermarkStatus")) > 75
