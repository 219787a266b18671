"""Purges that replicas announce to each other, where something is configured that carries announcements.

Where replicas share a bucket an announcement only spares them the time until their next look there; where they share none it
is all they have.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection

from proxy.core.purges import Purge
from proxy.ports import Announcements

_LISTEN_S = 5.0


class AnnouncedPurges:
    """Those of *buckets*, by name.

    Args:
        arrived: called with each purge, our own included.
    """

    def __init__(
        self,
        announcements: Announcements,
        buckets: Collection[str],
        arrived: Callable[[Purge], Awaitable[None]],
    ) -> None:
        self._announcements = announcements
        self._buckets = frozenset(buckets) | {""}
        self._arrived = arrived

    async def publish(self, purge: Purge) -> bool:
        """Whether it was taken."""
        return await self._announcements.send(json.dumps(purge.to_json()))

    async def catch_up(self) -> None:
        """Hear everything that was announced until now, if anybody says."""
        while await self._hear(0.0):
            pass

    async def keep_listening(self) -> None:
        """Until cancelled."""
        wait_s = _LISTEN_S
        while True:
            if await self._hear(wait_s) is not None:
                wait_s = _LISTEN_S
                continue
            await asyncio.sleep(self._announcements.retry_s)
            wait_s = 0.0  # so that it soon turns out whether somebody answers again

    async def _hear(self, wait_s: float) -> int | None:
        """How many announcements came; None: nobody says."""
        texts = await self._announcements.receive(wait_s)
        for text in texts or ():
            purge = _purge(text)
            if purge is not None and purge.kind != "all" and purge.bucket in self._buckets:
                await self._arrived(purge)
        return None if texts is None else len(texts)


def _purge(text: str) -> Purge | None:
    try:
        return Purge.from_json(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
