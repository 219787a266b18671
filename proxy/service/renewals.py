"""Pictures made anew while their old copies are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress

from proxy.errors import MogrError

_MAX_AT_ONCE = 64


class Renewals:
    """Those under way, each once.  They belong to no request."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Task[None]] = {}

    def begin(self, name: Hashable, work: Callable[[], Awaitable[None]]) -> None:
        """Start *work*, unless it is under way or too much is: the next request for it tries again, as after an error."""
        if name in self._under_way or len(self._under_way) >= _MAX_AT_ONCE:
            return

        async def quietly() -> None:
            with suppress(MogrError):
                await work()

        task = self._under_way[name] = asyncio.ensure_future(quietly())
        task.add_done_callback(lambda _: self._under_way.pop(name))

    async def aclose(self) -> None:
        """Leave off: the old copies are still to be made anew."""
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
