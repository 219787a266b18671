"""Answers that are text: asked by URL, by `ci-process`, behind a pipe and by COS' own SDK."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from pictures import animated, encoded, jpeg, opened, png, scene
from reporting import SHORTEST
from servers.mogr import Mogr
from servers.origin import FaultyOrigin

from proxy.codec import codes
from proxy.codec.blind import waves
from proxy.core.reports import REPORTS

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
needs_codes = pytest.mark.skipif(codes.zxing is None, reason="zxing-cpp is not installed")
STREAM = (b"\x47\x40\x00\x10" + bytes(184)) * 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mogr]:
    directory = tmp_path_factory.mktemp("reports")
    settings = {"buckets": {"test-1250000000": {"persist": "read-through", "negotiate": "accept", "auto_format": True}}}
    made = Mogr(directory, settings)
    made.put("cat.jpg", jpeg())
    made.put("wave.gif", animated())
    made.put("odd.png", png(64, 48) + STREAM)
    made.put("notes.txt", b"no picture at all")
    with made:
        yield made


def said(server: Mogr, target: str) -> dict[str, Any]:
    answer = server.get(target, Accept=CHROME)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


@needs_codes
@pytest.mark.skipif(waves.np is None, reason="NumPy is not installed")
@pytest.mark.parametrize("report", REPORTS)
def test_every_report_is_cached_and_validated_as_a_rendition_and_no_accept_changes_it(
    server: Mogr, report: str
) -> None:
    target = f"/cat.jpg?imageMogr2/thumbnail/200x|{SHORTEST[report]}"
    first, second = server.get(target, Accept=CHROME), server.get(target, Accept="image/jpeg")
    assert first.status_code == 200, first.text
    assert first.content == second.content
    assert second.headers["cache-status"].startswith("mogr; hit")
    for answer in (first, second):
        assert "vary" not in answer.headers
        assert (
            answer.headers["content-type"]
            == {"json": "application/json", "xml": "application/xml"}[REPORTS[report].answers]
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "public, max-age=3600"
    head = server.get(target, method="HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(first.content)))
    assert server.get(target, If_None_Match=first.headers["etag"]).status_code == 304
    part = server.get(target, Range="bytes=0-4")
    assert (part.status_code, part.content) == (206, first.content[:5])


def test_image_info_has_cis_shape(server: Mogr) -> None:
    body = jpeg()
    info = said(server, "/cat.jpg?imageInfo")
    assert info == said(server, "/cat.jpg?imageInfo=")
    assert info | {"photo_rgb": ""} == {
        "format": "jpeg", "width": "960", "height": "540", "size": str(len(body)), "md5": hashlib.md5(body).hexdigest(),
        "frame_count": "1", "photo_rgb": "",
    }  # fmt: skip
    assert said(server, "/cat.jpg?imageAve") == {"RGB": info["photo_rgb"]}
    assert said(server, "/wave.gif?imageInfo")["frame_count"] == "5"


def test_a_report_after_a_pipe_is_on_what_the_same_pipe_answers(server: Mogr) -> None:
    operation = "imageMogr2/thumbnail/!50p/format/webp"
    picture = server.get(f"/cat.jpg?{operation}", Accept=CHROME).content
    info = said(server, f"/cat.jpg?{operation}|imageInfo")
    assert (info["width"], info["height"], info["format"]) == ("480", "270", "webp")
    assert (info["size"], info["md5"]) == (str(len(picture)), hashlib.md5(picture).hexdigest())


@pytest.mark.parametrize("query", ["imageInspect", "imageInspect=", "ci-process=ImageInspect"])
def test_what_hides_behind_a_picture_is_found(server: Mogr, query: str) -> None:
    size = len(png(64, 48))
    assert said(server, f"/odd.png?{query}") == {
        "picSize": size + len(STREAM), "picType": "png", "suspicious": True, "suspiciousBeginByte": size,
        "suspiciousEndByte": size + len(STREAM) - 1, "suspiciousSize": len(STREAM), "suspiciousType": "MPEG-TS",
    }  # fmt: skip


def test_a_picture_without_metadata_or_label_says_so(server: Mogr) -> None:
    assert said(server, "/cat.jpg?exif") == {"error": "no exif data"}
    assert said(server, "/cat.jpg?ci-process=ImageAIGCMetadata") == {}


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/notes.txt?imageInfo", 400, "InvalidImageFormat"),
        ("/gone.jpg?exif", 404, "NoSuchKey"),
        ("/cat.jpg?blurhash/x/10", 400, "InvalidArgument"),
        ("/cat.jpg?QRcode/cover/yes", 400, "InvalidArgument"),
        ("/cat.jpg?ci-process=QRcode&cover=2", 400, "InvalidArgument"),
        ("/cat.jpg?imageInfo|exif", 400, "InvalidArgument"),
        ("/cat.jpg?imageMogr2/thumbnail/9999x|imageMogr2/rotate/400|imageInfo", 400, "InvalidArgument"),
        ("/?ci-process=qrcode-generate&width=100", 400, "InvalidArgument"),
        ("/?ci-process=qrcode-generate&qrcode-content=a&width=10", 400, "InvalidArgument"),
    ],
)
@needs_codes
def test_errors_are_cis_xml(server: Mogr, target: str, status: int, code: str) -> None:
    answer = server.get(target)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/xml")
    assert ET.fromstring(answer.content).findtext("Code") == code


def test_ignore_error_answers_the_original(server: Mogr) -> None:
    answer = server.get("/notes.txt?imageMogr2/ignore-error/1|imageInfo")
    assert (answer.status_code, answer.content) == (200, b"no picture at all")


@needs_codes
def test_a_code_is_drawn_found_in_a_picture_and_covered(server: Mogr) -> None:
    url = "/?ci-process=qrcode-generate&qrcode-content=https%3A%2F%2Fexample.com%2F%3Fa%3Db+c&mode=0&width=200"
    made = server.get(url)
    assert (made.status_code, made.headers["content-type"]) == (200, "application/xml")
    assert server.get(url, If_None_Match=made.headers["etag"]).status_code == 304
    code = base64.b64decode(ET.fromstring(made.content).findtext("ResultImage") or "")
    assert (opened(code).format, opened(code).size) == ("PNG", (200, 200))
    photo = scene(640, 480)
    photo.paste(opened(code).convert("RGB"), (300, 100))
    server.put("poster.jpg", encoded(photo, "JPEG", quality=90))
    for query in ("QRcode/cover/1", "ci-process=QRcode&cover=1&bar-type=0"):
        root = ET.fromstring(server.get(f"/poster.jpg?{query}").content)
        assert root.findtext("CodeStatus") == "1"
        assert root.findtext("QRcodeInfo/CodeUrl") == "https://example.com/?a=b c"
        assert len(root.findall("QRcodeInfo/CodeLocation/Point")) == 4
        server.put("covered.jpg", base64.b64decode(root.findtext("ResultImage") or ""))
    assert ET.fromstring(server.get("/covered.jpg?QRcode").content).findtext("CodeStatus") == "0"


def test_results_survive_in_the_bucket_and_on_disk(server: Mogr) -> None:
    target = "/cat.jpg?imageMogr2/rotate/90|imageInfo"
    first = server.get(target)
    assert server.process is not None
    server.stop()
    server.start()
    again = server.get(target)
    assert again.headers["cache-status"] in ("mogr; hit; detail=disk", "mogr; hit; detail=bucket")
    assert (again.content, again.headers["content-type"]) == (first.content, "application/json")


def test_the_name_to_save_a_picture_under_is_not_that_of_its_report(start) -> None:
    with FaultyOrigin() as origin:
        origin.put("/cat.jpg", jpeg(), headers={"Content-Disposition": "attachment; filename=cat.jpg"})
        server = start({"buckets": {"test-1250000000": {"store": origin.url("/"), "allow_private": True}}})
        assert "content-disposition" in server.get("/cat.jpg?imageMogr2/thumbnail/10x").headers
        assert "content-disposition" not in server.get("/cat.jpg?imageInfo").headers


@needs_codes
def test_the_python_sdk_of_cos_reads_every_report(server: Mogr) -> None:
    from qcloud_cos import CosConfig, CosS3Client

    config = CosConfig(
        Region="ap-x", SecretId="id", SecretKey="key", Scheme="http", Domain=server.url.removeprefix("http://")
    )
    client = CosS3Client(config)
    bucket = "test-1250000000"
    assert json.loads(client.ci_get_image_info(Bucket=bucket, Key="cat.jpg")[1])["width"] == "960"
    assert json.loads(client.ci_get_image_exif_info(Bucket=bucket, Key="cat.jpg")[1]) == {"error": "no exif data"}
    assert json.loads(client.ci_get_image_ave_info(Bucket=bucket, Key="cat.jpg")[1])["RGB"].startswith("0x")
    assert json.loads(client.ci_image_inspect(Bucket=bucket, Key="odd.png")[1])["suspicious"] is True
    assert client.ci_get_image_aigc_metadata(Bucket=bucket, Key="cat.jpg")[1] == {}
    made = client.ci_qrcode_generate(Bucket=bucket, QrcodeContent="a b+c/d", Width=200)
    server.put("sdk.png", base64.b64decode(made["ResultImage"]))
    found = client.ci_get_object_qrcode(Bucket=bucket, Key="sdk.png", Cover=0)[1]
    assert (found["CodeStatus"], found["QRcodeInfo"]["CodeUrl"]) == ("1", "a b+c/d")
