"""The disk tier: one plain file per entry, shared by every web worker of the node, safe against kill -9.

A file is written under a temporary name and renamed, so readers just open, unless ``presence`` says that there is none.
There is no other index; ``caches.evict`` keeps the budget.  File calls run in threads of the tier's own, but for reading what the
kernel has in memory (``caches.at_hand``), or, to write, in the node's process for that; a disk that fails or hangs costs nobody more
than a miss.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from proxy.caches import at_hand, files, reading, whole
from proxy.caches.direction import Direction
from proxy.caches.placing import Placing
from proxy.caches.presence import Presence
from proxy.caches.writer_line import Line
from proxy.ports import CacheEntry, Clock, Meter

T = TypeVar("T")

STAMP_S = 60.0
"""An entry's time of last use is renewed at most this often."""

_BREATH_FILES = 64
_MAX_STAMPS = 64
"""Under way; the time of last use is not worth more."""
_READ_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class DiskCache:
    """A ``ports.Cache`` below *path*, which is made when first written to; an entry over max_bytes/4 is not stored.

    Reading and writing are switched off apart from each other: a full disk still answers hits.  Each failure is counted
    as ``meter.tier_error("disk")``.  *on_written* is told, in the event loop, the budget's share of each file written.
    What *presence* says is not there is not looked for.  *line*: to who writes, where somebody else does.

    Cancelling a call leaves its thread to finish unseen: a file is replaced whole or not at all.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int,
        meter: Meter,
        clock: Clock,
        on_written: Callable[[int], None] = lambda _: None,
        presence: Presence | None = None,
        line: Line | None = None,
        read_timeout_s: float = 5.0,
        write_timeout_s: float = 30.0,
    ) -> None:
        self._root = path
        self._largest_bytes = max_bytes // 4
        self._meter = meter
        self._clock = clock
        self._on_written = on_written
        self._presence = presence
        self._placing = Placing(path, presence)
        self._line = line
        self._closed = False
        self._near: bool | None = None
        """Whether the file system lets us read what is at hand; known once a thread read something."""
        self._stamps = 0
        self._reading = Direction("disk-read", threads=4, timeout_s=read_timeout_s)
        self._writing = Direction("disk-write", threads=2, timeout_s=write_timeout_s)

    @property
    def reads(self) -> bool:
        """Whether the last call that read succeeded."""
        return self._reading.works

    @property
    def writes(self) -> bool:
        """Whether the last call that wrote succeeded."""
        return self._writing.works

    async def get(self, key: str) -> CacheEntry | None:
        name = files.name_of(key)
        with contextlib.suppress(at_hand.NotAtHandError):
            return self._read_at_hand(name)
        return await self._attempt(self._reading, partial(self._reading.in_thread, partial(self._read, name)))

    def at_hand(self, key: str) -> CacheEntry | None:
        with contextlib.suppress(at_hand.NotAtHandError):
            return self._read_at_hand(files.name_of(key))
        return None

    async def put(self, key: str, entry: CacheEntry) -> None:
        if len(entry.body) > self._largest_bytes:
            await self.delete(key)
            return
        name = files.name_of(key)
        written_bytes = await self._attempt(self._writing, partial(self._write, name, entry))
        if written_bytes:
            self._on_written(files.charge_bytes(written_bytes))

    async def delete(self, key: str) -> None:
        path = Path(self._placing.path(files.name_of(key)))
        unlink = partial(path.unlink, missing_ok=True)
        await self._attempt(self._writing, partial(self._writing.in_thread, unlink), always=True)

    async def discard(self, condition: Callable[[Mapping[str, object]], bool], within_s: float) -> tuple[int, bool]:
        """As ``ports.Cache.discard``; cancelled, its thread ends with the file it looks at."""
        stop = threading.Event()
        loop = asyncio.get_running_loop()
        looking = loop.run_in_executor(None, lambda: self._discard(condition, time.monotonic() + within_s, stop))
        try:
            return await looking
        finally:
            stop.set()

    def close(self) -> None:
        """Let the calls under way finish, without waiting for them; every later one is a miss."""
        self._closed = True
        if self._line is not None:
            self._line.close()
        self._reading.close()
        self._writing.close()

    async def _write(self, name: str, entry: CacheEntry) -> int | None:
        meta = files.meta_bytes_of(entry.meta)
        if self._line is not None:
            written_bytes = await self._line.write(name, meta, entry.body)
            if written_bytes is not None or self._closed:
                return written_bytes
        write = partial(self._placing.write, name, meta, entry.body, last_use_s=self._clock.now_s())
        return await self._writing.in_thread(write)

    async def _attempt(
        self, direction: Direction, work: Callable[[], Awaitable[T]], *, always: bool = False
    ) -> T | None:
        """The result of *work*, or None if the direction is, or with this call was, switched off."""
        if self._closed or not (direction.admits(self._clock.now_s()) or always):
            return None
        try:
            result = await direction.run(work)
        except (OSError, TypeError, ValueError) as error:
            # a timeout is an OSError; the other two are a meta that is no JSON, which the disk is not to blame for
            if isinstance(error, OSError):
                direction.failed(self._clock.now_s())
            self._meter.tier_error("disk")
            return None
        direction.worked()
        return result

    def _read_at_hand(self, name: str) -> CacheEntry | None:
        """What the file *name* is, None if there is none; raises ``NotAtHandError`` if it takes a thread to know."""
        if self._presence is not None and not self._presence.may_have(name):
            return None
        if not self._near or not self._reading.works or self._closed:
            raise at_hand.NotAtHandError
        path = self._placing.path(name)
        try:
            entry, last_use_s = reading.load_at_hand(path, name, self._largest_bytes)
        except FileNotFoundError:
            return None
        if self._is_stamp_due(last_use_s) and self._stamps < _MAX_STAMPS:
            self._stamps += 1
            self._reading.in_thread(partial(self._stamp, path)).add_done_callback(self._stamped)
        return entry

    def _is_stamp_due(self, last_use_s: float) -> bool:
        return abs(self._clock.now_s() - last_use_s) > STAMP_S

    def _stamped(self, _: asyncio.Future[None]) -> None:
        self._stamps -= 1

    # Everything below runs in threads.

    def _stamp(self, file: str | int) -> None:
        now_s = self._clock.now_s()
        # files of another user, or on a disk gone read-only, are still good to read
        with contextlib.suppress(OSError):
            os.utime(file, (now_s, now_s), follow_symlinks=isinstance(file, int))

    def _read(self, name: str) -> CacheEntry | None:
        path = Path(self._placing.path(name))
        try:
            descriptor = os.open(path, _READ_FLAGS)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            path.unlink(missing_ok=True)
            return None
        try:
            entry, last_use_s = reading.load(descriptor, name, self._largest_bytes)
            if self._is_stamp_due(last_use_s):
                self._stamp(descriptor)
            if self._near is None:
                self._near = at_hand.is_promised(descriptor)
        except files.Damaged:
            path.unlink(missing_ok=True)
            return None
        finally:
            os.close(descriptor)
        return entry

    def _discard(
        self, condition: Callable[[Mapping[str, object]], bool], until_s: float, stop: threading.Event
    ) -> tuple[int, bool]:
        count = 0
        for number, path in enumerate(files.below(self._root)):
            if stop.is_set() or time.monotonic() > until_s:
                return count, False
            if number % _BREATH_FILES == 0:
                time.sleep(0)  # the event loop's thread wants its turn, too
            meta = self._meta(path)
            if meta is not None and condition(meta):
                with contextlib.suppress(OSError):
                    path.unlink()
                    count += 1
        return count, True

    def _meta(self, path: Path) -> Mapping[str, object] | None:
        """What the file's meta says, its checksum not looked at; None if it has none."""
        try:
            descriptor = os.open(path, _READ_FLAGS)
        except OSError:
            return None
        try:
            meta_bytes, _, _ = files.lengths(whole.read(descriptor, files.HEADER_BYTES))
            meta = json.loads(whole.read(descriptor, meta_bytes))
        except (OSError, ValueError):  # ``Damaged`` is one, too
            return None
        finally:
            os.close(descriptor)
        return meta if isinstance(meta, dict) else None
