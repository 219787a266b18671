"""Originals: fetched once per version, kept close by for the next width, and known by their header.

``Originals.learn`` answers what a source is (its ``Facts``), asking the nearest place first: memory, disk, the bucket
that renditions are persisted in, the origin.  ``Originals.body`` answers its bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from proxy.core.freshness import may_be_stale, response_freshness
from proxy.core.keys import facts_key, source_key
from proxy.core.model import Freshness, Source, Validators
from proxy.errors import ImageTooLarge, MogrError, OriginTimeout, OriginUnavailable
from proxy.ports import Cache, CacheEntry, Clock, Codec, Memory, Meter, ObjectInfo, ObjectStream, Unchanged
from proxy.service.admission import ByteBudget
from proxy.service.bucket import Bucket
from proxy.service.flights import Flight, Flights
from proxy.service.persisted import read_facts, write_facts
from proxy.service.records import Facts, facts_from_meta, facts_to_meta
from proxy.service.shelf import Shelf
from proxy.service.verdicts import Neighbours, Verdicts

_MAX_REFRESHES = 64
"""Sources asked about at a time while they are served stale."""
_LIFETIME = ("cache-control", "expires", "vary")
_NEVER = Freshness(fetched_at_s=0, lifetime_s=0)


@dataclass(frozen=True, slots=True)
class Learned:
    """Facts, and the bytes if they had to be fetched to learn them."""

    facts: Facts
    body: bytes | None = None
    revalidated: bool = False
    """The origin was asked and said that nothing changed."""


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
        bodies: Memory[bytes],
        disk: Cache | None,
        shelf: Shelf,
        neighbours: Neighbours | None = None,
    ) -> None:
        self._codec = codec
        self._clock = clock
        self._meter = meter
        self._budget = budget
        self._facts = facts
        self._bodies = bodies
        self._disk = disk
        self._shelf = shelf
        self._flights = Flights()
        self._refreshes: dict[str, asyncio.Task[None]] = {}
        self.verdicts = Verdicts(clock, neighbours=neighbours)

    def known(self, source: Source) -> Facts | None:
        """Fresh facts that are in memory: the hit path, no waiting."""
        facts = self._facts.get(facts_key(source))
        return facts if facts is not None and facts.freshness.is_fresh(self._clock.now_s()) else None

    async def learn(self, bucket: Bucket, source: Source) -> Learned:
        """What *source* is now, as far as its freshness allows, or was, as far as that may be served stale (RFC 5861).

        Cancelling leaves a fetch to the others who wait for it; with nobody left it is given up.

        Raises:
            NoSuchKey, OriginRefused, OriginForbidden, OriginUnavailable, OriginTimeout: from the origin.
            ImageTooLarge, ImageResolutionExceed, InvalidImageFormat: it is no picture within the bucket's limits.
            Overloaded, CodecLost, CodecDeadline: the header could not be read now.
        """
        key = facts_key(source)
        facts = self.known(source)
        if facts is not None:
            return Learned(facts)
        held = self._facts.get(key)
        if held is not None and self._may_be_stale(held, failed=False):
            self._refresh(bucket, source, key)
            return Learned(held)
        try:
            self.verdicts.check(key)
            learned, joined = await self._flights.run(key, self._work(bucket, source, key))
        except (OriginUnavailable, OriginTimeout):
            if held is not None and self._may_be_stale(held, failed=True):
                return Learned(held)
            raise
        if joined:
            self._meter.collapsed()
        return learned

    async def body(self, bucket: Bucket, source: Source, facts: Facts) -> tuple[Facts, bytes]:
        """The bytes of the version that *facts* describe; newer facts with them if the source changed meanwhile."""
        key = _body_key(source, facts.validators)
        body = self._bodies.get(key)
        if body is None and self._disk is not None and bucket.cache_originals:
            entry = await self._disk.get(key)
            body = entry.body if entry is not None else None
            if body is not None:
                self._bodies.put(key, body)
        if body is not None:
            return facts, body

        async def work(_: Flight) -> Learned:
            return await self._fetch(bucket, source, facts_key(source), None)

        learned, _ = await self._flights.run("body:" + key, work)
        assert isinstance(learned.body, bytes)
        return learned.facts, learned.body

    async def aclose(self, grace_s: float) -> None:
        await self._flights.aclose(grace_s)

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
        return may_be_stale(facts.freshness, self._clock.now_s(), received=facts.cache_control, failed=failed)

    def _refresh(self, bucket: Bucket, source: Source, key: str) -> None:
        """Ask about *source* behind the answer, once at a time, and not while an error is held against it."""
        if key in self._refreshes or len(self._refreshes) >= _MAX_REFRESHES:
            return

        async def refresh() -> None:
            with suppress(MogrError):
                self.verdicts.check(key)
                await self._flights.run(key, self._work(bucket, source, key))

        task = self._refreshes[key] = asyncio.ensure_future(refresh())
        task.add_done_callback(lambda _: self._refreshes.pop(key))

    async def _learn(self, bucket: Bucket, source: Source, key: str) -> Learned:
        known = self._facts.get(key)
        if known is None and self._disk is not None:
            entry = await self._disk.get(key)
            known = facts_from_meta(entry.meta) if entry is not None else None
            if known is not None and known.freshness.is_fresh(self._clock.now_s()):
                self._facts.put(key, known)
                return Learned(known)
        if known is not None or bucket.persist is None:
            return await self._fetch(bucket, source, key, known)
        learned = await self._fetch(
            bucket, source, key, await read_facts(bucket.persist, bucket.rules.persist_prefix, source)
        )
        # Another replica's facts: to us the source was new, nothing of ours had gone stale.
        return replace(learned, revalidated=False)

    async def _fetch(self, bucket: Bucket, source: Source, key: str, known: Facts | None) -> Learned:
        answer = await bucket.origin.open(source.key, since=known.validators if known else None)
        if isinstance(answer, Unchanged):
            if known is None:
                raise OriginUnavailable("not modified, although nothing was asked of it")
            facts = self._facts_of(bucket, answer.info, known)
            self._keep(bucket, source, key, facts, None)
            return Learned(facts, revalidated=True)
        body = await self._read(bucket, answer)
        facts = await self._probe(bucket, answer.info, body)
        self._keep(bucket, source, key, facts, body)
        return Learned(facts, body)

    async def _read(self, bucket: Bucket, stream: ObjectStream) -> bytes:
        limit_bytes = bucket.rules.limits.max_source_bytes
        try:
            declared = stream.size_bytes
            if declared is not None and declared > limit_bytes:
                raise ImageTooLarge(f"{declared} bytes declared")
            async with self._budget.reserve(declared or limit_bytes):
                chunks, size_bytes = [], 0
                async for chunk in stream:
                    size_bytes += len(chunk)
                    if size_bytes > limit_bytes:
                        raise ImageTooLarge(f"more than {limit_bytes} bytes")
                    chunks.append(chunk)
                if declared is not None and size_bytes != declared:
                    raise OriginUnavailable(f"{size_bytes} of {declared} bytes")
                return b"".join(chunks)
        finally:
            await stream.aclose()

    async def _probe(self, bucket: Bucket, info: ObjectInfo, body: bytes) -> Facts:
        traits = await self._codec.probe(body, bucket.rules.limits, bucket=bucket.rules.name)
        return self._facts_of(bucket, info, Facts(validators=info.validators, traits=traits, freshness=_NEVER))

    def _facts_of(self, bucket: Bucket, info: ObjectInfo, base: Facts) -> Facts:
        """*base* brought up to date by what the origin just said (RFC 9111 §3.2 for a 304)."""
        lifetime = {**base.lifetime, **{name: info.headers[name] for name in _LIFETIME if name in info.headers}}
        freshness = response_freshness(
            {**info.headers, **lifetime}, now_s=self._clock.now_s(), default_ttl_s=bucket.rules.ttl_s
        )
        headers = {n: v for n, v in info.headers.items() if n == "content-disposition" or n.startswith("x-cos-meta-")}
        return Facts(
            validators=base.validators,
            traits=base.traits,
            freshness=freshness,
            headers=headers or base.headers,
            lifetime=lifetime,
        )

    def _keep(self, bucket: Bucket, source: Source, key: str, facts: Facts, body: bytes | None) -> None:
        if not facts.freshness.storable:
            self._facts.delete(key)
            return
        self._facts.put(key, facts)
        self._shelf.put(self._disk, key, CacheEntry(meta=facts_to_meta(facts), body=b""))
        if body is not None:
            body_key = _body_key(source, facts.validators)
            self._bodies.put(body_key, body)
            if bucket.cache_originals:
                self._shelf.put(self._disk, body_key, CacheEntry(meta={}, body=body))
            if bucket.persist is not None:
                write_facts(self._shelf, bucket.persist, bucket.rules.persist_prefix, source, facts)


def _body_key(source: Source, validators: Validators) -> str:
    # unambiguous: the first part is a hash of fixed length
    return f"{source_key(source)}:{validators.identity}"
