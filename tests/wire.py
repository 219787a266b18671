"""One connection without a network: what its loop and its transport are to a protocol, in the hands of a test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class Timers:
    """The part of an event loop that a connection uses, with timers that go off when told."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.pending: list[tuple[float, Callable[[], None], asyncio.TimerHandle]] = []

    def create_task(self, work: Any) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(work)

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(delay_s, call, (), asyncio.get_running_loop())
        self.pending.append((delay_s, call, handle))
        return handle

    @property
    def pending_s(self) -> list[float]:
        return [delay_s for delay_s, _, handle in self.pending if not handle.cancelled()]

    def go_off(self) -> None:
        """What was set last and still counts."""
        _, call, handle = next(row for row in reversed(self.pending) if not row[2].cancelled())
        handle.cancel()
        call()


class Wire(asyncio.Transport):
    """A transport whose other end takes only what the test says."""

    def __init__(self, waiting_bytes: int = 0, *, peer: str | None = None) -> None:
        super().__init__()
        self.peer = peer
        self.written = b""
        self.waiting_bytes = waiting_bytes
        self.closing = self.aborted = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return (self.peer, 50_000) if name == "peername" and self.peer else default

    def get_write_buffer_size(self) -> int:
        return self.waiting_bytes

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...
