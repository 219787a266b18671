"""A bucket with ``pass_through``: a real server between real sockets, and an origin that says what it was sent."""

from __future__ import annotations

import asyncio
import http.client
import io
import socket
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from pictures import jpeg, opened
from servers.mogr import Mogr
from servers.origin import FaultyOrigin, Request, chunked, closed_port, head_of, raw, redirect, stall, status

HASTY = {"connect_timeout_s": 5.0, "read_timeout_s": 3.0, "total_timeout_s": 20.0}


@pytest.fixture(scope="module")
def origin() -> Iterator[FaultyOrigin]:
    with FaultyOrigin() as running:
        running.put("/p/cat.jpg", jpeg())
        yield running


@pytest.fixture(scope="module")
def mogr(origin: FaultyOrigin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mogr]:
    through = {
        "store": origin.url("/p/"),
        "allow_private": True,
        "pass_through": True,
        "origin_headers": {"Authorization": "secret of the origin"},
    }
    settings = {
        "origins": HASTY,
        "buckets": {
            "test-1250000000": through,
            "auto-1250000000": {**through, "hosts": ["auto.example"], "auto_format": True},
            "down-1250000000": {**through, "hosts": ["down.example"], "store": f"http://127.0.0.1:{closed_port()}/"},
            "inner-1250000000": {
                **through,
                "hosts": ["inner.example"],
                "store": "http://127.0.0.1:1/",
                "allow_private": False,
            },
            "plain-1250000000": {"hosts": ["plain.example"], "store": origin.url("/p/"), "allow_private": True},
        },
    }
    with Mogr(tmp_path_factory.mktemp("through"), settings) as server:
        yield server


@dataclass
class Answer:
    status: int
    lines: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.lines if key.lower() == name]

    @property
    def code(self) -> str | None:
        return ET.fromstring(self.body).findtext("Code")


Ask = Callable[..., Answer]


@pytest.fixture
def ask(mogr: Mogr) -> Ask:
    """One request with exactly these header lines; the answer as it came, nothing decoded."""

    def asking(
        target: str, method: str = "GET", lines: Sequence[tuple[str, str]] = (), body: bytes | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", mogr.port, timeout=20)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            if not any(name.lower() == "host" for name, _ in lines):
                connection.putheader("Host", "img.example")
            for name, value in lines:
                connection.putheader(name, value)
            if body is not None and not any(
                name.lower() in ("content-length", "transfer-encoding") for name, _ in lines
            ):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or b"")
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    return asking


