"""Originals: fetched once per version, kept close by for the next width, and known by their header.

``Originals.learn`` answers what a source is (its ``Facts``), asking the nearest place first: memory, disk, the bucket
that renditions are persisted in, the origin.  ``Originals.body`` answers its bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from proxy.core.freshness import may_be_stale
from proxy.core.keys import facts_key
from proxy.core.model import Provenance, Source
from proxy.core.purges import Ledger, Standing
from proxy.errors import MogrError, OriginTimeout, OriginUnavailable
from proxy.ports import Cache, CacheEntry, Clock, Codec, Memory, Meter, Place
from proxy.service.admission import ByteBudget
from proxy.service.bodies import Bodies, Copy, body_key
from proxy.service.bucket import Bucket
from proxy.service.fetching import Fetcher, Learned
from proxy.service.flights import Flight, Flights
from proxy.service.persisted import read_facts, write_facts
from proxy.service.records import Facts, facts_from_meta, facts_to_meta
from proxy.service.shelf import Shelf
from proxy.service.verdicts import Neighbours, Verdicts

_MAX_REFRESHES = 64
"""Sources asked about at a time while they are served stale."""


class Originals:
    """Everything about originals that is shared by the requests of one web worker."""

    def __init__(
        self,
        *,
        codec: Codec,
        clock: Clock,
        meter: Meter,
        budget: ByteBudget,
        facts: Memory[Facts],
        bodies: Memory[Copy],
        disk: Cache | None,
        shelf: Shelf,
        disk_at_once: bool = True,
        ledger: Ledger | None = None,
        neighbours: Neighbours | None = None,
    ) -> None:
        self._fetcher = Fetcher(codec, clock, budget)
        self._clock = clock
        self._meter = meter
        self._facts = facts
        self._bodies = Bodies(bodies, disk, shelf, at_once=disk_at_once)
        self._disk = disk
        self._shelf = shelf
        self.ledger = ledger if ledger is not None else Ledger()
        self._flights = Flights()
        self._refreshes: dict[str, asyncio.Task[None]] = {}
        self.verdicts = Verdicts(clock, neighbours=neighbours)

    def known(self, source: Source) -> Facts | None:
        """Fresh facts that are in memory, and not purged; no waiting."""
        facts = self._facts.get(facts_key(source))
        if facts is None or not facts.freshness.is_fresh(self._clock.now_s()):
            return None
        return None if self._standing(source, facts) is Standing.GONE else facts

    def usable(self, bucket: Bucket, source: Source) -> Facts | None:
        """Facts in memory that may be answered from: the hit path, no waiting.

        They are fresh, or they are being asked about meanwhile: gone stale where that is allowed, or to be made anew.
        """
        key = facts_key(source)
        facts = self._facts.get(key)
        if facts is None:
            return None
        standing, fresh = self._standing(source, facts), facts.freshness.is_fresh(self._clock.now_s())
        if fresh and standing is Standing.GOOD:
            return facts
        if standing is Standing.GONE or not (fresh or self._may_be_stale(facts, failed=False)):
            return None
        self._refresh(bucket, source, key)
        return facts

    def at_hand(self, source: Source) -> Facts | None:
        """Fresh facts that are on disk, if it takes no waiting to read them; they then are in memory, too.

        Raises:
            MogrError: that is held against *source*.
        """
        key = facts_key(source)
        held = self._facts.get(key)
        if self._disk is None or self._good(source, held) is not None:
            return None
        self.verdicts.check(key)
        return self._read(source, key, held, self._disk.at_hand(key))[0]

    def place(self, source: Source) -> Place[Facts] | None:
        """Where the memory tier has what is known of *source*."""
        return self._facts.place(facts_key(source))

    def adopt(self, key: str, facts: Facts) -> Place[Facts] | None:
        """Where *facts* are in memory, or newer ones of the same version; None: another version is known here."""
        held = self._facts.get(key)
        if held is not None and held.validators.identity != facts.validators.identity:
            return None
        if held is None or held.freshness.fetched_at_s < facts.freshness.fetched_at_s:
            self._facts.put(key, facts)
        return self._facts.place(key)

    def now_s(self) -> float:
        return self._clock.now_s()

    def forget(self, condition: Callable[[Provenance], bool]) -> int:
        """Drop from memory what *condition* is true of, and every error held against anything; how many copies."""
        self.verdicts.clear()
        return self._facts.discard(
            lambda facts: facts.provenance is not None and condition(facts.provenance)
        ) + self._bodies.discard(condition)

    async def learn(self, bucket: Bucket, source: Source) -> Learned:
        """What *source* is now, as far as its freshness allows, or was, as far as that may be served stale (RFC 5861).

        Cancelling leaves a fetch to the others who wait for it; with nobody left it is given up.

        Raises:
            NoSuchKey, OriginRefused, OriginForbidden, OriginUnavailable, OriginTimeout: from the origin.
            ImageTooLarge, ImageResolutionExceed, InvalidImageFormat: it is no picture within the bucket's limits.
            Overloaded, CodecLost, CodecDeadline: the header could not be read now.
        """
        key = facts_key(source)
        facts = self.usable(bucket, source)
        if facts is not None:
            return Learned(facts)
        held = self._facts.get(key)
        try:
            learned, joined = await self._fly(bucket, source, key)
        except (OriginUnavailable, OriginTimeout):
            if held is None or not self._may_be_stale(held, failed=True):
                raise
            if self._standing(source, held) is Standing.GONE:
                raise
            return Learned(held)
        if joined:
            self._meter.collapsed()
        return learned

    async def renewed(self, bucket: Bucket, source: Source) -> Learned:
        """As ``learn``, but what is to be made anew is; what went stale besides may be answered, as there.

        Raises:
            As ``learn``.
        """
        facts = self._facts.get(facts_key(source))
        if facts is not None and self._standing(source, facts) is not Standing.GOOD:
            return (await self._fly(bucket, source, facts_key(source)))[0]
        return await self.learn(bucket, source)

    async def body(self, bucket: Bucket, source: Source, facts: Facts) -> tuple[Facts, bytes]:
        """The bytes of the version that *facts* describe; newer facts with them if the source changed meanwhile."""
        key = body_key(source, facts.validators)
        copy = self._bodies.get(key)
        if copy is not None and self._outdated(source, copy.provenance, facts):
            copy = None
        if copy is None and bucket.cache_originals:
            copy = await self._bodies.read(key, source)
            if copy is not None and self._outdated(source, copy.provenance, facts):
                copy = None
        if copy is not None:
            self._bodies.keep(key, copy, disk=bucket.cache_originals, again=True)
            return facts, copy.body

        async def work(_: Flight) -> Learned:
            return await self._fetch(bucket, source, facts_key(source), None, again=True)

        # Another's fetch may have ended while the disk was read.
        copy = self._bodies.get(key)
        if copy is not None and not self._outdated(source, copy.provenance, facts):
            return facts, copy.body
        learned, _ = await self._flights.run(self._named("body:" + key), work)
        assert isinstance(learned.body, bytes)
        return learned.facts, learned.body

    async def aclose(self, grace_s: float) -> None:
        await self._flights.aclose(grace_s)

    def _named(self, key: str) -> str:
        """The name of a flight: nobody joins one that began before a purge."""
        return f"{key}@{self.ledger.generation}"

    def _standing(self, source: Source, facts: Facts) -> Standing:
        if not self.ledger.generation:
            return Standing.GOOD
        return self.ledger.judge(facts.provenance or Provenance(source=source, tags=None))

    def _outdated(self, source: Source, copy: Provenance, facts: Facts) -> bool:
        """Whether *copy* may not go into a picture, made of what *facts* say."""
        standing = self.ledger.judge(copy, facts.tags)
        return standing is Standing.GONE or (
            standing is Standing.STALE and self._standing(source, facts) is Standing.GOOD
        )

    async def _fly(self, bucket: Bucket, source: Source, key: str) -> tuple[Learned, bool]:
        self.verdicts.check(key)
        return await self._flights.run(self._named(key), self._work(bucket, source, key))

    def _work(self, bucket: Bucket, source: Source, key: str) -> Callable[[Flight], Awaitable[Learned]]:
        async def work(_: Flight) -> Learned:
            try:
                return await self._learn(bucket, source, key)
            except MogrError as error:
                if error.retry_after_s is None:
                    self.verdicts.remember(key, error, bucket.rules.error_ttl_s)
                else:
                    self._meter.overloaded()
                raise

        return work

    def _may_be_stale(self, facts: Facts, *, failed: bool) -> bool:
        return may_be_stale(facts.freshness, self._clock.now_s(), said=facts.said, failed=failed)

    def _refresh(self, bucket: Bucket, source: Source, key: str) -> None:
        """Ask about *source* behind the answer, once at a time, and not while an error is held against it."""
        if key in self._refreshes or len(self._refreshes) >= _MAX_REFRESHES:
            return

        async def refresh() -> None:
            with suppress(MogrError):
                await self._fly(bucket, source, key)

        task = self._refreshes[key] = asyncio.ensure_future(refresh())
        task.add_done_callback(lambda _: self._refreshes.pop(key))

    async def _learn(self, bucket: Bucket, source: Source, key: str) -> Learned:
        held = self._facts.get(key)
        known = self._good(source, held)
        if known is None and self._disk is not None:
            usable, known = self._read(source, key, held, await self._disk.get(key))
            if usable is not None:
                return Learned(usable)
        if known is not None or bucket.persist is None:
            return await self._fetch(bucket, source, key, known)
        theirs = await read_facts(bucket.persist, bucket.rules.persist_prefix, source)
        learned = await self._fetch(bucket, source, key, self._good(source, theirs))
        # Another replica's facts: to us the source was new, nothing of ours had gone stale.
        return replace(learned, revalidated=False)

    def _read(
        self, source: Source, key: str, held: Facts | None, entry: CacheEntry | None
    ) -> tuple[Facts | None, Facts | None]:
        """What *entry* says of *source*: if it may be answered from, and then it is in memory, too; and if it is not purged."""
        found = facts_from_meta(entry.meta) if entry is not None else None
        usable = known = self._good(source, found)
        if found is not None and held is None and self._standing(source, found) is Standing.STALE:
            usable = found  # whoever asks next has it made anew meanwhile
        if usable is None or not usable.freshness.is_fresh(self._clock.now_s()):
            return None, known
        self._facts.put(key, usable)
        return usable, known

    def _good(self, source: Source, facts: Facts | None) -> Facts | None:
        """*facts*, unless they were purged: then the origin is not even asked whether they still hold."""
        return facts if facts is not None and self._standing(source, facts) is Standing.GOOD else None

    async def _fetch(
        self, bucket: Bucket, source: Source, key: str, known: Facts | None, again: bool = False
    ) -> Learned:
        """*again*: its bytes were needed before, as those of what is *known* were."""
        learned = await self._fetcher.fetch(bucket, source, known)
        self._keep(bucket, source, key, learned, again or known is not None)
        return learned

    def _keep(self, bucket: Bucket, source: Source, key: str, learned: Learned, again: bool) -> None:
        facts, body = learned.facts, learned.body
        if not facts.freshness.storable:
            self._facts.delete(key)
            return
        self._facts.put(key, facts)
        self._shelf.put_later(self._disk, key, CacheEntry(meta=facts_to_meta(facts), body=b""))
        if body is not None:
            copy = Copy(body, facts.provenance or Provenance(source=source, tags=None))
            self._bodies.keep(body_key(source, facts.validators), copy, disk=bucket.cache_originals, again=again)
            if bucket.persist is not None:
                write_facts(self._shelf, bucket.persist, bucket.rules.persist_prefix, source, facts)
