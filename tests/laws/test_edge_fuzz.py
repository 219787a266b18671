"""A few seconds of what ``make fuzz-edge`` does at length; and that it would notice."""

from __future__ import annotations

from random import Random

import pytest

from bench.fuzz.answers import Answer, complaint, repetition
from bench.fuzz.asked import Request, request
from bench.fuzz.edge import Run, running

ERROR = (
    b"<?xml version='1.0' encoding='utf-8' ?><Error><Code>NotImplemented</Code><Message>%s</Message><Resource>/</Resource>"
    b"<RequestId>1</RequestId><TraceId>2</TraceId></Error>"
)
ID = {"x-cos-request-id": "1"}
XML = {**ID, "content-type": "application/xml"}
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(("status", "headers", "body", "says"), [
    (500, XML, ERROR % b"no", "status 500"),
    (502, XML, ERROR % b"no", "status 502"),
    (501, XML, ERROR % b"no", None),
    (501, {**ID, "content-type": "text/plain"}, b"no", "501 as text/plain"),
    (503, XML, ERROR % b"no", "503 without Retry-After"),
    (504, XML, ERROR % b"no", "504 with code NotImplemented"),
    (400, XML, ERROR % b"no", None),
    (400, {"content-type": "application/xml"}, ERROR % b"no", "400 without x-cos-request-id"),
    (400, XML, b"<Error>", "400 with XML that cannot be read: no element found"),
    (400, XML, b"<Error><Code>a</Code></Error>", "400 with an error of another shape"),
    (400, XML, ERROR % b"It cannot be processed safely.", "a codec process was lost"),
    (200, {**ID, "content-type": "image/png"}, PNG, None),
    (200, {**ID, "content-type": "image/png"}, b"GIF89a", "gif as image/png"),
    (200, {**ID, "content-type": "text/html"}, PNG, "a rendition as text/html"),
    (200, {**ID, "content-type": "application/json"}, b"{", "a report that is no JSON"),
    (206, {**ID, "content-type": "image/png"}, b"x", "206 without Content-Range"),
    (304, ID, b"x", "a body where none may be"),
    (302, ID, b"", "status 302"),
])  # fmt: skip
def test_what_is_wrong_with_an_answer_is_seen(
    status: int, headers: dict[str, str], body: bytes, says: str | None
) -> None:
    assert complaint(Request(), Answer(status, headers, body)) == says


def test_an_object_may_be_anything_and_a_head_has_no_body() -> None:
    page = Answer(200, {**ID, "content-type": "text/html"}, b"<p>")
    assert complaint(Request(), page, object_=True) is None
    assert complaint(Request(method="HEAD"), page) == "a body where none may be"


def test_the_same_request_has_the_same_answer() -> None:
    one = Answer(200, {**ID, "etag": '"a"'}, b"")
    assert repetition(one, one) is None
    assert repetition(one, Answer(200, {**ID, "etag": '"b"'}, b"")) == "another etag when asked again"
    assert repetition(one, Answer(400, ID, b"")) == "200 once and 400 again"
    assert repetition(one, Answer(503, ID, b"")) is None
    assert (
        repetition(one, Answer(200, {**ID, "etag": '"b"', "cache-status": "mogr; fwd=miss; detail=interim"}, b""))
        is None
    )


def test_requests_follow_from_their_number_and_are_each_one_request() -> None:
    for number in range(300):
        asked = request(Random(f"7 {number}"), ["a.png", "é b.jpg"])
        assert asked == request(Random(f"7 {number}"), ["a.png", "é b.jpg"])
        line, *fields = asked.encoded().split(b"\r\n")
        assert line.count(b" ") == 2
        assert not any(byte < 0x21 for byte in asked.target)
        assert len(fields) == len(asked.headers) + 2


def test_shorter_requests_are_shorter() -> None:
    asked = Request(method="HEAD", target=b"/a?imageMogr2/rotate/9|exif", headers=(("Host", "h"), ("Accept", "*/*")))
    shorter = list(asked.shorter())
    assert Request(method="HEAD", target=asked.target, headers=(("Host", "h"),)) in shorter
    assert b"/a?imageMogr2/rotate/9" in [each.target for each in shorter]
    assert all(len(each.encoded()) < len(asked.encoded()) for each in shorter)


def test_a_real_edge_gives_no_reason_for_complaint(capsys: pytest.CaptureFixture[str]) -> None:
    with running(5, None, files=0) as (edge, keys):
        run = Run(edge, keys, seed=5)
        for number in range(250):
            run.try_one(number)
        assert (run.failures, edge.lost(), edge.bugs()) == (0, {}, []), capsys.readouterr().out
        assert {200, 304, 400, 403, 404, 501} <= run.statuses.keys()
