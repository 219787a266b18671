"""A body on its way from an origin to the cache, and meanwhile to everybody who wants it.

It comes in as fast as the origin sends it and is held whole, because it is to be kept.  A body that turns out too long to
keep becomes the first reader's alone, who then sets the pace.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from proxy.core.fields.byte_range import ByteRange
from proxy.errors import OriginUnavailable
from proxy.ports import Forwarded

WINDOW_BYTES = 1024 * 1024
"""What is held of a body that is read and not kept."""
_PIECE_BYTES = 256 * 1024


class Tank:
    """How many bytes of bodies may be held at once, all of them together."""

    def __init__(self, max_bytes: int) -> None:
        self._free_bytes = max_bytes

    def take(self, size_bytes: int) -> bool:
        """Whether there was room for so many more."""
        if size_bytes > self._free_bytes:
            return False
        self._free_bytes -= size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        self._free_bytes += size_bytes


class Receiving:
    """``pump`` fills it, its readers follow; all on one event loop.

    The place of a first reader is taken from the start: ``reader(first=True)`` or ``leave`` it.
    """

    def __init__(self, answer: Forwarded, *, largest_bytes: int, tank: Tank) -> None:
        self._answer = answer
        self._largest_bytes = largest_bytes
        self._tank = tank
        self._taken_bytes = 0
        self._chunks: deque[bytes] = deque()
        self._offset = 0
        """Where the first chunk that is held begins."""
        self._received_bytes = 0
        self._readers = 1
        self._news = asyncio.Event()
        self._ended = False
        self.body: bytes | None = None
        """All of it, once it is complete and if it may be kept."""
        self.error: BaseException | None = None
        self.size_bytes = answer.size_bytes
        """As declared; None if it was not."""
        self.too_long = not self._take(self.size_bytes or 0)
        """It will not be kept: only the first reader may read."""
        self.settled = asyncio.Event()
        """Set once it is known whether the body is complete, too long, or broken."""

    async def pump(self, on_complete: Callable[[bytes], None]) -> None:
        """Receive to the end, then hand over the whole.  Errors reach the readers, and so does being cancelled."""
        try:
            async for chunk in self._answer:
                self._chunks.append(chunk)
                self._received_bytes += len(chunk)
                if not self.too_long and not self._take(self._received_bytes - self._taken_bytes):
                    self.too_long = True
                    self.settled.set()
                self._news.set()
                if self.too_long:
                    await self._room()
            if not self.too_long:
                self.body = b"".join(self._chunks)
                self._chunks.clear()
                on_complete(self.body)
        except asyncio.CancelledError:
            self.error = OriginUnavailable("given up")
            raise
        except Exception as error:
            self.error = error
        finally:
            self._ended = True
            self.settled.set()
            self._news.set()
            self._tank.give_back(self._taken_bytes)
            await self._answer.aclose()

    def reader(self, part: ByteRange | None = None, *, first: bool = False) -> Reader:
        """The body, or a part of it, as it comes."""
        if not first:
            self._readers += 1
        return Reader(self, 0 if part is None else part.first, None if part is None else part.last + 1)

    def leave(self) -> None:
        """One reader fewer."""
        self._readers -= 1
        self._news.set()

    async def after(self, position: int) -> bytes:
        """What is there from *position* on, once something is; empty at the end."""
        while True:
            if self.body is not None:
                return self.body[position : position + _PIECE_BYTES]
            offset = self._offset
            for chunk in self._chunks:
                if position < offset + len(chunk):
                    return chunk[position - offset :] if position > offset else chunk
                offset += len(chunk)
                if self.too_long:  # read, and kept by nobody
                    self._chunks.popleft()
                    self._offset = offset
                    self._news.set()
                    break
            else:
                if self._ended:
                    if self.error is not None:
                        raise self.error
                    return b""
                self._news.clear()
                await self._news.wait()

    def _take(self, more_bytes: int) -> bool:
        if more_bytes <= 0:
            return True
        if self._taken_bytes + more_bytes > self._largest_bytes or not self._tank.take(more_bytes):
            return False
        self._taken_bytes += more_bytes
        return True

    async def _room(self) -> None:
        while self._received_bytes - self._offset > WINDOW_BYTES and self._readers:
            self._news.clear()
            await self._news.wait()
        if not self._readers:
            raise OriginUnavailable("nobody reads any more")


class Reader:
    """One reader's way through a body; to be closed."""

    def __init__(self, receiving: Receiving, first: int, end: int | None) -> None:
        self._receiving = receiving
        self._position = first
        self._end = end
        self._open = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """Raises what broke the body, OriginUnavailable or OriginTimeout."""
        if self._position == self._end:
            raise StopAsyncIteration
        chunk = await self._receiving.after(self._position)
        if not chunk:
            raise StopAsyncIteration
        if self._end is not None:
            chunk = chunk[: self._end - self._position]
        self._position += len(chunk)
        return chunk

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            self._receiving.leave()
