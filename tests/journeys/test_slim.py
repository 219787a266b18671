"""imageSlim says what became of the picture, wherever the answer comes from; the rest of the encoding side, served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pictures import animated, encoded, jpeg, png, scene
from servers.mogr import Mogr

from proxy.codec import pillow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mogr]:
    with Mogr(tmp_path_factory.mktemp("slim"), {"codec": {"workers": 1}}) as running:
        yield running


def large(seed: int = 0) -> bytes:
    """A photograph as an editor saves it."""
    return encoded(scene(400, 300, seed), "JPEG", quality=95)


def test_a_compressed_picture_says_so_from_every_tier(tmp_path: Path) -> None:
    persisted = {"buckets": {"test-1250000000": {"persist": "read-through"}}}
    with Mogr(tmp_path, persisted) as first:
        first.put("a.jpg", large())
        answers = [first.get("/a.jpg?imageSlim"), first.get("/a.jpg?imageSlim"), first.get("/a.jpg?imageSlim", "HEAD")]
        part = first.get("/a.jpg?imageSlim", range="bytes=0-9")
    with Mogr(tmp_path, persisted) as second:  # the memory tier is gone
        answers.append(second.get("/a.jpg?imageSlim"))
    assert {answer.headers["x-slimflag"] for answer in (*answers, part)} == {"1"}
    assert {answer.headers["content-type"] for answer in answers} == {"image/jpeg"}
    assert len(answers[0].content) < 0.8 * len(large())
    assert answers[3].content == answers[0].content
    assert "detail=memory" in answers[1].headers["cache-status"]
    assert "hit" in answers[3].headers["cache-status"]


@pytest.mark.parametrize(
    ("name", "body", "media_type"),
    [
        ("a.webp", encoded(scene(60, 40), "WEBP"), "image/webp"),
        ("moving.webp", animated(60, 40, 3, "WEBP"), "image/webp"),
    ],
)
def test_the_original_is_sent_where_nothing_is_gained(server: Mogr, name: str, body: bytes, media_type: str) -> None:
    server.put(name, body)
    for _ in range(2):
        answer = server.get(f"/{name}?imageSlim")
        assert (answer.status_code, answer.headers["x-slimflag"], answer.content) == (200, "2", body)
        assert answer.headers["content-type"] == media_type


@pytest.mark.parametrize("body", [b"no picture", png(200, 100)[:1000]])
def test_a_failure_sends_the_original_and_says_so(server: Mogr, body: bytes) -> None:
    server.put("broken.png", body)
    answer = server.get("/broken.png?imageSlim")
    assert (answer.status_code, answer.headers["x-slimflag"], answer.content) == (200, "0", body)


def test_what_is_not_there_is_still_not_there(server: Mogr) -> None:
    assert server.get("/nothing.png?imageSlim").status_code == 404


def test_only_slim_answers_carry_the_flag(server: Mogr) -> None:
    server.put("b.jpg", large(1))
    assert "x-slimflag" not in server.get("/b.jpg?imageMogr2/thumbnail/50x").headers
    assert "x-slimflag" not in server.get("/b.jpg").headers
    assert server.get("/b.jpg?imageMogr2/thumbnail/50x|imageSlim").headers["x-slimflag"] == "1"


def test_slim_keeps_the_format_where_the_bucket_would_choose_one(tmp_path: Path) -> None:
    with Mogr(tmp_path, {"buckets": {"test-1250000000": {"auto_format": True}}}) as server:
        server.put("a.jpg", large())
        answer = server.get("/a.jpg?imageSlim", accept="image/avif,image/webp")
        assert (answer.headers["content-type"], answer.headers["x-slimflag"]) == ("image/jpeg", "1")
        assert "vary" not in answer.headers


def test_animated_png_is_read_and_written(server: Mogr) -> None:
    server.put("a.gif", animated(60, 40, 4))
    made = server.get("/a.gif?imageMogr2/format/apng")
    assert (made.status_code, made.headers["content-type"]) == (200, "image/apng")
    server.put("a.png", made.content)
    assert server.get("/a.png?imageInfo").json()["frame_count"] == "4"
    assert server.get("/a.png?imageMogr2/thumbnail/30x").headers["content-type"] == "image/apng"
    assert server.get("/a.png?imageMogr2/format/jpg").headers["content-type"] == "image/jpeg"


@pytest.mark.skipif(pillow.jxl is None, reason="needs the extra jxl")
def test_jpeg_xl_is_written_by_a_confined_process(server: Mogr) -> None:
    server.put("c.jpg", jpeg(320, 200))
    answer = server.get("/c.jpg?imageMogr2/format/jxl", accept="image/jxl,image/webp")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jxl")
    assert "Accept" in answer.headers["vary"]


def test_a_label_that_was_written_is_read_back(server: Mogr) -> None:
    server.put("d.jpg", jpeg(64, 40))
    made = server.get("/d.jpg?imageMogr2/AIGCMetadata/Label/MQ==/ProduceID/YWJj")
    server.put("labelled.jpg", made.content)
    label = server.get("/labelled.jpg?ci-process=ImageAIGCMetadata").json()["AIGC"]
    assert (label["Label"], label["ProduceID"]) == ("1", "abc")


@pytest.mark.parametrize("name", ["astc", "psd"])
def test_formats_that_mogr_does_not_write_say_so(server: Mogr, name: str) -> None:
    server.put("e.jpg", jpeg(64, 40))
    answer = server.get(f"/e.jpg?imageMogr2/format/{name}")
    assert answer.status_code == 501
    assert f"format/{name}" in answer.text
