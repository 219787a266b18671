"""Watermarks from URL to pixels: text in the fonts of this server, and images from its buckets."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pictures import animated, encoded, jpeg, opened
from PIL import Image, ImageChops
from servers.mogr import Mogr

import proxy
from proxy.ops.encoded import encode_text

Start = Callable[..., Mogr]
RED, BLUE = (encoded(Image.new("RGB", (60, 30), colour), "PNG") for colour in ((255, 0, 0), (0, 0, 255)))
GREY = encoded(Image.new("RGB", (300, 200), (128, 128, 128)), "PNG")
HOST = "http://test-1250000000.cos.ap-guangzhou.myqcloud.com"


def mark(url: str, more: str = "/dissolve/100") -> str:
    return f"watermark/1/image/{encode_text(url)}{more}"


def picture(answer: Any) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return opened(answer.content)


@pytest.fixture
def server(start: Start, tmp_path: Path) -> Mogr:
    logos = tmp_path / "logos"
    logos.mkdir()
    (logos / "blue.png").write_bytes(BLUE)
    buckets = {
        "test-1250000000": {"ttl_s": 0, "mark_hosts": ["logos.example"]},
        "logos": {"store": f"file:{logos}", "hosts": ["logos.example"]},
    }
    files = {"grey.png": GREY, "red.png": RED, "wave.gif": animated(300, 200, 4), "cat.jpg": jpeg()}
    return start({"buckets": buckets}, files)


def test_an_image_lies_where_it_was_asked_and_comes_from_the_cache_the_second_time(server: Mogr) -> None:
    target = "/grey.png?" + mark(f"{HOST}/red.png", "/gravity/northwest/dx/10/dy/20/dissolve/100")
    first, second = server.get(target), server.get(target)
    seen = picture(first).convert("RGB")
    assert ImageChops.difference(seen, opened(GREY).convert("RGB")).getbbox() == (10, 20, 70, 50)
    assert seen.getpixel((10, 20)) == (255, 0, 0)
    assert second.headers["cache-status"].endswith("; detail=memory")
    assert second.content == first.content
    assert server.get("/grey.png").headers["last-modified"] <= first.headers["last-modified"]


def test_a_changed_mark_makes_a_new_picture_with_a_tag_of_its_own(server: Mogr) -> None:
    target = "/grey.png?" + mark(f"{HOST}/red.png")
    first = server.get(target)
    server.put("red.png", BLUE)
    second = server.get(target, If_None_Match=first.headers["etag"])
    assert picture(second).convert("RGB").getpixel((299, 199)) == (0, 0, 255)
    assert second.headers["etag"] != first.headers["etag"]
    assert server.get(target, If_None_Match=second.headers["etag"]).status_code == 304


def test_a_mark_may_carry_an_operation_even_another_mark_from_another_bucket(server: Mogr) -> None:
    inner = mark("http://logos.example/blue.png?imageMogr2/thumbnail/20x", "/gravity/west/dissolve/100")
    outer = mark(f"{HOST}/red.png?imageMogr2/rotate/90|{inner}", "/gravity/northwest/dissolve/100")
    seen = picture(server.get(f"/grey.png?{outer}")).convert("RGB")
    assert ImageChops.difference(seen, opened(GREY).convert("RGB")).getbbox() == (0, 0, 30, 60)
    assert seen.getpixel((2, 30)) == (0, 0, 255)
    assert seen.getpixel((25, 30)) == (255, 0, 0)


def test_every_frame_of_an_animation_is_marked(server: Mogr) -> None:
    seen = picture(server.get("/wave.gif?watermark/1/image_key/" + encode_text("red.png") + "/dissolve/100"))
    assert (seen.format, seen.n_frames, seen.size) == ("GIF", 4, (300, 200))
    for number in range(4):
        seen.seek(number)
        assert seen.convert("RGB").getpixel((299, 199)) == pytest.approx((255, 0, 0), abs=12)


@pytest.mark.parametrize(("url", "code"), [
    ("https://test-1250000000.cos.x.y/red.png", "InvalidArgument"), ("test-1250000000.cos.x.y/red.png", "InvalidArgument"),
    ("http://other-1250000000.cos.x.y/red.png", "InvalidImageSource"), ("http://127.0.0.1/red.png", "InvalidImageSource"),
    (f"{HOST}/none.png", "InvalidImageSource"), (f"{HOST}/wave.gif", "InvalidImageSource"),
    (f"{HOST}/red.png?imageMogr2/thumbnail/x", "InvalidImageSource"), (f"{HOST}/.mogr/x", "InvalidImageSource"),
])  # fmt: skip
def test_what_is_no_mark_is_said(server: Mogr, url: str, code: str) -> None:
    answer = server.get("/grey.png?" + mark(url))
    assert answer.status_code == 400
    assert f"<Code>{code}</Code>" in answer.text
    ignored = server.get(f"/grey.png?imageMogr2/ignore-error/1|{mark(url)}")
    assert ignored.content == GREY


def test_an_original_sent_for_want_of_a_mark_is_soon_asked_for_again(start: Start) -> None:
    server = start({"buckets": {"test-1250000000": {"ttl_s": 500, "error_ttl_s": 7}}}, {"grey.png": GREY})
    answer = server.get(f"/grey.png?imageMogr2/ignore-error/1|{mark(HOST + '/none.png')}")
    assert answer.content == GREY
    assert "max-age=7" in answer.headers["cache-control"]


def test_text_is_drawn_in_a_font_of_the_operator_by_its_file_name(start: Start, tmp_path: Path) -> None:
    brand = tmp_path / "brand"
    brand.mkdir()
    shutil.copy(Path(proxy.__file__).parent / "fonts" / "LiberationSans-Bold.ttf", brand / "Brand.ttf")
    server = start({"codec": {"fonts": [str(brand)]}}, {"grey.png": GREY})

    def ink(font: str) -> float:
        target = (
            f"/grey.png?watermark/2/text/{encode_text('mmmm')}/font/{encode_text(font)}/fontsize/60/fill/I0ZGRkZGRg"
        )
        return sum(
            level * count
            for level, count in enumerate(
                ImageChops.difference(picture(server.get(target)).convert("L"), opened(GREY).convert("L")).histogram()
            )
        )

    assert ink("brand.ttf") == ink("ariblk.ttf")
    assert ink("brand.ttf") > 1.3 * ink("tahoma.ttf") == 1.3 * ink("nobody knows it.ttf")
    assert "ontconfig" not in server.log.read_text()


def test_ten_texts_in_a_pipe_are_ten_texts(server: Mogr) -> None:
    places = [
        "northwest",
        "north",
        "northeast",
        "west",
        "center",
        "east",
        "southwest",
        "south",
        "southeast",
        "center/degree/90",
    ]
    stages = [
        f"watermark/2/text/{encode_text(str(n))}/fontsize/60/fill/I0ZGRkZGRg/gravity/{place}"
        for n, place in enumerate(places)
    ]
    answer = server.get("/cat.jpg?" + "|".join(stages))
    changed = (
        ImageChops.difference(picture(answer), opened(jpeg())).convert("L").point(lambda level: 255 * (level > 40))
    )
    assert picture(answer).size == (960, 540)
    for x in (0, 320, 640):
        for y in (0, 180, 360):
            assert changed.crop((x, y, x + 320, y + 180)).getbbox() is not None, (x, y)
    assert server.get("/cat.jpg?" + "|".join([*stages, stages[0]])).status_code == 400


def test_the_answer_is_a_whole_picture_in_any_format(server: Mogr) -> None:
    for format_ in ("jpg", "png", "webp", "avif", "gif"):
        stage = f"watermark/2/text/{encode_text('© mogr')}/batch/1/degree/45/shadow/50"
        answer = server.get(f"/cat.jpg?imageMogr2/thumbnail/200x/format/{format_}|{stage}", Accept="image/*")
        assert answer.status_code == 200
        assert Image.open(io.BytesIO(answer.content)).size == (200, 113)
