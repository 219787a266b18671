"""The face of forwarding, with a fake origin behind it: what goes through, and how a body is read and given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from caching import Caching
from fakes import FakeOrigin

from proxy.core.http_cache.ending import Ending
from proxy.core.styles import Styles
from proxy.errors import LoopDetected, MethodNotAllowed, NoSuchKey, UnclearBody, UnknownCoding
from proxy.ports import ForwardRequest
from proxy.service.bucket import Bucket, BucketRules
from proxy.web.pass_through import forwarded_reply, goes_through
from proxy.web.peers import Peers
from proxy.web.presence import ClientGoneError
from proxy.web.reply import Reply
from proxy.web.request import EdgeRequest


class FakeAnswer:
    status = 200
    lines = ((b"set-cookie", b"a=1"), (b"cache-status", b"inner; hit"), (b"set-cookie", b"b=2"))
    size_bytes = 4
    ending = Ending.TOLD
    closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"body"

    async def aclose(self) -> None:
        self.closed = True


class FakeForwarder:
    """Reads the body, then waits for its gate, then answers."""

    def __init__(self) -> None:
        self.requests: list[ForwardRequest] = []
        self.received = b""
        self.reads = True
        self.gate = asyncio.Event()
        self.gate.set()
        self.cancelled = False

    async def forward(self, request: ForwardRequest) -> FakeAnswer:
        self.requests.append(request)
        try:
            if request.body is not None and self.reads:
                async for chunk in request.body:
                    self.received += chunk
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return FakeAnswer()


def bucket(forwarder: FakeForwarder | None, **rules: object) -> Bucket:
    return Bucket(rules=replace(BucketRules(name="b"), **rules), origin=FakeOrigin(), forward=forwarder)


def request(method: str = "GET", path: bytes = b"/a", query: bytes = b"", *lines: tuple[bytes, bytes]) -> EdgeRequest:
    return EdgeRequest(
        method=method, host="h", raw_path=path, raw_query=query, headers={}, peer="192.0.2.1", lines=lines
    )


def events(*messages: object):
    """An ASGI ``receive`` that gives *messages* (bytes: a piece of body, None: it is over) and then waits for ever."""
    left = list(messages)

    async def receive() -> dict[str, object]:
        if not left:
            await asyncio.Event().wait()
        message = left.pop(0)
        if message == "gone":
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": message or b"", "more_body": message is not None}

    return receive


async def reply(asked: EdgeRequest, forwarder: FakeForwarder, *messages: object, **rules: object) -> Reply:
    return await forwarded_reply(
        asked, bucket(forwarder, **rules), forwarder, Caching().cache, Peers(), events(*messages)
    )


@pytest.mark.parametrize(
    ("method", "path", "query", "auto_format", "through"),
    [
        ("GET", b"/a.jpg", b"", False, True),
        ("POST", b"/a.jpg", b"x=1", False, True),
        ("GET", b"/a.jpg", b"sign=%zz&t=%FF", False, True),  # broken for us, and none of our business
        ("GET", b"/a.jpg", b"&" * 500, False, True),
        ("GET", b"/\xff%00", b"", False, True),
        ("GET", b"/a.jpg", b"imageMogr2/thumbnail/1x", False, False),
        ("GET", b"/a.jpg", b"x=1&imageMogr2%2Fbroken", False, False),
        ("POST", b"/a.jpg", b"imageMogr2/thumbnail/1x", False, False),
        ("GET", b"/a.jpg", b"ci-process=x", False, False),
        ("GET", b"/a.jpg", b"ci-proces%73=x", False, False),
        ("GET", b"/a.jpg", b"x" * 65_537, False, False),  # too long to look through: refused
        ("GET", b"/a.jpg", b"", True, False),
        ("HEAD", b"/a.j%70g", b"", True, False),
        ("POST", b"/a.jpg", b"", True, True),
        ("GET", b"/a.txt", b"", True, True),
    ],
)
def test_what_is_no_picture_operation_goes_through(method, path, query, auto_format, through) -> None:
    forwarder = FakeForwarder()
    asked = request(method, path, query)
    assert goes_through(asked, bucket(forwarder, auto_format=auto_format)) is (forwarder if through else None)
    assert goes_through(asked, bucket(None, auto_format=auto_format)) is None


@pytest.mark.parametrize(
    ("path", "query", "through"),
    [
        (b"/a.jpg!small", b"", False),
        (b"/a.jpg%21small", b"", False),
        (b"/a.jpg", b"x=1&small", False),
        (b"/a.jpg", b"style/small", False),
        (b"/a.jpg!other", b"small=1", True),
    ],
)
def test_a_style_is_a_picture_operation(path: bytes, query: bytes, through: bool) -> None:
    forwarder = FakeForwarder()
    styles = Styles(texts={"small": "imageMogr2/thumbnail/1x"})
    for method in ("GET", "POST"):
        found = goes_through(request(method, path, query), bucket(forwarder, styles=styles))
        assert found is (forwarder if through else None)


async def test_an_answer_keeps_its_lines_and_says_how_it_came() -> None:
    forwarder = FakeForwarder()
    answer = await reply(request("GET", b"/a%2Fb", b"c=d", (b"host", b"h"), (b"cookie", b"x")), forwarder)
    assert answer.headers == [
        ("set-cookie", "a=1"),
        ("cache-status", "inner; hit"),
        ("set-cookie", "b=2"),
        ("cache-status", "mogr; fwd=uri-miss"),
    ]
    assert (answer.status, answer.size_bytes) == (200, 4)
    (sent,) = forwarder.requests
    assert (sent.method, sent.raw_path, sent.raw_query) == ("GET", b"/a%2Fb", b"c=d")
    assert (sent.body, sent.body_bytes) == (None, None)
    assert dict(sent.lines)[b"cookie"] == b"x"


@pytest.mark.parametrize(
    ("lines", "has_body", "body_bytes"),
    [
        ([], False, None),
        ([(b"content-length", b"0")], False, 0),
        ([(b"content-length", b"6")], True, 6),
        ([(b"upgrade", b"h2c"), (b"content-length", b"6")], True, 6),
        ([(b"connection", b"upgrade"), (b"upgrade", b"websocket")], False, None),
        ([(b"transfer-encoding", b"Chunked")], True, None),
    ],
)
async def test_a_body_is_what_its_framing_says(lines, has_body: bool, body_bytes: int | None) -> None:
    forwarder = FakeForwarder()
    await reply(request("PUT", b"/a", b"", *lines), forwarder, b"abc", b"def", None)
    (sent,) = forwarder.requests
    assert (sent.body is not None, sent.body_bytes) == (has_body, body_bytes)
    assert forwarder.received == (b"abcdef" if has_body else b"")


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([(b"content-length", b"3"), (b"transfer-encoding", b"chunked")], UnclearBody),
        ([(b"content-length", b"3"), (b"content-length", b"4")], UnclearBody),
        ([(b"content-length", b"+3")], UnclearBody),
        ([(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")], UnclearBody),
        ([(b"transfer-encoding", b"gzip, chunked")], UnknownCoding),
        ([(b"connection", b"Upgrade"), (b"upgrade", b"h2c"), (b"content-length", b"3")], UnclearBody),
        ([(b"connection", b"a, upgrade"), (b"upgrade", b"h2c"), (b"transfer-encoding", b"chunked")], UnclearBody),
        ([(b"via", b"1.1 mogr")], LoopDetected),
        ([(b"via", b"1.1 mogr"), (b"connection", b"via")], LoopDetected),
    ],
)
async def test_what_may_not_be_forwarded_is_not(lines, error) -> None:
    forwarder = FakeForwarder()
    with pytest.raises(error):
        await reply(request("POST", b"/a", b"", *lines), forwarder, b"x", None)
    assert forwarder.requests == []


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
async def test_methods_that_would_show_what_we_add_are_refused(method: str) -> None:
    with pytest.raises(MethodNotAllowed):
        await reply(request(method), FakeForwarder())


@pytest.mark.parametrize(
    "path",
    [
        b"/.mogr/x",
        b"/%2emogr/x",
        b"//.mogr//x",
        b"/a/../.mogr/x",
        b"/.MOGR/x",
        b"/\\.mogr\\x",
        b"/.mogr/\xff",
        b"/.mogr",
    ],
)
async def test_the_prefix_of_renditions_is_unreachable(path: bytes) -> None:
    forwarder = FakeForwarder()
    with pytest.raises(NoSuchKey):
        await reply(request("DELETE", path), forwarder)
    assert forwarder.requests == []


async def test_max_forwards_is_counted_down_for_options() -> None:
    forwarder = FakeForwarder()
    await reply(request("OPTIONS", b"/a", b"", (b"max-forwards", b"3")), forwarder)
    assert dict(forwarder.requests[0].lines)[b"max-forwards"] == b"2"
    last = await reply(request("OPTIONS", b"/a", b"", (b"max-forwards", b"0")), forwarder)
    assert (last.status, len(forwarder.requests)) == (204, 1)
    await reply(request("GET", b"/a", b"", (b"max-forwards", b"0")), forwarder)
    assert len(forwarder.requests) == 2


async def test_a_client_that_leaves_within_its_body_breaks_the_forwarding() -> None:
    forwarder = FakeForwarder()
    with pytest.raises(ClientGoneError):
        await reply(request("PUT", b"/a", b"", (b"content-length", b"9")), forwarder, b"abc", "gone")
    assert forwarder.received == b"abc"


async def test_a_client_that_leaves_while_waiting_cancels_the_forwarding() -> None:
    forwarder = FakeForwarder()
    forwarder.gate.clear()
    with pytest.raises(ClientGoneError):
        await reply(request("PUT", b"/a", b"", (b"content-length", b"3")), forwarder, b"abc", None, "gone")
    assert forwarder.received == b"abc"
    assert forwarder.cancelled
    with pytest.raises(ClientGoneError):
        await reply(request(), forwarder, None, "gone")


async def test_an_answer_before_the_end_of_the_body_is_passed_on() -> None:
    forwarder = FakeForwarder()
    forwarder.reads = False
    answer = await reply(request("PUT", b"/a", b"", (b"content-length", b"9")), forwarder, b"abc")
    assert answer.status == 200
