"""What real clients get for one URL."""

from __future__ import annotations

import pytest
from pictures import opened
from servers.mogr import Mogr

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SAFARI = "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
OLD_SAFARI = "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5"
WEBP_ONLY = "image/webp,*/*"
CURL = "*/*"


@pytest.mark.parametrize(
    ("target", "accept", "media_type", "varies"),
    [
        ("/cat.jpg?imageMogr2/thumbnail/200x/format/avif", CHROME, "image/avif", True),
        ("/cat.jpg?imageMogr2/thumbnail/200x/format/avif", SAFARI, "image/avif", True),
        ("/cat.jpg?imageMogr2/thumbnail/200x/format/avif", WEBP_ONLY, "image/webp", True),
        ("/cat.jpg?imageMogr2/thumbnail/200x/format/avif", OLD_SAFARI, "image/jpeg", True),
        ("/cat.jpg?imageMogr2/thumbnail/200x/format/avif", CURL, "image/avif", True),
        ("/cat.jpg?imageMogr2/thumbnail/200x/format/avif", None, "image/avif", True),
        ("/logo.png?imageMogr2/thumbnail/200x/format/avif", OLD_SAFARI, "image/png", True),
        ("/wave.gif?imageMogr2/format/webp", OLD_SAFARI, "image/gif", True),
        ("/cat.jpg?imageMogr2/thumbnail/200x/format/auto", CHROME, "image/avif", True),
        ("/cat.jpg?imageMogr2/thumbnail/200x/format/auto", WEBP_ONLY, "image/webp", True),
        ("/cat.jpg?imageMogr2/thumbnail/200x/format/auto", CURL, "image/jpeg", True),
        ("/logo.png?imageMogr2/thumbnail/200x/format/auto", CURL, "image/png", True),
        ("/wave.gif?imageMogr2/thumbnail/100x/format/auto", CHROME, "image/avif", True),
        ("/wave.gif?imageMogr2/thumbnail/100x/format/auto", WEBP_ONLY, "image/webp", True),
        ("/wave.gif?imageMogr2/thumbnail/100x/format/auto", CURL, "image/gif", True),
        ("/cat.jpg?imageMogr2/thumbnail/200x/format/png", CHROME, "image/png", False),
        ("/cat.jpg?imageMogr2/thumbnail/200x", CHROME, "image/jpeg", False),
        ("/cat.jpg", CHROME, "image/jpeg", False),
    ],
)
def test_each_client_gets_what_it_can_show(
    served: Mogr, target: str, accept: str | None, media_type: str, varies: bool
) -> None:
    answer = served.get(target, **({"Accept": accept} if accept else {}))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == media_type
    assert answer.headers.get("vary") == ("Accept" if varies else None)
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert f"image/{opened(answer.content).format.lower()}" == media_type


def test_animation_stays_where_the_target_can_carry_it(served: Mogr) -> None:
    answer = served.get("/wave.gif?imageMogr2/thumbnail/100x/format/webp", Accept=CHROME)
    picture = opened(answer.content)
    assert (picture.format, picture.n_frames, picture.size) == ("WEBP", 5, (100, 50))
    moving = opened(served.get("/wave.gif?imageMogr2/thumbnail/100x/format/avif", Accept=CHROME).content)
    assert (moving.format, moving.n_frames, moving.size) == ("AVIF", 5, (100, 50))
    still = opened(served.get("/wave.gif?imageMogr2/thumbnail/100x/format/jpg", Accept=CHROME).content)
    assert (still.format, still.size) == ("JPEG", (100, 50))


def test_transparency_onto_jpeg_is_white(served: Mogr) -> None:
    picture = opened(served.get("/logo.png?imageMogr2/thumbnail/96x/format/jpg").content).convert("RGB")
    assert min(picture.getpixel((10, 10))) > 250


def test_orientation_follows_the_rules_of_ci(served: Mogr) -> None:
    kept = opened(served.get("/turned.jpg?imageMogr2/thumbnail/480x").content)
    assert kept.size == (480, 270)
    assert kept.getexif()[0x0112] == 6
    asked = opened(served.get("/turned.jpg?imageMogr2/auto-orient/thumbnail/270x").content)
    assert asked.size == (270, 480)
    assert asked.getexif().get(0x0112, 1) == 1
    baked = opened(served.get("/turned.jpg?imageMogr2/thumbnail/480x/format/avif").content)
    assert baked.size == (270, 480)
    auto = opened(served.get("/turned.jpg?imageMogr2/thumbnail/270x/format/auto").content)
    assert auto.size == (270, 480)
    assert not auto.getexif()


def test_a_conversion_alone_is_never_larger_than_an_original_the_client_can_show(start) -> None:
    from pictures import jpeg

    original = jpeg(300, 200, quality=5)
    server = start(files={"tiny.jpg": original})
    answer = server.get("/tiny.jpg?imageMogr2/format/auto", Accept=CURL)
    assert len(answer.content) <= len(original)


def test_exact_buckets_let_the_url_alone_decide(start) -> None:
    from pictures import jpeg

    server = start({"buckets": {"test-1250000000": {"negotiate": "exact"}}}, {"cat.jpg": jpeg()})
    answer = server.get("/cat.jpg?imageMogr2/thumbnail/100x/format/webp", Accept=OLD_SAFARI)
    assert answer.headers["content-type"] == "image/webp"
    assert "vary" not in answer.headers
    assert server.get("/cat.jpg?imageMogr2/format/auto", Accept=CHROME).status_code == 400


def test_auto_format_buckets_convert_plain_pictures_and_nothing_else(start) -> None:
    from pictures import jpeg

    server = start(
        {"buckets": {"test-1250000000": {"auto_format": True}}},
        {"cat.jpg": jpeg(), "fake.jpg": b"not a picture", "a.txt": b"text"},
    )
    assert server.get("/cat.jpg", Accept=CHROME).headers["content-type"] == "image/avif"
    fake = server.get("/fake.jpg", Accept=CHROME)
    assert (fake.status_code, fake.content, fake.headers["vary"]) == (200, b"not a picture", "Accept")
    text = server.get("/a.txt", Accept=CHROME)
    assert (text.content, text.headers.get("vary")) == (b"text", None)
