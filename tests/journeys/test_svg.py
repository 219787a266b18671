"""SVG through a real server: drawn, cleaned, or passed on under a policy; bombs cost an error."""

from __future__ import annotations

import base64
import gzip
import json
import socket
from collections.abc import Callable, Iterator

import pytest
from drawings import CODED, DRAWINGS, HEAD, svg
from pictures import opened, png
from servers.mogr import Mogr

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
NAVIGATION = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"
LOGO = svg('<circle cx="60" cy="40" r="30" fill="#ff0000"/><script>evil()</script>')
BOMB = svg(
    '<filter id="f" x="0" y="0" width="1" height="1"><feTurbulence baseFrequency=".1" numOctaves="9"/>'
    + '<feGaussianBlur stdDeviation="99"/><feTurbulence baseFrequency=".2" numOctaves="9"/>' * 40
    + '</filter><rect width="100%" height="100%" filter="url(#f)"/>',
    'width="3000" height="3000"',
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mogr]:
    with Mogr(tmp_path_factory.mktemp("svg"), {"codec": {"workers": 2, "deadline_s": 4}}) as running:
        running.put("logo.svg", LOGO.encode())
        running.put("text.svg", DRAWINGS["text"].encode())
        running.put("logo.jpg", CODED["gzip"])
        running.put("bomb.svg", BOMB.encode())
        running.put("photo.png", png(40, 30))
        running.put("packed.svg", gzip.compress(LOGO.encode()))
        yield running


