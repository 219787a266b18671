"""Writes behind the answer, in order for each key: what was forgotten last stays forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class OrderedWrites:
    """The writes under way; more than *max_bytes* of them are refused, work that may not be lost excepted."""

    def __init__(self, *, max_bytes: int = 128 * 1024 * 1024, at_once: int = 8) -> None:
        self._max_bytes = max_bytes
        self._waiting_bytes = 0
        self._places = asyncio.Semaphore(at_once)
        self._last: dict[str, asyncio.Task[None]] = {}

    def start(self, key: str, work: Callable[[], Awaitable[None]], size_bytes: int = 0) -> bool:
        """Do *work* once all earlier work for *key* is done; False: too much is waiting."""
        if size_bytes and self._waiting_bytes and self._waiting_bytes + size_bytes > self._max_bytes:
            return False
        self._waiting_bytes += size_bytes
        before = self._last.get(key)
        task = asyncio.ensure_future(self._run(before, work, size_bytes))
        self._last[key] = task
        task.add_done_callback(lambda done: self._last.pop(key) if self._last.get(key) is done else None)
        return True

    async def _run(
        self, before: asyncio.Task[None] | None, work: Callable[[], Awaitable[None]], size_bytes: int
    ) -> None:
        try:
            if before is not None:
                await asyncio.wait((before,))
            async with self._places:
                await work()
        finally:
            self._waiting_bytes -= size_bytes

    async def settled(self, key: str) -> None:
        """Wait for what was started for *key* until now."""
        if (last := self._last.get(key)) is not None:
            await asyncio.wait((last,))

    async def drain(self, grace_s: float) -> None:
        """Wait up to *grace_s* for all of it, then give up the rest."""
        if not self._last:
            return
        _, late = await asyncio.wait(set(self._last.values()), timeout=grace_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
