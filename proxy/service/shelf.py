"""Writing behind the response: caches and buckets are filled off the request's path, bounded, best effort.

After a picture was made it is sent whatever becomes of its copies: a failed or refused write is counted, never raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from proxy.errors import MogrError
from proxy.ports import Cache, CacheEntry, Meter, Store

T = TypeVar("T")

_UNTIL_WITH_CODEC_S = 0.005


class Shelf:
    """The writes under way; more than ``max_bytes`` of them are refused."""

    def __init__(self, meter: Meter, *, max_bytes: int = 256 * 1024 * 1024, at_once: int = 8) -> None:
        self._meter = meter
        self._max_bytes = max_bytes
        self._waiting_bytes = 0
        self._places = asyncio.Semaphore(at_once)
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def waiting_bytes(self) -> int:
        return self._waiting_bytes

    def put(self, cache: Cache | None, key: str, entry: CacheEntry) -> None:
        """Copy *entry* into *cache* soon."""
        self._put(cache, key, entry, 0.0)

    def put_later(self, cache: Cache | None, key: str, entry: CacheEntry) -> None:
        """As ``put``, of what was fetched and is just going to the codec: when it is there.

        Handing it over, and threads that write, would take the interpreter from its way there.
        """
        self._put(cache, key, entry, _UNTIL_WITH_CODEC_S)

    def _put(self, cache: Cache | None, key: str, entry: CacheEntry, pause_s: float) -> None:
        if cache is not None and self._start(cache.put(key, entry), len(entry.body), pause_s) is None:
            self._meter.tier_error("disk")

    def persist(
        self, store: Store, path: str, body: bytes, media_type: str, metadata: Mapping[str, str]
    ) -> asyncio.Task[bool] | None:
        """Write *body* to *path* of *store* soon: whether it was, once that is known; None: it will not be."""

        async def write() -> bool:
            try:
                await store.put(path, body, media_type=media_type, metadata=metadata)
            except MogrError:
                self._meter.persisted(ok=False)
                return False
            self._meter.persisted(ok=True)
            return True

        task = self._start(write(), len(body))
        if task is None:
            self._meter.persisted(ok=False)
        return task

    def _start(
        self, write: Coroutine[object, object, T], size_bytes: int, pause_s: float = 0.0
    ) -> asyncio.Task[T] | None:
        if self._waiting_bytes and self._waiting_bytes + size_bytes > self._max_bytes:
            write.close()
            return None
        self._waiting_bytes += size_bytes
        task = asyncio.ensure_future(self._run(write, size_bytes, pause_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, write: Coroutine[object, object, T], size_bytes: int, pause_s: float) -> T:
        try:
            if pause_s:
                await asyncio.sleep(pause_s)
            async with self._places:
                return await write
        finally:
            write.close()
            self._waiting_bytes -= size_bytes

    async def drain(self, grace_s: float) -> None:
        """Wait up to *grace_s* for the writes under way, then give up the rest."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(set(self._tasks), timeout=grace_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
