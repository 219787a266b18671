"""HTTP as caches and browsers rely on it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from pictures import jpeg
from servers.mogr import Mogr

URL = "/cat.jpg?imageMogr2/thumbnail/320x/format/webp"


def error_of(answer) -> dict[str, str]:
    assert answer.headers["content-type"] == "application/xml"
    root = ET.fromstring(answer.text)
    assert root.tag == "Error"
    found = {child.tag: child.text for child in root}
    assert set(found) == {"Code", "Message", "Resource", "RequestId", "TraceId"}
    assert all(found.values())
    assert found["RequestId"] == answer.headers["x-cos-request-id"]
    return found


@pytest.mark.parametrize("target", [URL, "/cat.jpg"])
def test_head_says_what_get_would(served: Mogr, target: str) -> None:
    get, head = served.get(target), served.get(target, method="HEAD")
    assert head.content == b""
    for name in ("content-type", "content-length", "etag", "last-modified", "cache-control", "accept-ranges", "vary"):
        assert head.headers.get(name) == get.headers.get(name), name


@pytest.mark.parametrize("target", [URL, "/cat.jpg"])
def test_conditions_hold_for_renditions_and_objects(served: Mogr, target: str) -> None:
    whole = served.get(target)
    etag, modified = whole.headers["etag"], whole.headers["last-modified"]
    for headers in ({"If-None-Match": etag}, {"If-None-Match": f'"x", W/{etag}'}, {"If-Modified-Since": modified}):
        answer = served.get(target, **headers)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
        assert answer.headers.get("vary") == whole.headers.get("vary")
        assert answer.headers["cache-control"] == whole.headers["cache-control"]
    assert served.get(target, **{"If-None-Match": '"other"', "If-Modified-Since": modified}).status_code == 200
    failed = served.get(target, **{"If-Match": '"other"'})
    assert failed.status_code == 412
    assert error_of(failed)["Code"] == "PreconditionFailed"
    assert served.get(target, **{"If-Match": etag}).status_code == 200


@pytest.mark.parametrize("target", [URL, "/cat.jpg"])
@pytest.mark.parametrize(
    ("field", "part"), [("bytes=0-9", slice(0, 10)), ("bytes=100-", slice(100, None)), ("bytes=-7", slice(-7, None))]
)
def test_one_range_is_served_from_the_same_bytes(served: Mogr, target: str, field: str, part: slice) -> None:
    whole = served.get(target).content
    answer = served.get(target, Range=field)
    assert answer.status_code == 206
    assert answer.content == whole[part]
    first, last, _ = part.indices(len(whole))
    assert answer.headers["content-range"] == f"bytes {first}-{last - 1}/{len(whole)}"
    assert answer.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("target", [URL, "/cat.jpg"])
def test_odd_ranges(served: Mogr, target: str) -> None:
    whole = served.get(target)
    for ignored in ("bytes=0-1,5-6", "lines=1-2", "bytes=9-1", "bytes=a-b"):
        assert served.get(target, Range=ignored).status_code == 200
    beyond = served.get(target, Range="bytes=99999999-")
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{len(whole.content)}"
    assert error_of(beyond)["Code"] == "InvalidRange"
    fits = served.get(target, **{"Range": "bytes=0-9", "If-Range": whole.headers["etag"]})
    assert fits.status_code == 206
    changed = served.get(target, **{"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (changed.status_code, changed.content) == (200, whole.content)
    assert served.get(target, **{"Range": "bytes=99999999-", "If-Range": '"other"'}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused_and_told_which_are_not(served: Mogr, method: str) -> None:
    answer = served.get("/cat.jpg", method=method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert error_of(answer)["Code"] == "MethodNotAllowed"


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/none.jpg", 404, "NoSuchKey"),
        ("/none.jpg?imageMogr2/thumbnail/100x", 404, "NoSuchKey"),
        ("/cat.jpg?imageMogr2/thumbnail/abc", 400, "InvalidArgument"),
        ("/cat.jpg?imageMogr2/crop/0x0", 400, "InvalidArgument"),
        ("/cat.jpg?imageMogr2/format/abc", 400, "InvalidArgument"),
        ("/cat.jpg?imageMogr2/blur/99x5", 400, "InvalidArgument"),
        ("/cat.jpg?imageMogr2/format/astc", 501, "NotImplemented"),
        ("/cat.jpg?ci-process=AIImageColoring", 501, "NotImplemented"),
        ("/notes.txt?imageMogr2/thumbnail/100x", 400, "InvalidImageFormat"),
        ("/cat.jpg?imageMogr2/thumbnail/20000x", 400, "ImageResolutionExceed"),
        ("/%FF%FE.jpg", 400, "InvalidURI"),
        ("/a%00b.jpg", 400, "InvalidURI"),
        ("/" + "k" * 851, 400, "KeyTooLong"),
        ("/../../../../etc/passwd", 404, "NoSuchKey"),
        ("/%2e%2e/%2e%2e/etc/passwd", 404, "NoSuchKey"),
        ("/", 501, "NotImplemented"),
    ],
)
def test_errors_have_the_shape_of_ci(served: Mogr, target: str, status: int, code: str) -> None:
    answer = served.get(target)
    assert answer.status_code == status, answer.text
    error = error_of(answer)
    assert error["Code"] == code
    assert "Traceback" not in answer.text
    assert "cache-control" in answer.headers
    head = served.get(target, method="HEAD")
    assert (head.status_code, head.content) == (status, b"")


def test_an_error_of_a_negotiated_url_varies_like_its_success(served: Mogr) -> None:
    assert served.get("/none.jpg?imageMogr2/format/avif").headers["vary"] == "Accept"
    assert "vary" not in served.get("/none.jpg?imageMogr2/format/png").headers
    assert "vary" not in served.get("/none.jpg").headers


@pytest.mark.parametrize(
    "operation",
    ["thumbnail/abc/ignore-error/1", "ignore-error/1/crop/0x0", "ignore-error/1/thumbnail/20000x"],
)
def test_ignore_error_answers_with_the_original(served: Mogr, operation: str) -> None:
    answer = served.get(f"/cat.jpg?imageMogr2/{operation}")
    assert (answer.status_code, answer.content) == (200, jpeg())
    text = served.get("/notes.txt?imageMogr2/thumbnail/100x/ignore-error/1")
    assert (text.status_code, text.headers["content-type"]) == (200, "text/plain")


def test_plain_objects_of_any_kind_and_size_are_streamed(start) -> None:
    large = b"0123456789abcdef" * (3 * 1024 * 1024)  # 48 MiB, over the limit of what is decoded
    server = start(files={"large.jpg": large, "a b+c%.txt": b"odd name", "日本.txt": b"utf-8"})
    answer = server.get("/large.jpg")
    assert answer.status_code == 200
    assert answer.content == large
    assert server.get("/large.jpg?imageMogr2/thumbnail/10x").status_code == 400
    assert "ImageTooLarge" in server.get("/large.jpg?imageMogr2/thumbnail/10x").text
    assert server.get("/large.jpg?imageMogr2/thumbnail/10x/ignore-error/1").content == large
    assert server.get("/a%20b+c%25.txt").content == b"odd name"
    assert server.get("/%E6%97%A5%E6%9C%AC.txt").content == b"utf-8"


@pytest.mark.parametrize(
    "query",
    [
        "imageMogr2/thumbnail/!50p",
        "imageMogr2%2Fthumbnail%2F%2150p=",
        "imageMogr2%2Fthumbnail%2F%2150p",
        "versionId=v1&imageMogr2%2Fthumbnail%2F%2150p",
        "imageMogr2%2Fthumbnail%2F%2150p=&response-content-type=image%2Fx",
        "imageMogr2/thumbnail/!50p/",
        "imageMogr2/auto-orient%7CimageMogr2/thumbnail/!50p",
    ],
)
def test_every_sdk_spelling_means_the_same(served: Mogr, query: str) -> None:
    from pictures import opened

    answer = served.get("/cat.jpg?" + query)
    assert answer.status_code == 200, answer.text
    assert opened(answer.content).size == (480, 270)
    assert answer.headers["content-type"] == "image/jpeg"


def test_buckets_are_found_by_host(start) -> None:
    buckets = {
        "test-1250000000": {"default": False, "hosts": ["img.example.com"]},
        "other-1250000000": {"store": "memory:"},
    }
    server = start({"buckets": buckets}, {"cat.jpg": jpeg()})
    for host in ("img.example.com", "IMG.example.com:8080", "test-1250000000.cos.ap-guangzhou.myqcloud.com"):
        assert server.get("/cat.jpg", Host=host).status_code == 200, host
    assert server.get("/cat.jpg", Host="other-1250000000.cos.x.example").status_code == 404
    unknown = server.get("/cat.jpg", Host="elsewhere.example.com")
    assert (unknown.status_code, error_of(unknown)["Code"]) == (404, "NoSuchBucket")


def test_a_private_bucket_is_closed_to_the_unsigned(start) -> None:
    server = start({"buckets": {"test-1250000000": {"public": "private"}}}, {"cat.jpg": jpeg()})
    answer = server.get("/cat.jpg")
    assert (answer.status_code, error_of(answer)["Code"]) == (403, "AccessDenied")
    assert server.get(URL).status_code == 403
