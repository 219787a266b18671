"""Purges made known to replicas by way of the buckets that they keep renditions in.

Every purge is an object of its own below ``PREFIX/purges/``, so that two replicas never overwrite each other's, and a
marker beside them changes with each: asking for that again costs next to nothing.  Records are written before the marker,
so whoever reads the marker first and lists then misses none.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable

from proxy.core.model import Validators
from proxy.core.purges import Purge
from proxy.errors import MogrError, NoSuchKey
from proxy.ports import Store, Unchanged
from proxy.service.bucket import Bucket

_FOLDER = "purges/"
_MARKER = "latest"
_MAX_RECORD_BYTES = 65_536
POLL_WITHIN_S = 30.0


class SharedPurges:
    """Those of every bucket with a place for renditions.

    Args:
        complain: told what an operator should know, and why.
        arrived: called with each purge that was not met here before, its own bucket's only.
    """

    def __init__(
        self,
        buckets: Iterable[Bucket],
        arrived: Callable[[Purge], Awaitable[None]],
        complain: Callable[[str, str], None],
    ) -> None:
        self._places = [
            _Place(each.rules.name, each.persist, each.rules.persist_prefix) for each in buckets if each.persist
        ]
        self._arrived = arrived
        self._complain = complain

    async def publish(self, purge: Purge) -> bool:
        """Whether every bucket that *purge* is about took it."""
        told = True
        for place in self._places:
            if purge.bucket in ("", place.bucket):
                try:
                    await place.publish(purge)
                except MogrError as error:
                    self._complain(f"A purge could not be published in {place.bucket}.", str(error))
                    told = False
        return told

    async def poll(self) -> None:
        """Look once for purges of others; what cannot be read now is looked for again."""
        await asyncio.gather(*map(self._poll, self._places))

    async def _poll(self, place: _Place) -> None:
        try:
            async with asyncio.timeout(POLL_WITHIN_S):
                await place.poll(self._arrived)
            place.failing = False
        except Exception as error:  # whatever a store fails with: the next look may succeed
            if not place.failing:  # said once, not every few seconds
                self._complain(f"Purges of replicas cannot be read from {place.bucket}.", str(error) or repr(error))
            place.failing = True

    async def keep_polling(self, every_s: float) -> None:
        """Until cancelled; not at all if there is nothing to poll."""
        while self._places and every_s:
            await asyncio.sleep(every_s)
            await self.poll()


class _Place:
    """One bucket's folder of purges."""

    def __init__(self, bucket: str, store: Store, prefix: str) -> None:
        self.bucket = bucket
        self.failing = False
        self._store = store
        self._folder = prefix + _FOLDER
        self._seen: Validators | None = None
        self._read: set[str] = set()

    async def publish(self, purge: Purge) -> None:
        record = json.dumps(purge.to_json()).encode()
        # Its time first, so that a listing is in order and old ones can be told by their names.
        path = f"{self._folder}{int(purge.at_s * 1000):015d}-{purge.id}.json"
        await self._store.put(path, record, media_type="application/json")
        await self._store.put(self._folder + _MARKER, secrets.token_hex(16).encode(), media_type="text/plain")

    async def poll(self, arrived: Callable[[Purge], Awaitable[None]]) -> None:
        try:
            marker = await self._store.open(self._folder + _MARKER, since=self._seen)
        except NoSuchKey:
            return
        if isinstance(marker, Unchanged):
            return
        await marker.aclose()
        paths = [path async for path in self._store.keys(self._folder) if path.endswith(".json")]
        for path in sorted(paths):
            if path not in self._read:
                purge = await self._purge(path)
                self._read.add(path)
                if purge is not None and purge.kind != "all" and purge.bucket in ("", self.bucket):
                    await arrived(purge)
        self._read.intersection_update(paths)
        self._seen = marker.info.validators

    async def _purge(self, path: str) -> Purge | None:
        """What *path* says; None if that is no purge, or it went meanwhile."""
        try:
            answer = await self._store.open(path)
        except NoSuchKey:
            return None
        if isinstance(answer, Unchanged):
            return None
        record = b""
        async with answer:
            async for chunk in answer:
                record += chunk
                if len(record) > _MAX_RECORD_BYTES:
                    return None
        try:
            return Purge.from_json(json.loads(record))
        except (ValueError, TypeError, KeyError):
            return None
