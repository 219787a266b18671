"""Files that are something else than they say, or two things at once (security tests T13, T21): no browser runs any of it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import httpx
import pytest
from pictures import encoded, jpeg, opened, scene
from PIL import Image
from servers.mogr import Mogr

SCRIPT = b"<script>alert(document.domain)</script>"
HTML = b"<!DOCTYPE html><html><body>" + SCRIPT + b"</body></html>"
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30" onload="alert(1)"><script>alert(1)</script>'
    b'<image href="http://127.0.0.1:9/x.png" width="9" height="9"/></svg>'
)


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("evil.html", HTML)
    return out.getvalue()


def with_comment(picture: bytes) -> bytes:
    """A JPEG whose comment is a page."""
    return picture[:2] + b"\xff\xfe" + (2 + len(HTML)).to_bytes(2, "big") + HTML + picture[2:]


NO_PICTURES = {
    "page.jpg": HTML,
    "script.gif": b"GIF89a=1;alert(document.domain)//" + bytes(20),
    "archive.png": archive(),
    "document.webp": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj",
    "program.png": b"\x7fELF\x02\x01\x01" + bytes(60),
}
TWO_THINGS = {
    "comment.jpg": with_comment(jpeg(60, 40)),
    "tail.jpg": jpeg(60, 40) + HTML,
    "zip.png": encoded(scene(60, 40), "PNG") + archive(),
    "text.png": encoded(scene(60, 40), "PNG", pnginfo=None) + SCRIPT,
    "comment.gif": encoded(scene(60, 40).convert("P"), "GIF", comment=SCRIPT),
}


def assert_harmless(answer: httpx.Response) -> None:
    """Opened as a page it may run nothing and load nothing; its own styles and pictures are all that is left of it."""
    policy = [part.strip() for part in answer.headers["content-security-policy"].split(";")]
    assert policy[0] == "default-src 'none'"
    assert policy[-1] == "sandbox"
    assert set(policy[1:-1]) <= {"style-src 'unsafe-inline'", "img-src data:", "font-src data:"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mogr]:
    made = Mogr(tmp_path_factory.mktemp("confused"))
    for key, body in {**NO_PICTURES, **TWO_THINGS, "drawing.svg": SVG, "named.png": SVG}.items():
        made.put(key, body)
    with made:
        yield made


@pytest.mark.parametrize("key", NO_PICTURES)
@pytest.mark.parametrize("operation", ["imageMogr2/thumbnail/20x", "imageMogr2/format/auto", "imageInfo", "imageAve"])
def test_what_is_no_picture_is_an_error_and_not_passed_on(key: str, operation: str, server: Mogr) -> None:
    answer = server.get(f"/{key}?{operation}", Accept="image/avif,image/webp,*/*")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/xml")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert b"alert" not in answer.content


@pytest.mark.parametrize("key", TWO_THINGS)
@pytest.mark.parametrize("format_", ["jpg", "png", "gif", "webp", "avif"])
def test_of_what_is_two_things_only_the_picture_is_sent(key: str, format_: str, server: Mogr) -> None:
    answer = server.get(f"/{key}?imageMogr2/thumbnail/20x/format/{format_}")
    assert answer.status_code == 200, answer.text
    assert opened(answer.content).format == {"jpg": "JPEG"}.get(format_, format_.upper())
    assert b"alert" not in answer.content
    assert b"PK\x05\x06" not in answer.content
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert_harmless(answer)


@pytest.mark.parametrize("key", [*NO_PICTURES, *TWO_THINGS, "drawing.svg", "named.png"])
@pytest.mark.parametrize("slim", ["", "?imageSlim"])  # which sends the original where it fails
def test_an_object_as_it_is_can_run_nothing_in_our_name(key: str, slim: str, server: Mogr) -> None:
    answer = server.get(f"/{key}{slim}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("image/"), "what it is named, never what it looks like"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert_harmless(answer)


def test_a_drawing_named_a_png_is_sent_as_nothing_that_runs(server: Mogr) -> None:
    answer = server.get("/named.png?imageMogr2/thumbnail/20x/format/png")
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert Image.open(io.BytesIO(answer.content)).format == "PNG"
    assert b"<svg" not in answer.content
