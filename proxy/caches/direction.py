"""Reading from the disk tier, or writing to it: in threads of its own, within a time, and left alone after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from proxy.logs import log

T = TypeVar("T")

RETRY_S = 30.0
"""How long a direction that failed is left alone before one call tries it again."""


class Direction:
    """Reading or writing: its threads, its timeout, and whether it is switched off."""

    def __init__(self, name: str, *, threads: int, timeout_s: float) -> None:
        self._name = name
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._timeout_s = timeout_s
        self._retry_at_s: float | None = None

    @property
    def works(self) -> bool:
        return self._retry_at_s is None

    def admits(self, now_s: float) -> bool:
        """Whether a call may be made; after a failure one call is, each time ``RETRY_S`` went by."""
        if self._retry_at_s is None:
            return True
        if now_s < self._retry_at_s:
            return False
        self._retry_at_s = now_s + RETRY_S
        return True

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """What *work* comes to, if it does so in time.

        Raises:
            TimeoutError: it does not.
        """
        async with asyncio.timeout(self._timeout_s):
            return await work()

    def in_thread(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work)

    def failed(self, now_s: float) -> None:
        if self._retry_at_s is None:
            log(
                "The disk tier failed and is left alone for a while.", level="warning", part=self._name, retry_s=RETRY_S
            )
        self._retry_at_s = now_s + RETRY_S

    def worked(self) -> None:
        if self._retry_at_s is not None:
            log("The disk tier works again.", part=self._name)
        self._retry_at_s = None

    def close(self) -> None:
        # not cancel_futures: that would cancel the tasks which wait for a result
        self._threads.shutdown(wait=False)
