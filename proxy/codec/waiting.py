"""Waiting for sockets and for copies without holding up the event loop."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from proxy.codec import protocol, transport

T = TypeVar("T")

_THREAD_BYTES: Final = 256 * 1024
"""Copies above this would hold up the event loop."""


async def receive(line: socket.socket, patience_s: float) -> bytes:
    """The next message; an empty one at the end.  Raises TimeoutError after *patience_s*."""
    async with asyncio.timeout(patience_s):
        while True:
            try:
                return transport.receive(line, protocol.MESSAGE_BYTES, 0)[0]
            except BlockingIOError:
                await _readable(line)
            except ConnectionError:
                return b""


async def _readable(line: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(line.fileno(), _wake, ready)
    try:
        await ready
    finally:
        loop.remove_reader(line.fileno())


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def read_and_close(fd: int, at: int, size_bytes: int) -> bytes:
    try:
        return transport.read_sheet(fd, at, size_bytes)
    finally:
        os.close(fd)


async def in_thread(
    size_bytes: int, copy: Callable[..., T], *arguments: object, discard: Callable[[T], None] | None = None
) -> T:
    """``copy(*arguments)``, off the event loop if it is large.

    Cancelling does not stop the thread: *copy* owns the descriptors it is given, and what it returns goes to *discard*.
    """
    if size_bytes <= _THREAD_BYTES:
        return copy(*arguments)
    work = asyncio.ensure_future(asyncio.to_thread(copy, *arguments))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        work.add_done_callback(partial(_forget, discard))
        raise


def _forget(discard: Callable[[T], None] | None, work: asyncio.Future[T]) -> None:
    if not work.cancelled() and work.exception() is None and discard is not None:
        discard(work.result())
