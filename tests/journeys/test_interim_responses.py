"""Interim answers (1xx) of an origin on their way through a bucket with ``pass_through``, byte by byte."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Self

import pytest
from pictures import jpeg
from servers.mogr import Mogr
from servers.origin import Behaviour, FaultyOrigin, Request, head_of, raw

HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload; as=style\r\nx-hint: 1\r\n\r\n"
SENT = HINTS.replace(b"\r\n\r\n", b"\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\r\n")


@pytest.fixture(scope="module")
def origin() -> Iterator[FaultyOrigin]:
    with FaultyOrigin() as running:
        yield running


@pytest.fixture(scope="module")
def mogr(origin: FaultyOrigin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mogr]:
    bucket = {"store": origin.url("/p/"), "allow_private": True, "pass_through": True}
    with Mogr(tmp_path_factory.mktemp("informed"), {"buckets": {"test-1250000000": bucket}}) as server:
        yield server


class Client:
    """One connection; what arrives is read as answers, interim ones among them."""

    def __init__(self, server: Mogr) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def send(
        self, *targets: str, method: str = "GET", version: str = "1.1", lines: str = "", body: bytes = b""
    ) -> None:
        said = [f"{method} {target} HTTP/{version}\r\nHost: h\r\n{lines}\r\n".encode() + body for target in targets]
        self._socket.sendall(b"".join(said))

    def more(self, data: bytes) -> None:
        self._socket.sendall(data)

    def head(self) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self._file.readline()
            assert line, f"closed after {head!r}"
            head += line
        return head

    def answer(self, *, empty: bool = False) -> tuple[list[bytes], bytes, bytes]:
        """The interim header sections, the final one, and its body."""
        interim = []
        while (head := self.head()).startswith(b"HTTP/1.1 1"):
            interim.append(head)
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: "))
        return interim, head, b"" if empty else self._file.read(int(length[16:]))


@pytest.fixture
def client(mogr: Mogr) -> Iterator[Client]:
    with Client(mogr) as connected:
        yield connected


def ok(body: bytes = b"ok", *before: bytes, **headers: str) -> Behaviour:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(request: Request, writer: asyncio.StreamWriter) -> bool:
        head = head_of(200, {"Content-Length": len(body), **named})
        writer.write(b"".join(before) + head + (b"" if request.method == "HEAD" else body))
        return True

    return answer


def gated(*before: bytes) -> tuple[Behaviour, threading.Event]:
    """Sends *before*, waits, and answers."""
    gate = threading.Event()
    answering = ok()

    async def answer(request: Request, writer: asyncio.StreamWriter) -> bool | None:
        writer.write(b"".join(before))
        await asyncio.to_thread(gate.wait, 20)
        return await answering(request, writer)

    return answer, gate


def test_they_arrive_while_the_answer_is_being_made(client: Client, origin: FaultyOrigin) -> None:
    behaviour, gate = gated(b"HTTP/1.1 102 Processing\r\n\r\n", SENT)
    origin.answer("/p/slow", behaviour)
    client.send("/slow")
    assert client.head() == b"HTTP/1.1 102 Processing\r\n\r\n"
    assert client.head() == HINTS
    gate.set()
    interim, head, body = client.answer()
    assert (interim, body) == ([], b"ok")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"x-hint" not in head


def test_they_are_not_kept_and_neither_are_their_fields(client: Client, origin: FaultyOrigin) -> None:
    origin.answer("/p/kept", ok(b"ok", SENT, Cache_Control="max-age=600"))
    client.send("/kept")
    first = client.answer()
    client.send("/kept")
    again = client.answer()
    assert (first[0], again[0], first[2], again[2]) == ([HINTS], [], b"ok", b"ok")
    assert b"cache-status: mogr; hit" in again[1]
    assert not any(name in head for head in (first[1], again[1]) for name in (b"x-hint", b"link:"))
    assert origin.count("/p/kept") == 1


def test_pipelined_requests_have_theirs_in_order(client: Client, origin: FaultyOrigin) -> None:
    behaviour, gate = gated()
    origin.answer("/p/first", behaviour)
    origin.answer("/p/second", ok(b"second", SENT))
    client.send("/first", "/second", "/first")
    gate.set()
    assert [(interim, body) for interim, _, body in (client.answer() for _ in range(3))] == [
        ([], b"ok"), ([HINTS], b"second"), ([], b"ok"),
    ]  # fmt: skip


@pytest.mark.parametrize("method", ["HEAD", "POST", "DELETE", "PROPFIND"])
def test_every_method_has_them(client: Client, origin: FaultyOrigin, method: str) -> None:
    origin.answer("/p/any", ok(b"ok", SENT))
    client.send(
        "/any",
        method=method,
        lines="Content-Length: 3\r\n" if method == "POST" else "",
        body=b"abc"[: 3 * (method == "POST")],
    )
    interim, head, _ = client.answer(empty=method == "HEAD")
    assert (interim, head.startswith(b"HTTP/1.1 200 ")) == ([HINTS], True)


def test_100_is_said_once_and_by_who_wants_the_body(client: Client, origin: FaultyOrigin) -> None:
    origin.answer("/p/upload", ok(b"ok", b"HTTP/1.1 100 Continue\r\n\r\n" * 2, SENT))
    client.send("/upload", method="PUT", lines="Content-Length: 3\r\nExpect: 100-continue\r\n")
    assert client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.more(b"abc")
    assert client.answer()[0] == [HINTS]
    assert "expect" not in origin.requests[-1].headers


def test_a_client_of_http_1_0_gets_none(client: Client, origin: FaultyOrigin) -> None:
    origin.answer("/p/old", ok(b"ok", SENT))
    client.send("/old", version="1.0")
    assert client.answer()[0] == []


def test_another_protocol_is_not_begun(client: Client, origin: FaultyOrigin) -> None:
    switching = head_of(101, {"Upgrade": "websocket", "Connection": "upgrade"})
    origin.answer("/p/switch", raw(SENT + switching))
    client.send("/switch")
    interim, head, _ = client.answer()
    assert interim == [HINTS]
    assert head.startswith(b"HTTP/1.1 502 ")


def test_a_flood_of_them_is_an_error(client: Client, origin: FaultyOrigin) -> None:
    origin.answer("/p/flood", raw(SENT * 1000))
    client.send("/flood")
    interim, head, _ = client.answer()
    assert interim == [HINTS] * 10
    assert head.startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize(
    "hostile",
    [b"HTTP/1.1 103 X\r\nLink\r\n\r\n", b"HTTP/1.1 103 X\r\nX: a\0b\r\n\r\n", b"HTTP/1.1 103 X\r\nX Y: a\r\n\r\n"],
)
def test_one_that_cannot_be_read_is_an_error(client: Client, origin: FaultyOrigin, hostile: bytes) -> None:
    origin.answer("/p/odd", ok(b"ok", SENT, hostile))
    client.send("/odd")
    interim, head, _ = client.answer()
    assert interim == [HINTS]
    assert head.startswith(b"HTTP/1.1 502 ")


def test_what_is_said_of_an_original_is_not_said_of_a_picture_made_of_it(client: Client, origin: FaultyOrigin) -> None:
    origin.answer("/p/cat.jpg", ok(jpeg(), SENT, Content_Type="image/jpeg", Cache_Control="max-age=600"))
    client.send("/cat.jpg?imageMogr2/thumbnail/16x")
    interim, head, _ = client.answer()
    assert interim == []
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"x-hint" not in head
    client.send("/cat.jpg")
    assert client.answer()[0] == [HINTS]


def test_connections_to_the_origin_stay_good(client: Client, origin: FaultyOrigin) -> None:
    origin.answer("/p/again", ok(b"ok", SENT))
    client.send("/again")
    client.answer()
    before = origin.connections
    for _ in range(3):
        client.send("/again")
        assert client.answer()[0] == [HINTS]
    assert origin.connections == before
