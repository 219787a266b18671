"""``quality/auto`` through a real server: by the table first, by what was measured from then on, after a restart as well."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from pictures import encoded, jpeg, opened, scene
from PIL import Image, ImageFilter

PHOTOS = Path(__file__).resolve().parents[2] / "photos"
TARGET = "/walrus.jpg?imageMogr2/thumbnail/320x/format/webp/quality/auto"
SETTINGS = {"ttl_s": 600, "persist": "off"}


def settled(server, target: str) -> httpx.Response:
    """The answer that stays."""
    until_s = time.monotonic() + 50
    while "detail=interim" in (answer := server.get(target)).headers["cache-status"]:
        assert answer.headers["cache-control"] == "public, max-age=10"
        assert time.monotonic() < until_s
        time.sleep(0.05)  # between requests to another process, whose codec would be busy with us else
    assert answer.headers["cache-control"] != "public, max-age=10"
    return answer


def test_the_first_answer_is_tentative_and_what_was_measured_outlives_the_server(start, tmp_path: Path) -> None:
    settings = {"buckets": {"test-1250000000": SETTINGS}, "cache": {"disk": {"path": str(tmp_path / "cache")}}}
    objects = {"walrus.jpg": (PHOTOS / "walrus.jpg").read_bytes()}
    server = start(settings, objects)
    first = server.get(TARGET)
    assert (first.status_code, first.headers["content-type"]) == (200, "image/webp")
    assert "detail=interim" in first.headers["cache-status"]
    last = settled(server, TARGET)
    assert opened(last.content).size == opened(first.content).size
    assert last.headers["etag"] != first.headers["etag"], "this picture is not like the average"
    near = server.get(TARGET + ":78")
    assert "detail=interim" not in near.headers["cache-status"]
    server.stop()
    again = start(settings, objects).get(TARGET)
    assert again.headers["etag"] == last.headers["etag"]
    assert again.headers["cache-status"] == "mogr; hit; detail=disk"


@pytest.mark.parametrize("value", ["auto:", "auto:0", "auto:-1", "auto:91", "auto:" + "9" * 40, "auto:high", "auto75"])
def test_no_score_is_a_clear_refusal(start, value: str) -> None:
    answer = start({}, {"a.jpg": jpeg(40, 30)}).get(f"/a.jpg?imageMogr2/quality/{value}")
    assert answer.status_code == 400
    assert "<Code>InvalidArgument</Code>" in answer.text
    assert "quality: " in answer.text
    assert "auto:30 to auto:90" in answer.text


def test_of_the_same_size_it_is_never_larger_than_the_original(start) -> None:
    photo = Image.open(PHOTOS / "violets.jpg").convert("RGB").resize((320, 240)).filter(ImageFilter.SHARPEN)
    poor = encoded(photo, "JPEG", quality=12)
    lines = encoded(scene(200, 100).quantize(4), "PNG", optimize=True)
    server = start({}, {"poor.jpg": poor, "lines.png": lines})
    for target, original in (
        ("/poor.jpg?imageMogr2/quality/auto:90", poor),
        ("/poor.jpg?imageMogr2/format/webp/quality/auto:90", poor),
        ("/lines.png?imageMogr2/format/jpg/quality/auto:90", lines),
    ):
        assert settled(server, target).content == original
    resized = settled(server, "/poor.jpg?imageMogr2/thumbnail/319x/quality/auto:90")
    assert opened(resized.content).size[0] == 319


def test_styles_and_pipes_have_it(start) -> None:
    styles = {"styles": {"small": "imageMogr2/thumbnail/64x/quality/auto:60"}}
    server = start({"buckets": {"test-1250000000": styles}}, {"a.jpg": jpeg(200, 100)})
    styled = settled(server, "/a.jpg!small")
    piped = settled(server, "/a.jpg?imageMogr2/thumbnail/64x|imageView2/0/q/auto:60")
    assert opened(styled.content).size == opened(piped.content).size == (64, 32)
