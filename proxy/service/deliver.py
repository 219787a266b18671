"""From a question about a picture to the artifact that answers it, from the nearest place that has it.

Order: facts of the source, the resolved format, memory, disk, bucket, codec.  Copies are written behind the response.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.core.keys import entity_tag, facts_key, rendition_key
from proxy.core.model import Artifact, Format, Offer, Rendition, Source
from proxy.core.negotiate import resolve
from proxy.core.plan import Plan
from proxy.core.schedule import schedule
from proxy.errors import Fault, MogrError
from proxy.formats import CATALOGUE
from proxy.ports import Cache, Codec, Job, Memory, Meter
from proxy.service.bucket import Bucket
from proxy.service.flights import Flight, Flights
from proxy.service.originals import Learned, Originals
from proxy.service.persisted import read_rendition, write_rendition
from proxy.service.records import Facts, artifact_from_entry, artifact_to_entry
from proxy.service.shelf import Shelf

_ANY = Format(
    name="any", media_type="", accept_types=(), spellings=(), suffixes=(), alpha=True, animation=True, quality=True,
    max_side_px=2**31, uniform=True,
)  # fmt: skip
"""Can carry whatever a plan makes: what the picture will be is measured before its format is chosen."""

_MAX_CHANGES = 3
_SMALL_BYTES = 262_144
"""Up to here hashing costs less than handing it to a thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A picture somebody wants, as far as it can be said without knowing the source."""

    source: Source
    plan: Plan
    plan_text: str
    offer: Offer
    auto: bool = False
    """``format/auto``, by the URL or by the bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    artifact: Artifact
    facts: Facts
    tier: str | None
    """``memory``, ``disk``, ``bucket``; None: made for this request."""
    collapsed: bool = False
    timings_s: Mapping[str, float] = field(default_factory=dict)


class _SourceChangedError(Exception):
    """The origin has another version than the facts we planned with."""


