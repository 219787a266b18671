"""A connection that answers what is ready: its timers, its order, and a client that does not read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
from readying import Kept, World, ready
from uvicorn.server import ServerState
from wire import Timers, Wire

from proxy.connections.hits import HitProtocol
from proxy.connections.protocol import HEAD_S
from proxy.connections.readers import Patience
from proxy.connections.ready import SCOPE_KEY, Target

KEEP_ALIVE_S = 75.0
HIT = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
OTHER = b"GET /b HTTP/1.1\r\nHost: h\r\n\r\n"
PATIENCE = Patience(window_s=10, least_bytes_per_s=100)


class Connected:
    """A connection to a server that has an answer to /a ready."""

    def __init__(self, body: bytes = b"body") -> None:
        self.timers, self.wire, self.world = Timers(), Wire(), World()
        self.scopes: list[Any] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.world.answers.keep(Target(b"/a", {b"host": b"h"}), ready(Kept(body)))
        config = uvicorn.Config(
            self.app, interface="asgi3", lifespan="off", log_config=None, timeout_keep_alive=int(KEEP_ALIVE_S)
        )
        self.state = ServerState()
        self.protocol = HitProtocol(
            config, self.state, {}, self.timers, ready=self.world.answers, patience=PATIENCE
        )  # fmt: skip
        self.protocol.connection_made(self.wire)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await self.gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"long"})

    async def says(self, *parts: bytes) -> bytes:
        before = len(self.wire.written)
        for part in parts:
            self.protocol.data_received(part)
        for _ in range(10):
            await asyncio.sleep(0)
        return self.wire.written[before:]


def bodies(answers: bytes) -> list[bytes]:
    return [part.partition(b"\r\n\r\n")[2] for part in answers.split(b"HTTP/1.1 ")[1:]]


async def test_what_is_ready_is_answered_before_anything_is_made_of_the_request() -> None:
    it = Connected()
    assert bodies(await it.says(HIT)) == [b"body"]
    assert it.scopes == []
    assert it.state.total_requests == 1


async def test_others_go_the_long_way_and_say_what_they_might_be_found_by() -> None:
    it = Connected()
    assert bodies(await it.says(HIT)) == [b"body"]
    assert bodies(await it.says(OTHER)) == [b"long"]
    assert bodies(await it.says(HIT)) == [b"body"]
    assert it.scopes[0][SCOPE_KEY] == Target(b"/b", {b"host": b"h"})


@pytest.mark.parametrize(
    "request_",
    [
        b"GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost:h\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
        b'GET /a HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\nIf-Range: "e"\r\n\r\n',
    ],
)
async def test_what_was_not_plain_is_not_to_be_made_ready(request_: bytes) -> None:
    it = Connected()
    assert bodies(await it.says(request_)) == [b"long"]
    assert SCOPE_KEY not in it.scopes[0]


async def test_answers_keep_their_order() -> None:
    it = Connected()
    it.gate.clear()
    assert await it.says(OTHER, HIT, HIT) == b""
    it.gate.set()
    answers = await it.says()
    for _ in range(5):
        answers += await it.says()
    assert len(bodies(answers)) == 3
    assert bodies(answers)[0] == b"long"
    assert bodies(await it.says(HIT)) == [b"body"]


async def test_several_in_one_packet_are_answered_in_order() -> None:
    it = Connected()
    answers = await it.says(OTHER + HIT + OTHER)
    for _ in range(5):
        answers += await it.says()
    assert len(bodies(answers)) == 3


@pytest.mark.parametrize("cut", [1, 3, 8, 16, len(HIT) - 1])
async def test_a_head_in_pieces_is_read_as_ever(cut: int) -> None:
    it = Connected()
    assert bodies(await it.says(HIT)) == [b"body"]
    assert bodies(await it.says(HIT[:cut], HIT[cut:])) == [b"long"]
    assert bodies(await it.says(HIT)) == [b"body"]


async def test_an_idle_connection_has_one_timer_that_follows_its_last_answer() -> None:
    it = Connected()
    assert it.timers.pending_s == [HEAD_S], "for its first request"
    await it.says(HIT)
    assert it.timers.pending_s == [KEEP_ALIVE_S]
    it.timers.now_s = 50
    await it.says(HIT)
    assert len(it.timers.pending) == 2, "none was set anew"
    it.timers.now_s = KEEP_ALIVE_S
    it.timers.go_off()
    assert it.timers.pending_s == [50], "what is left since the second"
    it.timers.now_s = 125
    it.timers.go_off()
    assert it.wire.closing


async def test_a_head_that_is_begun_after_an_answer_has_its_own_time() -> None:
    it = Connected()
    await it.says(HIT, b"GET /a HT")
    assert it.timers.pending_s == [HEAD_S]
    it.timers.go_off()
    assert b"HTTP/1.1 408" in it.wire.written
    assert it.wire.closing


async def test_the_long_way_between_two_answers_leaves_one_timer() -> None:
    it = Connected()
    for _ in range(3):
        await it.says(HIT)
        await it.says(OTHER)
        assert it.timers.pending_s == [KEEP_ALIVE_S]
        assert it.timers.now_s == 0
        await it.says(HIT)
        assert it.timers.pending_s == [KEEP_ALIVE_S]


@pytest.mark.parametrize("fields", [b"Connection: close\r\n", b"connection: Close\r\n"])
async def test_the_last_answer_closes_the_connection_and_is_watched_until_it_is_taken(fields: bytes) -> None:
    it = Connected()
    it.wire.waiting_bytes = 50_000
    answer = await it.says(HIT[:-2] + fields + b"\r\n")
    assert answer.endswith(b"\r\nconnection: close\r\n\r\nbody")
    assert it.wire.closing
    assert it.timers.pending_s == [PATIENCE.window_s]
    it.timers.go_off()
    assert it.wire.aborted


async def test_a_client_that_does_not_read_gets_nothing_more_at_once() -> None:
    """Its next request waits, as any other's, and it is cut off."""
    it = Connected(b"x" * 100_000)
    await it.says(HIT)
    it.wire.waiting_bytes = 100_000
    it.protocol.pause_writing()
    written = len(it.wire.written)
    assert await it.says(HIT, HIT, HIT) == b""
    assert len(it.wire.written) == written
    it.timers.now_s = 10
    next(
        call for delay_s, call, handle in it.timers.pending if delay_s == PATIENCE.window_s and not handle.cancelled()
    )()
    assert it.wire.aborted
    it.protocol.connection_lost(None)
    await it.says()


async def test_a_client_that_reads_again_is_answered_again() -> None:
    it = Connected(b"x" * 100_000)
    await it.says(HIT)
    it.protocol.pause_writing()
    it.protocol.resume_writing()
    assert it.timers.pending_s == [KEEP_ALIVE_S]
    assert bodies(await it.says(HIT)) == [b"x" * 100_000]


async def test_a_connection_that_is_shut_down_between_two_requests_closes() -> None:
    it = Connected()
    await it.says(HIT)
    it.protocol.shutdown()
    assert it.wire.closing


async def test_a_lost_connection_leaves_no_timer() -> None:
    it = Connected()
    await it.says(HIT)
    it.wire.closing = True
    it.protocol.connection_lost(ConnectionResetError())
    assert it.timers.pending_s == []