def talk(port: int, sent: bytes) -> bytes:
    """Everything that is answered to *sent* on one connection, until it is closed or, after something came, quiet."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        received = b""
        try:
            while data := connection.recv(65_536):
                received += data
                connection.settimeout(1.5)
        except TimeoutError:
            pass
        return received


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_every_method_reaches_the_origin_with_its_body(ask: Ask, origin: FaultyOrigin, method: str) -> None:
    origin.answer(f"/p/api/{method}?x=1", status(201, b"made"))
    answer = ask(f"/api/{method}?x=1", method, body=b"\0\xff" * 1000)
    assert (answer.status, answer.body) == (201, b"made")
    assert (origin.requests[-1].method, origin.requests[-1].body) == (method, b"\0\xff" * 1000)


def test_a_chunked_body_and_expect_continue(mogr: Mogr, origin: FaultyOrigin) -> None:
    origin.answer("/p/chunks", status(200, b"ok"))
    with socket.create_connection(("127.0.0.1", mogr.port), timeout=10) as connection:
        connection.sendall(
            b"POST /chunks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"3\r\nabc\r\n3;x=y\r\ndef\r\n0\r\nX-Trailer: 1\r\n\r\n")
        assert b"HTTP/1.1 200 " in b"".join(iter(lambda: connection.recv(65_536), b""))
    arrived = origin.requests[-1]
    assert (arrived.body, arrived.headers["transfer-encoding"]) == (b"abcdef", "chunked")
    assert {"expect", "x-trailer"}.isdisjoint(arrived.headers)


def test_header_lines_of_the_request(ask: Ask, origin: FaultyOrigin) -> None:
    ask(
        "/headers?a=%zz&&b",
        lines=[
            ("Host", "img.example:8080"), ("Cookie", "a=b"), ("X-Twice", "1"), ("X-Twice", "2"), ("Accept", "image/avif"),
            ("Authorization", "Bearer client"), ("X_Authorization", "kept"), ("Connection", "X-Hop, keep-alive"),
            ("X-Hop", "1"), ("Keep-Alive", "5"), ("TE", "trailers"), ("Upgrade", "h2c"), ("Proxy-Authorization", "x"),
            ("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "for=203.0.113.9"), ("Via", "2 cdn"), ("User-Agent", "me"),
        ],
    )  # fmt: skip
    arrived = origin.requests[-1]
    assert (arrived.method, arrived.target) == ("GET", "/p/headers?a=%zz&&b")
    assert arrived.lines == (
        ("host", f"127.0.0.1:{origin.port}"), ("authorization", "secret of the origin"), ("cookie", "a=b"), ("x-twice", "1"),
        ("x-twice", "2"), ("accept", "image/avif"), ("x_authorization", "kept"), ("via", "2 cdn"), ("user-agent", "me"),
        ("x-forwarded-for", "127.0.0.1"), ("x-forwarded-host", "img.example:8080"), ("x-forwarded-proto", "http"),
        ("via", "1.1 mogr"),
    )  # fmt: skip


def test_header_lines_of_the_answer(ask: Ask, origin: FaultyOrigin) -> None:
    lines = [
        ("Date", "Thu, 01 Jan 1970 00:00:01 GMT"), ("Server", "theirs"), ("Set-Cookie", "a=1; Path=/"), ("ETag", 'W/"x"'),
        ("Set-Cookie", "b=2"), ("Cache-Status", "inner; hit"), ("Content-Type", "text/html"), ("X-Cos-Request-Id", "theirs"),
    ]  # fmt: skip
    hop = b"Connection: x-hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: 9\r\nProxy-Authenticate: x\r\n"
    head = b"HTTP/1.1 200 Fine\r\n" + b"".join(f"{n}: {v}\r\n".encode() for n, v in lines) + hop
    origin.answer("/p/answer", raw(head + b"Content-Length: 5\r\n\r\n<p>hi", keep=True))
    answer = ask("/answer")
    assert answer.body == b"<p>hi"
    assert [(name.lower(), value) for name, value in answer.lines] == [
        *((name.lower(), value) for name, value in lines), ("cache-status", "mogr; fwd=uri-miss"), ("content-length", "5"),
    ]  # fmt: skip


def test_head_is_get_without_its_body(ask: Ask, origin: FaultyOrigin) -> None:
    origin.put("/p/file.bin", b"x" * 70_000, media_type="application/x-thing")
    head = ask("/file.bin", "HEAD")
    assert origin.requests[-1].method == "HEAD"
    got = ask("/file.bin")
    assert (got.status, head.status, len(got.body), head.body) == (200, 200, 70_000, b"")
    own = {"date", "x-cos-request-id", "cache-status", "age"}
    told = [sorted((n.lower(), v) for n, v in each.lines if n.lower() not in own) for each in (got, head)]
    assert told[0] == told[1]
    assert head.values("content-length") == got.values("content-length") == ["70000"]


def test_conditions_and_ranges_are_answered_by_the_origin(ask: Ask, origin: FaultyOrigin) -> None:
    origin.put("/p/ranged.bin", bytes(range(200)), etag='"e"')
    unchanged = ask("/ranged.bin", lines=[("If-None-Match", '"e"')])
    assert (unchanged.status, unchanged.body, unchanged.values("etag")) == (304, b"", ['"e"'])
    part = ask("/ranged.bin", lines=[("Range", "bytes=10-19")])
    assert (part.status, part.body) == (206, bytes(range(10, 20)))
    assert part.values("content-range") == ["bytes 10-19/200"]
    beyond = ask("/ranged.bin", lines=[("Range", "bytes=900-")])
    assert (beyond.status, beyond.values("content-range")) == (416, ["bytes */200"])
    assert beyond.values("content-type") == ["image/jpeg"]  # theirs, not our XML


def test_a_redirect_is_passed_on_and_not_followed(ask: Ask, origin: FaultyOrigin) -> None:
    before = origin.count()
    for location in ("http://169.254.169.254/latest/", "/p/cat.jpg", "ht!tp://["):
        origin.answer("/p/moved", redirect(location, 307))
        answer = ask("/moved")
        assert (answer.status, answer.values("location")) == (307, [location])
    assert origin.count() == before + 3


def test_bodies_are_not_decoded_and_need_no_length(ask: Ask, origin: FaultyOrigin) -> None:
    origin.answer("/p/packed", chunked(b"\x1f\x8b", b"packed", Content_Encoding="br"))
    answer = ask("/packed")
    assert (answer.body, answer.values("content-encoding")) == (b"\x1f\x8bpacked", ["br"])
    assert (answer.values("transfer-encoding"), answer.values("content-length")) == (["chunked"], [])
    origin.answer("/p/nothing", raw(b"HTTP/1.1 204 X\r\n\r\n", keep=True))
    assert ask("/nothing", "DELETE").status == 204


def test_picture_operations_work_as_before(ask: Ask, origin: FaultyOrigin) -> None:
    origin.put("/p/own.jpg", jpeg())
    made = ask("/own.jpg?imageMogr2/thumbnail/100x/format/png")
    assert (made.status, opened(made.body).width) == (200, 100)
    assert made.values("cache-status") == ["mogr; fwd=miss; stored"]
    assert origin.requests[-1].headers["accept"] == "*/*"
    plain = ask("/cat.jpg")
    assert (plain.status, plain.body) == (200, jpeg())
    refused = ask("/cat.jpg?imageMogr2/thumbnail/100x", "POST", body=b"x")
    assert (refused.status, refused.values("allow"), refused.code) == (405, ["GET, HEAD"], "MethodNotAllowed")
    assert ask("/cat.jpg?imageMogr2/thumbnail/abc").code == "InvalidArgument"
    assert ask("/cat.jpg?imageMogr2/thumbnail/abc/ignore-error/1").body == jpeg()
    assert ask("/cat.jpg", "POST", [("Host", "plain.example")], b"x").status == 405


def test_auto_format_turns_a_plain_get_of_a_picture_into_an_operation(ask: Ask, origin: FaultyOrigin) -> None:
    made = ask("/cat.jpg", lines=[("Host", "auto.example"), ("Accept", "image/webp")])
    assert (made.status, made.values("content-type"), made.values("vary")) == (200, ["image/webp"], ["Accept"])
    origin.answer("/p/notes.txt", status(200, b"notes"))
    assert ask("/notes.txt", lines=[("Host", "auto.example")]).body == b"notes"
    assert ask("/cat.jpg", "PUT", [("Host", "auto.example")], b"new").values("cache-status") == ["mogr; fwd=method"]


@pytest.mark.parametrize(
    ("target", "code", "name"),
    [
        ("/../secret", 400, "InvalidURI"),
        ("/a/%2e%2e/%2E./secret", 400, "InvalidURI"),
        ("/..%2fsecret", 400, "InvalidURI"),
        ("/..%5csecret", 400, "InvalidURI"),
        ("/%252e%252e/secret", 400, "InvalidURI"),
        ("/..;/secret", 400, "InvalidURI"),
        ("/.mogr/x", 404, "NoSuchKey"),
        ("/%2emogr//x", 404, "NoSuchKey"),
    ],
)
def test_nothing_outside_the_prefix_and_nothing_of_ours_is_reachable(
    ask: Ask, origin: FaultyOrigin, target, code, name
) -> None:
    before = origin.count()
    for method in ("GET", "PUT", "DELETE"):
        answer = ask(target, method)
        assert (answer.status, answer.code) == (code, name)
    assert origin.count() == before


def test_a_loop_is_broken_and_no_cache_remembers_it(ask: Ask, origin: FaultyOrigin) -> None:
    before = origin.count()
    answer = ask("/cat.jpg", lines=[("Via", "1.1 front, 1.1 mogr (x)"), ("Connection", "via")])
    assert (answer.status, answer.code, answer.values("cache-control")) == (508, "LoopDetected", ["no-store"])
    assert origin.count() == before


def test_a_server_that_is_its_own_origin_answers_at_once(tmp_path: Path) -> None:
    server = Mogr(tmp_path, {"origins": HASTY})
    server.change(
        {"buckets": {"test-1250000000": {"store": server.url + "/", "allow_private": True, "pass_through": True}}}
    )
    with server:
        answer = server.get("/a.txt")
    assert (answer.status_code, ET.fromstring(answer.content).findtext("Code")) == (508, "LoopDetected")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_what_we_add_for_the_origin_is_not_shown(mogr: Mogr, origin: FaultyOrigin, method: str) -> None:
    before = origin.count()
    answer = talk(mogr.port, f"{method} /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
    assert answer.split(b" ")[1] in (b"405", b"400")
    assert b"secret" not in answer
    assert origin.count() == before


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4",
        b"Content-Length: 4\r\nContent-Length: 30",
        b"Content-Length: 4, 4",
        b"Content-Length: +4",
        b"Content-Length: 0x4",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding:\x0bchunked",
        b" Transfer-Encoding: chunked",
        b"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 4",
        b"Connection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked",
    ],
)
def test_a_body_with_doubtful_framing_is_refused(mogr: Mogr, origin: FaultyOrigin, framing: bytes) -> None:
    """Request smuggling: nothing of it is sent on, and what follows is not taken for a second request."""
    before = origin.count()
    hidden = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
    answer = talk(mogr.port, b"POST /smuggle HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n\r\n" + hidden)
    assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 501"), answer
    assert answer.count(b"HTTP/1.1 ") == 1, answer
    assert origin.count() == before


def test_underscored_framing_is_no_framing_and_is_not_sent_on(mogr: Mogr, origin: FaultyOrigin) -> None:
    origin.answer("/p/underscore", status(200, b"ok"))
    sent = b"POST /underscore HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nTransfer_Encoding: chunked\r\nConnection: close\r\n\r\nhi"
    assert talk(mogr.port, sent).startswith(b"HTTP/1.1 200")
    arrived = origin.requests[-1]
    assert arrived.body == b"hi"
    assert "transfer_encoding" not in arrived.headers


def test_an_upgrade_is_not_made(mogr: Mogr, origin: FaultyOrigin) -> None:
    origin.answer("/p/socket", status(200, b"plain"))
    upgrade = b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    answer = talk(
        mogr.port, b"GET /socket HTTP/1.1\r\nHost: h\r\n" + upgrade + b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert {"upgrade", "connection"}.isdisjoint(origin.requests[-1].headers)


def test_requests_on_one_connection_are_answered_in_turn(mogr: Mogr, origin: FaultyOrigin) -> None:
    for name in ("one", "two"):
        origin.answer(f"/p/{name}", status(200, name.encode()))
    sent = b"POST /one HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /two HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answers = talk(mogr.port, sent)
    assert answers.count(b"HTTP/1.1 200") == 2
    assert answers.index(b"\r\n\r\none") < answers.index(b"\r\n\r\ntwo")


def test_origins_that_fail(ask: Ask, origin: FaultyOrigin) -> None:
    origin.answer("/p/stalls", stall())
    origin.answer("/p/garbage", raw(b"\0\1"))
    for target, host, code in [
        ("/stalls", "img.example", 504),
        ("/garbage", "img.example", 502),
        ("/x", "down.example", 502),
        ("/x", "inner.example", 400),
    ]:
        answer = ask(target, "POST", [("Host", host)], b"x")
        assert (answer.status, answer.values("content-type")) == (code, ["application/xml"]), target
    assert origin.count("/p/garbage") == origin.count("/p/stalls") == 1


def test_an_answer_that_breaks_off_breaks_the_connection(ask: Ask, origin: FaultyOrigin) -> None:
    origin.answer("/p/short", raw(head_of(200, {"Content-Length": 100}) + b"abc"))
    with pytest.raises(http.client.IncompleteRead):
        ask("/short")
    origin.answer("/p/cut", chunked(b"abc", finished=False))
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        ask("/cut")


def test_a_large_answer_is_streamed_at_the_speed_of_its_reader(mogr: Mogr, origin: FaultyOrigin) -> None:
    total_bytes, written = 256 * 1024 * 1024, [0]
    block = bytes(1024 * 1024)

    async def large(_: Request, writer: asyncio.StreamWriter) -> bool:
        writer.write(head_of(200, {"Content-Length": total_bytes}))
        while written[0] < total_bytes:
            writer.write(block)
            await writer.drain()
            written[0] += len(block)
        return True

    origin.answer("/p/large", large)
    memory_before = _resident_bytes(mogr)
    with socket.create_connection(("127.0.0.1", mogr.port), timeout=10) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        _until_still(lambda: written[0])
        assert 0 < written[0] < 64 * 1024 * 1024  # what the sockets' buffers hold
        received = 0
        buffer = bytearray(1 << 20)
        while count := connection.recv_into(buffer):
            received += count
    assert received > total_bytes - 100
    assert _resident_bytes(mogr) - memory_before < 32 * 1024 * 1024


def test_a_large_body_is_streamed_at_the_speed_of_the_origin(mogr: Mogr, origin: FaultyOrigin) -> None:
    total_bytes, gate = 96 * 1024 * 1024, threading.Event()

    async def count(_: Request, writer: asyncio.StreamWriter) -> None:
        while not gate.is_set():
            await asyncio.sleep(0.01)
        await asyncio.sleep(3600)

    origin.deaf.add("/p/upload-deaf")
    origin.answer("/p/upload-deaf", count)
    memory_before = _resident_bytes(mogr)
    with socket.create_connection(("127.0.0.1", mogr.port), timeout=0.5) as connection:
        connection.sendall(b"PUT /upload-deaf HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % total_bytes)
        sent = 0
        try:
            while sent < total_bytes:
                sent += connection.send(bytes(65_536))
        except (TimeoutError, ConnectionError):
            pass
    gate.set()
    assert sent < 48 * 1024 * 1024
    assert _resident_bytes(mogr) - memory_before < 32 * 1024 * 1024

    origin.answer("/p/upload", status(200, b"ok"))
    body = io.BytesIO(bytes(total_bytes))
    connection = http.client.HTTPConnection("127.0.0.1", mogr.port, timeout=30)
    connection.request("PUT", "/upload", body, {"Content-Length": str(total_bytes)})
    assert connection.getresponse().read() == b"ok"
    connection.close()
    assert len(origin.requests[-1].body) == total_bytes
    origin.requests.clear()


def test_a_client_that_leaves_ends_what_the_origin_was_doing_for_it(mogr: Mogr, origin: FaultyOrigin) -> None:
    broken = threading.Event()

    async def for_ever(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head_of(200, {"Content-Type": "text/event-stream"}))
        try:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        except ConnectionError:
            broken.set()
            raise

    origin.answer("/p/endless", for_ever)
    with socket.create_connection(("127.0.0.1", mogr.port), timeout=10) as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: h\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    assert broken.wait(5)


def test_a_client_that_leaves_within_its_body_is_no_whole_request_for_the_origin(
    mogr: Mogr, origin: FaultyOrigin
) -> None:
    origin.answer("/p/half", status(200))
    for framing, body in ((b"Content-Length: 100", b"half"), (b"Transfer-Encoding: chunked", b"4\r\nhalf\r\n")):
        with socket.create_connection(("127.0.0.1", mogr.port), timeout=10) as connection:
            connection.sendall(b"PUT /half HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n\r\n" + body)
            time.sleep(0.2)
    assert mogr.get("/cat.jpg").status_code == 200
    assert origin.count("/p/half") == 0


def test_a_client_that_stalls_within_its_body_is_told(mogr: Mogr, origin: FaultyOrigin) -> None:
    answer = talk(mogr.port, b"PUT /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answer
    assert origin.count("/p/slow") == 0


def test_every_answer_has_one_date(mogr: Mogr, origin: FaultyOrigin, ask: Ask) -> None:
    for target in ("/cat.jpg", "/cat.jpg?imageMogr2/thumbnail/50x", "/none", "/../x"):
        assert len(ask(target).values("date")) == 1, target


def _resident_bytes(mogr: Mogr) -> int:
    pages = 0
    for pid in mogr.web_pids():
        pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


def _until_still(value: Callable[[], int]) -> None:
    """Wait until *value* has not changed for a while."""
    last, since = -1, time.monotonic()
    until = since + 10
    while time.monotonic() < until and time.monotonic() - since < 0.5:
        if value() != last:
            last, since = value(), time.monotonic()
        time.sleep(0.02)
