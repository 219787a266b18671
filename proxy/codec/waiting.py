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


class Listener:
    """What comes over *line*, message by message; the event loop is told to watch it once for all of them.

    Used from one event loop's thread by one task; whoever made it closes it, before the line.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._watched = False
        self._readable: asyncio.Future[None] | None = None

    async def receive(self, patience_s: float) -> bytes:
        """The next message; an empty one at the end.  Raises TimeoutError after *patience_s*."""
        async with asyncio.timeout(patience_s):
            while True:
                try:
                    return transport.receive(self._line, protocol.MESSAGE_BYTES, 0)[0]
                except BlockingIOError:
                    await self._until_readable()
                except ConnectionError:
                    return b""

    def close(self) -> None:
        if self._watched:
            self._loop.remove_reader(self._line.fileno())
            self._watched = False

    async def _until_readable(self) -> None:
        self._readable = self._loop.create_future()
        if not self._watched:
            self._loop.add_reader(self._line.fileno(), self._wake)
            self._watched = True
        try:
            await self._readable
        finally:
            self._readable = None

    def _wake(self) -> None:
        if self._readable is None:  # nobody waits: it would be called again and again
            self.close()
        elif not self._readable.done():
            self._readable.set_result(None)


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
