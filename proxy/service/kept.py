"""Renditions that are kept: in memory, on disk and in a bucket, and which of them still count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from proxy.core.model import Artifact, Provenance, Rendition
from proxy.core.purges import Ledger, Standing
from proxy.ports import Cache, CacheEntry, Memory, Place
from proxy.service.bucket import Bucket
from proxy.service.persisted import read_rendition, write_rendition
from proxy.service.questions import Delivered
from proxy.service.records import Facts, artifact_from_entry, artifact_to_entry
from proxy.service.shelf import Shelf


class Kept:
    """The tiers of one web worker; the nearest that has an answer gives it."""

    def __init__(
        self, *, memory: Memory[Artifact], disk: Cache | None, shelf: Shelf, ledger: Ledger, versions: str
    ) -> None:
        self._memory = memory
        self._disk = disk
        self._shelf = shelf
        self._ledger = ledger
        self._versions = versions

    def in_memory(self, rendition: Rendition, key: str, facts: Facts) -> Delivered | None:
        """The answer if it is in memory; no waiting."""
        found = self._memory.get(key)
        return self._judged(rendition, found, facts, "memory")

    def place(self, key: str) -> Place[Artifact] | None:
        """Where the memory tier has what it has under *key*."""
        return self._memory.place(key)

    def adopt(self, key: str, artifact: Artifact) -> Place[Artifact] | None:
        """Where the memory tier has *artifact*, or its own copy of it; None: it is too large."""
        held = self._memory.get(key)
        if held is None or (held.etag, held.source) != (artifact.etag, artifact.source):
            self._memory.put(key, artifact)
        return self._memory.place(key)

    def _judged(self, rendition: Rendition, found: Artifact | None, facts: Facts, tier: str) -> Delivered | None:
        """The answer that *found* is, if it still counts: a copy of the version that *facts* describe, and not purged."""
        if found is None:
            return None
        same, ledger = found.source.identity == facts.validators.identity, self._ledger
        if ledger.generation:
            copy = found.provenance or Provenance(source=rendition.source, plan_text=rendition.plan_text, tags=None)
            standing = ledger.judge(copy, facts.tags)
            if standing is Standing.GONE:
                return None
            if standing is Standing.STALE:
                # Also of the version before: better than to let somebody wait for the first picture of the new one.
                facts = facts if same else replace(facts, validators=found.source)
                return Delivered(artifact=found, facts=facts, tier=tier, renewing=True)
        return Delivered(artifact=found, facts=facts, tier=tier) if same else None

    def at_hand(self, rendition: Rendition, key: str, facts: Facts) -> Delivered | None:
        """The answer if it is in memory, or on disk and takes no waiting; it then is in memory, too."""
        found = self.in_memory(rendition, key, facts)
        if found is not None or self._disk is None:
            return found
        found = self._read(rendition, self._disk.at_hand(key), facts)
        if found is None or found.renewing:
            return None
        self._memory.put(key, found.artifact)
        return found

    def _read(self, rendition: Rendition, entry: CacheEntry | None, facts: Facts) -> Delivered | None:
        return self._judged(rendition, artifact_from_entry(entry) if entry is not None else None, facts, "disk")

    async def stored(self, bucket: Bucket, rendition: Rendition, key: str, facts: Facts) -> Delivered | None:
        """The answer from disk or bucket; it then is in memory, too."""
        renewing: Delivered | None = None
        if self._disk is not None:
            found = self._read(rendition, await self._disk.get(key), facts)
            if found is not None:
                self._memory.put(key, found.artifact)
                if not found.renewing:
                    return found
                renewing = found
        return await self.persisted(bucket, rendition, key, facts, better=renewing is not None) or renewing

    async def persisted(
        self, bucket: Bucket, rendition: Rendition, key: str, facts: Facts, *, better: bool = False
    ) -> Delivered | None:
        """The answer from the bucket alone; it then is nearer, too.  *better*: one to be made anew will not do."""
        if bucket.persist is None:
            return None
        artifact = await read_rendition(bucket.persist, bucket.rules.persist_prefix, rendition)
        found = self._judged(rendition, artifact, facts, "bucket")
        if found is None or (found.renewing and better):
            return None
        self._memory.put(key, found.artifact)
        self._shelf.put(self._disk, key, artifact_to_entry(found.artifact))
        return found

    def put(self, bucket: Bucket, rendition: Rendition, key: str, artifact: Artifact) -> asyncio.Task[bool] | None:
        """Keep *artifact* everywhere, the slower places behind the response.

        What it will come to in the bucket, if there is one (``Shelf.persist``).
        """
        self._memory.put(key, artifact)
        self._shelf.put(self._disk, key, artifact_to_entry(artifact))
        if bucket.persist is None:
            return None
        prefix = bucket.rules.persist_prefix
        return write_rendition(self._shelf, bucket.persist, prefix, rendition, artifact, self._versions)

    def forget(self, condition: Callable[[Provenance], bool]) -> int:
        """Drop from memory what *condition* is true of; how many copies."""
        return self._memory.discard(lambda each: each.provenance is not None and condition(each.provenance))
