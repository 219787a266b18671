"""Budgets that keep waiting work bounded; the codec's own queue is bounded where it is measured, in ``codec.client``."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proxy.errors import Overloaded


class ByteBudget:
    """How many bytes of originals may be in flight at once, first come first served.

    Fetching is admitted before a codec place is taken: a slow origin must not starve fast ones (DESIGN §2.6).
    """

    def __init__(self, total_bytes: int, *, max_waiting: int = 1000) -> None:
        self._free_bytes = self.total_bytes = total_bytes
        self._max_waiting = max_waiting
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def free_bytes(self) -> int:
        return self._free_bytes

    @asynccontextmanager
    async def reserve(self, size_bytes: int) -> AsyncIterator[None]:
        """Hold *size_bytes* (at most the whole budget) until the block ends; cancelling gives up the place in line.

        Raises:
            Overloaded: more than ``max_waiting`` are in line already.
        """
        size_bytes = min(size_bytes, self.total_bytes)
        if self._waiting or size_bytes > self._free_bytes:
            if len(self._waiting) >= self._max_waiting:
                raise Overloaded("too many originals are waiting to be fetched")
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            place = (size_bytes, turn)
            self._waiting.append(place)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._give_back(size_bytes)
                else:
                    self._waiting.remove(place)
                    self._wake()
                raise
        else:
            self._free_bytes -= size_bytes
        try:
            yield
        finally:
            self._give_back(size_bytes)

    def _give_back(self, size_bytes: int) -> None:
        self._free_bytes += size_bytes
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free_bytes:
            size_bytes, turn = self._waiting.popleft()
            if not turn.done():
                self._free_bytes -= size_bytes
                turn.set_result(None)