@pytest.mark.parametrize(
    ("query", "accept", "media_type", "size"),
    [
        ("imageMogr2/thumbnail/240x", "*/*", "image/png", (240, 160)),
        ("imageMogr2/strip", CHROME, "image/png", (120, 80)),
        ("imageMogr2/format/auto", CHROME, "image/avif", (120, 80)),
        ("imageMogr2/format/auto", "image/svg+xml", "image/png", (120, 80)),
        ("imageMogr2/format/jpg/thumbnail/x40", "*/*", "image/jpeg", (60, 40)),
        ("imageMogr2/thumbnail/60x/minsize/1", "*/*", "image/png", (60, 40)),
        ("imageView2/1/w/50/h/50", "*/*", "image/png", (50, 50)),
    ],
)
def test_what_is_done_to_a_picture_is_done_to_its_pixels(
    server: Mogr, query: str, accept: str, media_type: str, size: tuple[int, int]
) -> None:
    answer = server.get(f"/logo.svg?{query}", Accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    picture = opened(answer.content).convert("RGBA")
    assert picture.size == size
    red, green, blue, alpha = picture.getpixel((size[0] // 2, size[1] // 2))
    assert red > 240
    assert max(green, blue) < 15
    assert alpha == 255
    if media_type != "image/jpeg":
        assert picture.getpixel((0, 0))[3] == 0


@pytest.mark.parametrize("accept", ["*/*", CHROME, NAVIGATION, "image/webp"])
@pytest.mark.parametrize("query", ["imageMogr2/format/svgc", "imageMogr2/format/SVGC/quality/50", "imageSlim"])
@pytest.mark.parametrize("name", ["logo.svg", "packed.svg"])
def test_svgc_is_svg_for_everyone(server: Mogr, name: str, query: str, accept: str) -> None:
    answer = server.get(f"/{name}?{query}", Accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert "vary" not in answer.headers
    assert b"evil" not in answer.content
    assert b'fill="#f00"' in answer.content
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_svg_by_its_own_name_is_passed_on_under_a_policy(server: Mogr) -> None:
    answer = server.get("/logo.svg")
    assert answer.content == LOGO.encode()
    assert answer.headers["content-type"] == "image/svg+xml"
    policy = answer.headers["content-security-policy"].split("; ")
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert not any("script" in rule or "http" in rule or "self" in rule for rule in policy)


def test_the_content_decides_and_a_packed_one_is_unpacked(server: Mogr) -> None:
    answer = server.get("/logo.jpg?imageMogr2/thumbnail/60x")
    assert (answer.headers["content-type"], opened(answer.content).size) == ("image/png", (60, 40))
    told = json.loads(server.get("/logo.jpg?imageInfo").content)
    assert (told["format"], told["width"], told["height"]) == ("svg", "120", "80")
    assert told["size"] == str(len(CODED["gzip"]))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/photo.png?imageMogr2/format/svgc", b"not SVG"),
        ("/logo.svg?imageMogr2/thumbnail/9x/format/svgc", b"format: &apos;svgc&apos; is not valid"),
        ("/logo.svg?imageMogr2/format/svgc|watermark/2/text/YQ", b"is not valid"),
        ("/logo.svg?imageMogr2/thumbnail/90000x", b"at most"),
    ],
)
def test_what_cannot_be_is_said(server: Mogr, path: str, message: bytes) -> None:
    answer = server.get(path)
    assert answer.status_code == 400
    assert message.replace(b"&apos;", b"'") in answer.content.replace(b"&apos;", b"'").replace(b"&#x27;", b"'")


def test_a_mark_may_be_an_svg(server: Mogr) -> None:
    mark = base64.urlsafe_b64encode(b"logo.svg").decode().rstrip("=")
    plain = server.get("/photo.png?imageMogr2/thumbnail/300x")
    marked = server.get(
        f"/photo.png?imageMogr2/thumbnail/300x|watermark/1/image_key/{mark}/gravity/center/dissolve/100"
    )
    assert marked.status_code == 200
    assert opened(plain.content).getpixel((150, 112)) != opened(marked.content).getpixel((150, 112))
    assert opened(marked.content).convert("RGB").getpixel((150, 112)) == (255, 0, 0)


def test_text_is_drawn_in_a_confined_process(server: Mogr) -> None:
    picture = opened(server.get("/text.svg?imageMogr2/thumbnail/480x").content)
    dark = sum(1 for pixel in picture.crop((0, 0, 160, 100)).get_flattened_data() if pixel[3] > 128)
    assert dark > 500


def test_a_bomb_ends_at_the_deadline_and_others_are_served(server: Mogr) -> None:
    assert server.get("/bomb.svg?imageMogr2/thumbnail/2900x").status_code == 504
    assert server.get("/bomb.svg?imageMogr2/format/svgc").status_code in (200, 504)
    assert server.get("/logo.svg?imageMogr2/thumbnail/77x").status_code == 200


@pytest.mark.parametrize(
    "inside",
    [
        '<image href="{0}" width="9" height="9"/>', '<use href="{0}#a"/>', "<style>@import url({0});</style>",
        "<style>@font-face{{font-family:f;src:url({0})}}</style><text font-family='f'>a</text>",
        '<filter id="f"><feImage href="{0}"/></filter><rect width="9" height="9" filter="url(#f)"/>',
        '<rect width="9" height="9" fill="url({0}#a)"/>', '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{0}"/>',
    ],
)  # fmt: skip
def test_nothing_is_fetched(server: Mogr, inside: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/x.svg"
        body = f"<?xml-stylesheet href='{url}'?>" + svg(inside.format(url) + '<rect y="40" width="99" height="9"/>')
        name = f"ref{abs(hash(inside))}.svg"
        server.put(name, body.encode())
        assert server.get(f"/{name}?imageMogr2/thumbnail/50x").status_code == 200
        cleaned = server.get(f"/{name}?imageMogr2/format/svgc")
        assert url.encode() not in cleaned.content
        with pytest.raises(TimeoutError):
            listener.accept()


def test_what_cannot_be_read_is_an_error_of_four_hundred(server: Mogr) -> None:
    for number, text in enumerate(
        (HEAD + ">", svg("<g>" * 100_000), f"<!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>{svg('&a;')}")
    ):
        server.put(f"broken{number}.svg", text.encode())
        for query in ("imageMogr2/thumbnail/9x", "imageMogr2/format/svgc", "imageInfo"):
            assert server.get(f"/broken{number}.svg?{query}").status_code == 400


def test_auto_format_leaves_lines_alone(start: Callable[..., Mogr]) -> None:
    running = start(
        {"buckets": {"test-1250000000": {"auto_format": True}}},
        files={"logo.svg": LOGO.encode(), "photo.png": png(20, 20)},
    )
    assert running.get("/photo.png", Accept=CHROME).headers["content-type"] == "image/avif"
    assert running.get("/logo.svg", Accept=CHROME).content == LOGO.encode()
