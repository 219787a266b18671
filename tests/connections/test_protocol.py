"""How long a connection may take, told by the timers that it sets; nothing here waits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState
from wire import Timers, Wire

from proxy.connections.protocol import HEAD_S, LINGER_S, BoundedProtocol
from proxy.connections.readers import Patience, Reader

KEEP_ALIVE_S = 75.0
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
BODY = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"


async def says_ok(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def connect(timers: Timers, wire: Wire, app: Any = says_ok, **options: Any) -> BoundedProtocol:
    config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_keep_alive=int(KEEP_ALIVE_S))
    protocol = BoundedProtocol(config, ServerState(), {}, timers, **options)
    protocol.connection_made(wire)
    return protocol


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("first", [b"G", b"GET / HTTP/1.1\r\n", b"FO", "GET /ä".encode()])
async def test_a_head_has_one_time_however_often_a_byte_of_it_arrives(first: bytes) -> None:
    timers, wire = Timers(), Wire()
    protocol = connect(timers, wire)
    protocol.data_received(first)
    begun = timers.pending_s, len(timers.pending)
    protocol.data_received(b"x")
    assert (timers.pending_s, len(timers.pending)) == begun == ([HEAD_S], 2)
    timers.go_off()
    assert wire.written.startswith(b"HTTP/1.1 408 ")
    assert wire.closing


@pytest.mark.parametrize("after", [b"", b"\r\n", b"\r\n\r\n"])
async def test_a_connection_at_rest_always_ends_by_itself(after: bytes) -> None:
    timers, wire = Timers(), Wire()
    protocol = connect(timers, wire)
    protocol.data_received(GET)
    await settle()
    if after:
        protocol.data_received(after)
    assert timers.pending_s == [KEEP_ALIVE_S]
    timers.go_off()
    assert wire.closing


@pytest.mark.parametrize("reason", [None, ConnectionResetError()])
@pytest.mark.parametrize("sent", [b"", b"GET", GET, BODY])
async def test_a_lost_connection_leaves_no_timer_behind(reason: Exception | None, sent: bytes) -> None:
    timers, wire = Timers(), Wire()
    protocol = connect(timers, wire)
    if sent:
        protocol.data_received(sent)
    await settle()
    wire.closing = True
    protocol.connection_lost(reason)
    await settle()
    assert timers.pending_s == []


async def test_the_rest_of_a_body_may_not_take_for_ever_once_it_is_answered() -> None:
    timers, wire = Timers(), Wire()
    protocol = connect(timers, wire)
    protocol.data_received(BODY + b"a")
    await settle()
    assert wire.written.endswith(b"ok")
    for byte in b"bcd":
        protocol.data_received(bytes([byte]))
        assert timers.pending_s == [LINGER_S]
    protocol.data_received(b"e")
    assert timers.pending_s == [KEEP_ALIVE_S], "the connection is at rest"
    protocol.data_received(GET)
    await settle()
    assert wire.written.count(b"HTTP/1.1 200") == 2


async def test_a_dripping_body_is_cut_off_once_it_is_answered() -> None:
    timers, wire = Timers(), Wire()
    protocol = connect(timers, wire)
    protocol.data_received(BODY)
    await settle()
    timers.go_off()
    assert wire.closing
    assert b"408" not in wire.written, "it was answered already"


class TestReaders:
    PATIENCE = Patience(window_s=10, least_bytes_per_s=100)

    def watched(self, waiting_bytes: int) -> tuple[Timers, Wire, Reader]:
        timers, wire = Timers(), Wire(waiting_bytes)
        reader = Reader(wire, timers, self.PATIENCE)  # type: ignore[arg-type]
        reader.watch()
        return timers, wire, reader

    @pytest.mark.parametrize(("taken_bytes", "cut_off"), [(0, True), (999, True), (1000, False), (5000, False)])
    async def test_what_a_client_takes_in_a_window_decides(self, taken_bytes: int, cut_off: bool) -> None:
        timers, wire, _ = self.watched(1_000_000)
        wire.waiting_bytes -= taken_bytes
        timers.go_off()
        assert wire.aborted == cut_off
        assert timers.pending_s == ([] if cut_off else [10])

    async def test_every_window_counts_for_itself(self) -> None:
        timers, wire, _ = self.watched(1_000_000)
        wire.waiting_bytes -= 500_000
        timers.go_off()
        assert not wire.aborted
        timers.go_off()
        assert wire.aborted

    async def test_one_that_has_taken_everything_is_left_alone(self) -> None:
        timers, _, reader = self.watched(1_000)
        reader.rest()
        assert timers.pending_s == []

    async def test_no_rate_no_limit(self) -> None:
        timers = Timers()
        Reader(Wire(9), timers, Patience(least_bytes_per_s=0)).watch()  # type: ignore[arg-type]
        assert timers.pending_s == []

    async def test_an_answer_that_is_not_taken_ends_its_stream(self) -> None:
        """The application is told that the client is gone, and can let go of what it was reading from."""
        told: list[str] = []

        async def endless(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(3):
                await send({"type": "http.response.body", "body": b"a" * 1000, "more_body": True})
            await receive()
            told.append((await receive())["type"])

        timers, wire = Timers(), Wire()
        protocol = connect(timers, wire, endless, patience=self.PATIENCE)
        protocol.data_received(GET)
        wire.waiting_bytes = 100_000
        protocol.pause_writing()
        await settle()
        assert timers.pending_s == [10]
        timers.go_off()
        assert wire.aborted
        protocol.connection_lost(None)
        await settle()
        assert told == ["http.disconnect"]

    async def test_what_is_left_when_a_connection_is_closed_is_watched_too(self) -> None:
        timers, wire = Timers(), Wire()
        protocol = connect(timers, wire, patience=self.PATIENCE)
        protocol.data_received(GET)
        wire.waiting_bytes = 50_000  # too little for the transport to say that it waits
        await settle()
        timers.go_off()  # keep-alive
        assert wire.closing
        assert not wire.aborted
        timers.go_off()
        assert wire.aborted