class Deliver:
    """Renditions, for one web worker."""

    def __init__(
        self,
        *,
        originals: Originals,
        codec: Codec,
        meter: Meter,
        memory: Memory[Artifact],
        disk: Cache | None,
        shelf: Shelf,
        encodable: frozenset[str],
        policy: str,
        versions: str,
    ) -> None:
        self._originals = originals
        self._codec = codec
        self._meter = meter
        self._memory = memory
        self._disk = disk
        self._shelf = shelf
        self._encodable = encodable
        self._policy = policy
        self._versions = versions
        self._flights = Flights()
        self._resolved: dict[tuple[Source, str, Offer], tuple[str, Rendition, str]] = {}

    async def rendition(self, bucket: Bucket, question: Question) -> Delivered:
        """The artifact that answers *question*.

        Cancelling leaves the work to others who wait for it; alone, it is dropped unless a codec process has begun.

        Raises:
            MogrError: whatever origin, limits, grammar and codec have to say; see ``ports``.
        """
        hit = self.hit(bucket, question)
        if hit is not None:
            return hit
        for _ in range(_MAX_CHANGES):
            learned = await self._originals.learn(bucket, question.source)
            facts = learned.facts
            rendition, key = self._resolve(bucket, question, facts)
            found = self._in_memory(key, facts)
            if found is not None:
                self._meter.cache_hit("memory")
                return Delivered(artifact=found, facts=facts, tier="memory")
            self._check_verdicts(question.source, key, facts)
            try:
                delivered, joined = await self._fly(bucket, rendition, key, learned)
            except _SourceChangedError:
                continue
            if joined:
                self._meter.collapsed()
            if delivered.tier:
                self._meter.cache_hit(delivered.tier)
            else:
                self._meter.cache_miss()
            return Delivered(
                artifact=delivered.artifact,
                facts=facts,
                tier=delivered.tier,
                collapsed=joined,
                timings_s=delivered.timings_s,
            )
        raise MogrError("the source changes faster than it can be read")

    def hit(self, bucket: Bucket, question: Question) -> Delivered | None:
        """The answer if it is in memory and fresh; never waits."""
        facts = self._originals.known(question.source)
        if facts is None:
            return None
        try:
            _, key = self._resolve(bucket, question, facts)
        except MogrError:
            return None
        found = self._in_memory(key, facts)
        if found is None:
            return None
        self._meter.cache_hit("memory")
        return Delivered(artifact=found, facts=facts, tier="memory")

    async def aclose(self, grace_s: float) -> None:
        """Finish what is under way within *grace_s*: flights, then the copies they left behind."""
        until_s = time.monotonic() + grace_s
        await self._flights.aclose(grace_s)
        await self._originals.aclose(max(0.0, until_s - time.monotonic()))
        await self._shelf.drain(max(0.0, until_s - time.monotonic()))

    def _in_memory(self, key: str, facts: Facts) -> Artifact | None:
        found = self._memory.get(key)
        return found if found is not None and found.source.identity == facts.validators.identity else None

    def _resolve(self, bucket: Bucket, question: Question, facts: Facts) -> tuple[Rendition, str]:
        """The one rendition that answers *question* for this version of the source, and its key."""
        memo_key = (question.source, question.plan_text, question.offer)
        memo = self._resolved.get(memo_key)
        identity = facts.validators.identity
        if memo is not None and memo[0] == identity:
            return memo[1], memo[2]
        plan, rules, traits = question.plan, bucket.rules, facts.traits
        measured = schedule(
            plan, traits.frame, output=_ANY, auto=question.auto, orient=rules.auto_orient, limits=rules.limits
        ).frame
        chosen = resolve(question.offer, frame=measured, source_format=traits.format, encodable=self._encodable)
        bare = not (plan.paints or plan.strip or plan.interlace is not None)
        rendition = Rendition(
            source=question.source,
            plan_text=question.plan_text,
            format=chosen,
            auto=question.auto,
            orient=rules.auto_orient,
            or_original=question.auto and bare and traits.format in question.offer.showable,
            policy=self._policy,
        )
        key = rendition_key(rendition)
        if len(self._resolved) >= 20_000:
            self._resolved.clear()
        self._resolved[memo_key] = (identity, rendition, key)
        return rendition, key

    def _check_verdicts(self, source: Source, key: str, facts: Facts) -> None:
        identity = facts.validators.identity
        self._originals.verdicts.check(f"{facts_key(source)}:{identity}")
        self._originals.verdicts.check(f"{key}:{identity}")

    async def _fly(self, bucket: Bucket, rendition: Rendition, key: str, learned: Learned) -> tuple[Delivered, bool]:
        facts = learned.facts
        identity = facts.validators.identity

        async def work(flight: Flight) -> Delivered:
            stored = await self._stored(bucket, rendition, key, facts)
            if stored is not None:
                return stored
            try:
                return await self._make(bucket, rendition, key, learned, flight)
            except MogrError as error:
                self._meter.render_failed(type(error).__name__)
                if error.fault in (Fault.SOURCE, Fault.CLIENT):
                    held = facts_key(rendition.source) if error.condemns else key
                    self._originals.verdicts.remember(f"{held}:{identity}", error, bucket.rules.error_ttl_s)
                elif error.retry_after_s is not None:
                    self._meter.overloaded()
                raise

        return await self._flights.run(f"{key}:{identity}", work)

    async def _stored(self, bucket: Bucket, rendition: Rendition, key: str, facts: Facts) -> Delivered | None:
        identity = facts.validators.identity
        if self._disk is not None:
            entry = await self._disk.get(key)
            artifact = artifact_from_entry(entry) if entry is not None else None
            if artifact is not None and artifact.source.identity == identity:
                self._memory.put(key, artifact)
                return Delivered(artifact=artifact, facts=facts, tier="disk")
        if bucket.persist is not None:
            artifact = await read_rendition(bucket.persist, bucket.rules.persist_prefix, rendition, identity)
            if artifact is not None:
                self._memory.put(key, artifact)
                self._shelf.put(self._disk, key, artifact_to_entry(artifact))
                return Delivered(artifact=artifact, facts=facts, tier="bucket")
        return None

    async def _make(
        self, bucket: Bucket, rendition: Rendition, key: str, learned: Learned, flight: Flight
    ) -> Delivered:
        started_s = time.monotonic()
        facts, body = learned.facts, learned.body
        if body is None:
            current, body = await self._originals.body(bucket, rendition.source, facts)
            if current.validators.identity != facts.validators.identity:
                raise _SourceChangedError
        fetched_s = time.monotonic()
        job = Job(
            plan_text=rendition.plan_text,
            format=rendition.format,
            limits=bucket.rules.limits,
            auto=rendition.auto,
            orient=rendition.orient,
            or_original=rendition.or_original,
        )
        rendered = await self._codec.render(body, facts.traits, job, on_started=flight.commit)
        done_s = time.monotonic()
        artifact = Artifact(
            body=rendered.body,
            media_type=CATALOGUE[rendered.format].media_type,
            etag=await _tag(rendered.body),
            source=facts.validators,
            format=rendered.format,
            frame=rendered.frame,
        )
        self._meter.rendered(
            facts.traits.format,
            rendered.format,
            facts.traits.frame.pixels / 1e6,
            done_s - fetched_s,
            len(rendered.body),
        )
        if facts.freshness.storable:
            self._memory.put(key, artifact)
            self._shelf.put(self._disk, key, artifact_to_entry(artifact))
            if bucket.persist is not None:
                write_rendition(
                    self._shelf, bucket.persist, bucket.rules.persist_prefix, rendition, artifact, self._versions
                )
        timings_s = {"fetch": fetched_s - started_s, "codec": done_s - fetched_s, **rendered.timings_s}
        return Delivered(artifact=artifact, facts=facts, tier=None, timings_s=timings_s)


async def _tag(body: bytes) -> str:
    return entity_tag(body) if len(body) < _SMALL_BYTES else await asyncio.to_thread(entity_tag, body)
