"""Objects being read from a file or from memory, and the part of them that a byte range means."""

from __future__ import annotations

import asyncio
import os
import threading

from proxy.core.fields.byte_range import RangeSpec
from proxy.core.model import Validators
from proxy.errors import OriginUnavailable
from proxy.ports import ObjectInfo, ObjectStream

CHUNK_BYTES = 262_144


def part_of(byte_range: tuple[int, int | None] | None, size_bytes: int) -> tuple[int, int] | None:
    """First and last byte of *byte_range* (as ``ports.Origin.open`` takes it) in an object; None for all of it.

    Raises:
        InvalidRange: none of it lies inside.
    """
    if byte_range is None:
        return None
    first, last = byte_range
    spec = RangeSpec(suffix_bytes=-first) if first < 0 else RangeSpec(first=first, last=last)
    part = spec.within(size_bytes)
    return (part.first, part.last) if part else None


def is_current(since: Validators | None, now: Validators) -> bool:
    """Whether *since* is the version that is there *now*; by entity tag, or by time and size where it has none."""
    if since is None:
        return False
    if since.etag is not None:
        return since.etag == now.etag
    return (since.last_modified_s, since.size_bytes) == (now.last_modified_s, now.size_bytes)


class BytesStream(ObjectStream):
    """An object in memory."""

    def __init__(self, body: bytes, info: ObjectInfo, part: tuple[int, int] | None) -> None:
        self.info = info
        self.size_bytes: int | None = len(body)
        self.range = part
        first, last = part or (0, len(body) - 1)
        self._left = memoryview(body)[first : last + 1]

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        chunk, self._left = bytes(self._left[:CHUNK_BYTES]), self._left[CHUNK_BYTES:]
        return chunk

    async def aclose(self) -> None:
        """Nothing is held."""


class FileStream(ObjectStream):
    """An open file, read in threads; owns its descriptor.  Cancelling a read lets it end unseen."""

    def __init__(self, fd: int, file: os.stat_result, info: ObjectInfo, part: tuple[int, int] | None) -> None:
        self.info = info
        self.size_bytes: int | None = file.st_size
        self.range = part
        first, last = part or (0, file.st_size - 1)
        self._fd = fd
        self._file = file
        self._offset = first
        self._end = last + 1
        # A read that was cancelled still runs in its thread: the descriptor, which the system gives out again, may only
        # be closed when no read is under way.  Whoever comes last closes it.
        self._reading = threading.Lock()
        self._closing = False

    async def __anext__(self) -> bytes:
        """The next piece.

        Raises:
            OriginUnavailable: the file cannot be read, or was written to since it was opened.
        """
        if self._offset >= self._end:
            raise StopAsyncIteration
        chunk = await asyncio.to_thread(self._read, min(CHUNK_BYTES, self._end - self._offset))
        self._offset += len(chunk)
        return chunk

    async def aclose(self) -> None:
        """Close the file; at once, or when the read under way ends."""
        self.close()

    def close(self) -> None:
        """As ``aclose``, which has nothing to wait for."""
        self._closing = True
        self._close_if_idle()

    def _read(self, count: int) -> bytes:
        try:
            with self._reading:
                if self._closing:
                    raise OriginUnavailable("read after close")
                chunk = os.pread(self._fd, count, self._offset)
                now = os.fstat(self._fd)
        except OSError as error:
            raise OriginUnavailable(f"reading a file: {error.strerror}") from error
        finally:
            if self._closing:
                self._close_if_idle()
        # Half of an old picture and half of a new one must not look like a picture (an upload in place, say).
        if not chunk or (now.st_mtime_ns, now.st_size) != (self._file.st_mtime_ns, self._file.st_size):
            raise OriginUnavailable("the file changed while it was read")
        return chunk

    def _close_if_idle(self) -> None:
        if self._reading.acquire(blocking=False):
            try:
                if self._fd >= 0:
                    os.close(self._fd)
                    self._fd = -1
            finally:
                self._reading.release()
