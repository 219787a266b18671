"""From a question about a picture to the artifact that answers it, from the nearest place that has it.

Order: facts of the source, the resolved format, memory, disk, bucket, codec.  Copies are written behind the response.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from proxy.core.keys import entity_tag, facts_key, rendition_key
from proxy.core.model import Artifact, Offer, Rendition, Source, Traits
from proxy.core.negotiate import ANYTHING, resolve
from proxy.core.reports import MEDIA_TYPES, REPORTS
from proxy.core.schedule import schedule
from proxy.errors import Fault, MogrError
from proxy.formats import CATALOGUE
from proxy.ports import Cache, Codec, Job, Memory, Meter
from proxy.service.bucket import Bucket
from proxy.service.flights import Flight, Flights, all_or_none
from proxy.service.originals import Learned, Originals
from proxy.service.persisted import read_rendition, write_rendition
from proxy.service.questions import Delivered, Ingredient, Question, check_marks, joined, mark_error
from proxy.service.records import Facts, artifact_from_entry, artifact_to_entry
from proxy.service.shelf import Shelf

_MAX_CHANGES = 3
_MEMO_CHARS = 2048
_SMALL_BYTES = 262_144
"""Up to here hashing costs less than handing it to a thread."""


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
        self._resolved: dict[tuple[Source, str, Offer], tuple[tuple[str, ...], Rendition, str]] = {}

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
            inputs = await self._gather(bucket, question) if question.inputs else ()
            facts = learned.facts
            rendition, key = self._resolve(bucket, question, facts, inputs)
            found = self._in_memory(key, facts)
            if found is not None:
                self._meter.cache_hit("memory")
                return Delivered(
                    artifact=found, facts=joined(facts, inputs), tier="memory", revalidated=learned.revalidated
                )
            try:
                delivered, shared = await self._fly(bucket, rendition, key, learned, inputs)
            except _SourceChangedError:
                continue
            if shared:
                self._meter.collapsed()
            if delivered.tier:
                self._meter.cache_hit(delivered.tier)
            else:
                self._meter.cache_miss()
            return Delivered(
                artifact=delivered.artifact,
                facts=joined(facts, inputs),
                tier=delivered.tier,
                collapsed=shared,
                revalidated=learned.revalidated,
                timings_s=delivered.timings_s,
            )
        raise MogrError("the source changes faster than it can be read")

    def hit(self, bucket: Bucket, question: Question) -> Delivered | None:
        """The answer if it is in memory and fresh; never waits."""
        found = self._held(bucket, question)
        if found is not None:
            self._meter.cache_hit("memory")
        return found

    async def aclose(self, grace_s: float) -> None:
        """Finish what is under way within *grace_s*: flights, then the copies they left behind."""
        until_s = time.monotonic() + grace_s
        await self._flights.aclose(grace_s)
        await self._originals.aclose(max(0.0, until_s - time.monotonic()))
        await self._shelf.drain(max(0.0, until_s - time.monotonic()))

    def _held(self, bucket: Bucket, question: Question) -> Delivered | None:
        facts = self._originals.known(question.source)
        if facts is None:
            return None
        inputs = []
        for each in question.inputs:
            held = self._held(each.bucket, each.question)
            if held is None:
                return None
            inputs.append(held)
        try:
            _, key = self._resolve(bucket, question, facts, inputs)
        except MogrError:
            return None
        found = self._in_memory(key, facts)
        return None if found is None else Delivered(artifact=found, facts=joined(facts, inputs), tier="memory")

    async def _gather(self, bucket: Bucket, question: Question) -> Sequence[Delivered]:
        """The pictures that go into the answer, at once."""

        async def get(each: Ingredient) -> Delivered:
            try:
                return await self.rendition(each.bucket, each.question)
            except MogrError as error:
                raise mark_error(error) from None

        inputs = await all_or_none(map(get, question.inputs))
        check_marks(inputs, bucket.rules.limits.max_source_bytes)
        return inputs

    def _in_memory(self, key: str, facts: Facts) -> Artifact | None:
        found = self._memory.get(key)
        return found if found is not None and found.source.identity == facts.validators.identity else None

    def _resolve(
        self, bucket: Bucket, question: Question, facts: Facts, inputs: Sequence[Delivered]
    ) -> tuple[Rendition, str]:
        """The one rendition that answers *question* for these versions of the source and of *inputs*, and its key."""
        memo_key = (question.source, question.plan_text, question.offer)
        memo = self._resolved.get(memo_key)
        identity = (facts.validators.identity, *(each.artifact.etag for each in inputs))
        if memo is not None and memo[0] == identity:
            return memo[1], memo[2]
        plan, rules, traits = question.plan, bucket.rules, facts.traits
        chosen = self._format(bucket, question, traits)
        bare = not (plan.paints or plan.strip or plan.cgif or plan.label or plan.interlace is not None)
        copyright_kept = rules.keep_copyright and (plan.strip or question.auto)
        rendition = Rendition(
            source=question.source,
            plan_text=question.plan_text,
            format=chosen,
            auto=question.auto,
            orient=rules.auto_orient,
            or_original=question.auto and bare and traits.format in question.offer.showable,
            policy=f"{self._policy} copyright" if copyright_kept else self._policy,
            inputs=identity[1:],
        )
        key = rendition_key(rendition)
        if len(self._resolved) >= 20_000:
            self._resolved.clear()
        if len(question.plan_text) <= _MEMO_CHARS:
            self._resolved[memo_key] = (identity, rendition, key)
        return rendition, key

    def _format(self, bucket: Bucket, question: Question, traits: Traits) -> str:
        """The format of the answer: a picture's, or the form that a report comes in."""
        plan, offer, rules, source_format = question.plan, question.offer, bucket.rules, traits.format
        answers = REPORTS[plan.report.name].answers if plan.report is not None else None
        if answers is not None and not plan.stages:
            return answers
        measured = schedule(
            plan, traits.frame, output=ANYTHING, auto=question.auto, orient=rules.auto_orient, limits=rules.limits,
            source_format=source_format,
        ).frame  # fmt: skip
        return answers or resolve(offer, frame=measured, source_format=source_format, encodable=self._encodable)

    async def _fly(
        self, bucket: Bucket, rendition: Rendition, key: str, learned: Learned, inputs: Sequence[Delivered]
    ) -> tuple[Delivered, bool]:
        facts = learned.facts
        identity = facts.validators.identity

        async def work(flight: Flight) -> Delivered:
            stored = await self._stored(bucket, rendition, key, facts)
            if stored is not None:
                return stored
            # Only now: what was made before the verdict is still good.
            for held in (facts_key(rendition.source), key):
                self._originals.verdicts.check(f"{held}:{identity}")
            try:
                return await self._make(bucket, rendition, key, learned, inputs, flight)
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
        self,
        bucket: Bucket,
        rendition: Rendition,
        key: str,
        learned: Learned,
        inputs: Sequence[Delivered],
        flight: Flight,
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
            keep_copyright=bucket.rules.keep_copyright,
            inputs=tuple(each.artifact.body for each in inputs),
        )
        name = bucket.rules.name
        rendered = await self._codec.render(body, facts.traits, job, bucket=name, on_started=flight.commit)
        done_s = time.monotonic()
        artifact = Artifact(
            body=rendered.body,
            media_type=MEDIA_TYPES.get(rendered.format) or CATALOGUE[rendered.format].media_type,
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
        if joined(facts, inputs).freshness.storable:
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


__all__ = ["Deliver", "Delivered", "Ingredient", "Question"]
