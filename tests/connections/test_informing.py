"""Interim answers on one connection: to whom, until when, how many."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState
from wire import Timers, Wire

from proxy.connections.informing import MAX_ANSWERS, MAX_BYTES, SCOPE_KEY, Informing
from proxy.connections.protocol import BoundedProtocol

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HINTS = [(b"link", b"</a.css>; rel=preload"), (b"x-twice", b"1"), (b"x-twice", b"\xe9")]
HINTED = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nx-twice: 1\r\nx-twice: \xe9\r\n\r\n"


class Application:
    """Answers with the path once its gate is open; *informed* is what each request may write interim answers with."""

    def __init__(self) -> None:
        self.informed: dict[str, Informing | None] = {}
        self.gate = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.informed[scope["path"]] = scope.get(SCOPE_KEY)
        await self.gate.wait()
        body = scope["path"].encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


Connected = tuple[BoundedProtocol, Wire, Application]
Connect = Callable[[bytes], Awaitable[Connected]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """``connect(data)`` is a connection that has received that."""
    opened: list[Connected] = []

    async def connecting(data: bytes) -> Connected:
        application, wire = Application(), Wire()
        config = uvicorn.Config(application, lifespan="off", log_config=None)
        protocol = BoundedProtocol(config, ServerState(), {}, Timers())
        protocol.connection_made(wire)
        opened.append((protocol, wire, application))
        protocol.data_received(data)
        await settle()
        return opened[-1]

    yield connecting
    for protocol, _, application in opened:
        protocol.resume_writing()
        application.gate.set()
    await settle()


async def test_they_are_written_at_once_and_before_the_answer(connect: Connect) -> None:
    _, wire, application = await connect(GET)
    inform = application.informed["/"]
    assert inform is not None
    inform(103, HINTS)
    inform(102, [])
    assert wire.written == HINTED + b"HTTP/1.1 102 Processing\r\n\r\n"
    application.gate.set()
    await settle()
    assert wire.written.partition(b"102 Processing\r\n\r\n")[2].startswith(b"HTTP/1.1 200 OK\r\n")


async def test_an_answered_request_leaves_nothing_to_the_garbage_collector(connect: Connect) -> None:
    protocol, _, application = await connect(GET)
    answered = weakref.ref(protocol.cycle)
    application.gate.set()
    await settle()
    application.informed.clear()
    gc.disable()
    try:
        protocol.data_received(GET)  # until then the protocol keeps the last one
        await settle()
        assert answered() is None
    finally:
        gc.enable()


async def test_a_status_without_a_name_has_none(connect: Connect) -> None:
    _, wire, application = await connect(GET)
    application.informed["/"](199, [])  # type: ignore[misc]
    assert wire.written == b"HTTP/1.1 199 \r\n\r\n"


@pytest.mark.parametrize("version", [b"1.0", b"1.2", b"0.9"])
async def test_only_http_1_1_knows_them(connect: Connect, version: bytes) -> None:
    _, _, application = await connect(GET.replace(b"1.1", version))
    assert application.informed.get("/") is None


def closing(protocol: BoundedProtocol, wire: Wire) -> None:
    wire.closing = True


def gone(protocol: BoundedProtocol, wire: Wire) -> None:
    protocol.connection_lost(None)


def slow(protocol: BoundedProtocol, wire: Wire) -> None:
    protocol.pause_writing()


@pytest.mark.parametrize("what", [closing, gone, slow])
async def test_none_is_written_where_nobody_takes_it(
    connect: Connect, what: Callable[[BoundedProtocol, Wire], None]
) -> None:
    protocol, wire, application = await connect(GET)
    what(protocol, wire)
    application.informed["/"](103, HINTS)  # type: ignore[misc]
    assert wire.written == b""


async def test_none_is_written_into_an_answer_or_after_it(connect: Connect) -> None:
    _, wire, application = await connect(GET)
    application.gate.set()
    await settle()
    before = wire.written
    assert before.endswith(b"\r\n\r\n/")
    application.informed["/"](103, HINTS)  # type: ignore[misc]
    assert wire.written == before


async def test_a_request_that_waits_for_another_one_is_asked_about_by_nobody(connect: Connect) -> None:
    _, wire, application = await connect(GET + GET.replace(b"/ ", b"/second "))
    assert list(application.informed) == ["/"]
    application.informed["/"](103, HINTS)  # type: ignore[misc]
    application.gate.set()
    await settle()
    assert list(application.informed) == ["/", "/second"]
    assert wire.written.startswith(HINTED + b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("status", "lines"),
    [
        (100, []),
        (101, [(b"upgrade", b"x")]),
        (99, []),
        (200, []),
        (1000, []),
        (103, [(b"a\r\nb", b"c")]),
        (103, [(b"a", b"b\r\n\r\nHTTP/1.1 200 OK")]),
        (103, [(b"a b", b"c")]),
        (103, [(b"a", b"\0")]),
    ],
)
async def test_what_would_be_something_else_is_never_written(
    connect: Connect, status: int, lines: list[tuple[bytes, bytes]]
) -> None:
    _, wire, application = await connect(GET)
    application.informed["/"](status, lines)  # type: ignore[misc]
    assert wire.written == b""


async def test_there_are_only_so_many_for_one_request(connect: Connect) -> None:
    _, wire, application = await connect(GET)
    for _ in range(MAX_ANSWERS + 5):
        application.informed["/"](102, [])  # type: ignore[misc]
    assert wire.written.count(b"HTTP/1.1 102 ") == MAX_ANSWERS


async def test_all_of_them_have_only_so_many_bytes(connect: Connect) -> None:
    _, wire, application = await connect(GET)
    for _ in range(5):
        application.informed["/"](103, [(b"link", b"x" * 5_000)])  # type: ignore[misc]
    assert wire.written.count(b"HTTP/1.1 103 ") == 3
    application.informed["/"](103, HINTS)  # type: ignore[misc]
    assert wire.written.endswith(HINTED), "a short one still fits"
    assert len(wire.written) <= MAX_BYTES
