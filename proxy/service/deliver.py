"""From a question about a picture to the artifact that answers it, from the nearest place that has it.

Order: facts of the source, the resolved format, memory, disk, bucket, codec.  Copies are written behind the response.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from proxy.core.keys import facts_key, rendition_key
from proxy.core.model import Artifact, Provenance, Rendition
from proxy.errors import Fault, MogrError
from proxy.ports import Cache, Codec, Memory, Meter
from proxy.service.bucket import Bucket
from proxy.service.fetching import Learned
from proxy.service.flights import Flight, Flights, all_or_none
from proxy.service.interim import quicker, shown_for_s
from proxy.service.kept import Kept
from proxy.service.leasing import Leasing
from proxy.service.making import Maker, SourceChangedError, job_of
from proxy.service.measured import Measured
from proxy.service.measuring import Measuring
from proxy.service.nearby import Nearby, Places
from proxy.service.originals import Originals
from proxy.service.questions import Delivered, Ingredient, Question, check_marks, mark_error
from proxy.service.records import Facts
from proxy.service.renewals import Renewals
from proxy.service.resolver import Resolver
from proxy.service.shelf import Shelf

_MAX_CHANGES = 3


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
        leasing: Leasing | None = None,
    ) -> None:
        self._originals = originals
        self._codec = codec
        self._meter = meter
        self._shelf = shelf
        self._kept = Kept(memory=memory, disk=disk, shelf=shelf, ledger=originals.ledger, versions=versions)
        self._flights = Flights()
        self._renewals = Renewals()
        self._measured = Measured(disk=disk, shelf=shelf, ledger=originals.ledger)
        self._resolver = Resolver(encodable=encodable, policy=policy, measured=self._measured)
        self._maker = Maker(originals=originals, codec=codec, kept=self._kept, meter=meter, leasing=leasing)
        self._measuring = Measuring(
            originals=originals, codec=codec, measured=self._measured, resolver=self._resolver, gather=self._gather,
            make=self._make_behind,
        )  # fmt: skip
        self._nearby = Nearby(
            originals=originals, kept=self._kept, resolver=self._resolver, renew=self._renew,
            measure=self._measuring.begin,
        )  # fmt: skip

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
            rendition, key = await self._measuring.resolve(bucket, question, facts, inputs)
            found = self._kept.in_memory(rendition, key, facts)
            if found is not None:
                self._meter.cache_hit("memory")
                return self._nearby.sent(bucket, question, rendition, found, inputs, revalidated=learned.revalidated)
            try:
                meanwhile = await self._meanwhile(bucket, question, rendition, key, learned, inputs)
                delivered, shared = meanwhile or await self._fly(bucket, rendition, key, learned, inputs)
            except SourceChangedError:
                continue
            if shared:
                self._meter.collapsed()
            if delivered.tier:
                self._meter.cache_hit(delivered.tier)
            else:
                self._meter.cache_miss()
            if delivered.timings_s:
                delivered = replace(delivered, timings_s=_added(learned.timings_s, delivered.timings_s))
            return self._nearby.sent(
                bucket, question, rendition, delivered, inputs, collapsed=shared, revalidated=learned.revalidated
            )
        raise MogrError("the source changes faster than it can be read")

    def hit(self, bucket: Bucket, question: Question) -> Delivered | None:
        """The answer if it is at hand, in memory or on disk, and fresh; never waits."""
        found = self._nearby.find(bucket, question)
        if found is not None:
            self._meter.cache_hit(found.tier or "memory")
        return found

    def places(self, bucket: Bucket, question: Question) -> Places | None:
        """Where that is which ``hit`` answers *question* from; None: it may soon be answered otherwise."""
        return self._nearby.places(bucket, question)

    def adopt(self, names: tuple[str, str], facts: Facts, artifact: Artifact) -> Places | None:
        """Where what another web worker made is in memory now, by the *names* it has there; None: it does not count here."""
        return self._nearby.adopt(names, facts, artifact)

    async def aclose(self, grace_s: float) -> None:
        """Finish what is under way within *grace_s*: flights, then the copies they left behind."""
        until_s = time.monotonic() + grace_s
        await self._renewals.aclose()
        await self._measuring.aclose()
        await self._flights.aclose(grace_s)
        await self._originals.aclose(max(0.0, until_s - time.monotonic()))
        await self._shelf.drain(max(0.0, until_s - time.monotonic()))

    def _renew(self, bucket: Bucket, question: Question) -> None:
        """Have *question* answered by a new copy, once at a time, while the old one is sent."""

        async def renew() -> None:
            for _ in range(_MAX_CHANGES):
                learned = await self._originals.renewed(bucket, question.source)
                inputs = await self._gather(bucket, question) if question.inputs else ()
                rendition, key = self._resolver.resolve(bucket.rules, question, learned.facts, inputs)
                flight_key, work = self._flight(bucket, rendition, key, learned, inputs, anew=True)
                with suppress(SourceChangedError):
                    await self._flights.run(flight_key, work)
                    return

        self._renewals.begin((question.source, question.plan_text, question.offer), renew)

    def forget(self, condition: Callable[[Provenance], bool]) -> int:
        """Drop from memory what *condition* is true of; how many copies."""
        return sum(each.forget(condition) for each in (self._kept, self._originals, self._measured))

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

    async def _meanwhile(
        self,
        bucket: Bucket,
        question: Question,
        rendition: Rendition,
        key: str,
        learned: Learned,
        inputs: Sequence[Delivered],
    ) -> tuple[Delivered, bool] | None:
        """Another format to be shown while *rendition* is made, if that takes long; None: this client waits for it."""

        def predict_s(each: Rendition) -> float:
            return self._codec.predict_s(learned.facts.traits, job_of(bucket, each, inputs))

        if not bucket.rules.first_answer_s or not question.offer.meanwhile:
            return None
        asked_s = predict_s(rendition)
        if asked_s <= bucket.rules.first_answer_s:
            return None
        others = self._resolver.others(bucket.rules, question, learned.facts, inputs)
        other = quicker({each: predict_s(each) for each in others}, asked_s, bucket.rules.first_answer_s)
        if other is None:
            return None
        flight_key, work = self._flight(bucket, rendition, key, learned, inputs)
        if flight_key not in self._flights:
            stored = await self._kept.stored(bucket, rendition, key, learned.facts)
            if stored is not None:
                return stored, False
        try:
            found, shared = await self._fly(bucket, other, rendition_key(other), learned, inputs)
        except MogrError:
            return None
        # Only now: in a pool of one the answer would wait for what it stands in for.
        self._flights.begin(flight_key, work)
        return replace(found, interim_s=shown_for_s(asked_s)), shared

    async def _fly(
        self, bucket: Bucket, rendition: Rendition, key: str, learned: Learned, inputs: Sequence[Delivered]
    ) -> tuple[Delivered, bool]:
        found = self._kept.in_memory(rendition, key, learned.facts)
        if found is not None:
            return found, False
        return await self._flights.run(*self._flight(bucket, rendition, key, learned, inputs))

    def _flight(
        self,
        bucket: Bucket,
        rendition: Rendition,
        key: str,
        learned: Learned,
        inputs: Sequence[Delivered],
        *,
        anew: bool = False,
        background: bool = False,
    ) -> tuple[str, Callable[[Flight], Awaitable[Delivered]]]:
        """What is done, at most once at a time, to have *rendition*, and under which name.

        *anew*: what is kept, but to be made anew, will not do.
        """
        facts = learned.facts
        identity = facts.validators.identity

        async def work(flight: Flight) -> Delivered:
            stored = await self._kept.stored(bucket, rendition, key, facts)
            if stored is not None and not (anew and stored.renewing):
                return stored
            # Only now: what was made before the verdict is still good.
            for held in (facts_key(rendition.source), key):
                self._originals.verdicts.check(f"{held}:{identity}")
            try:
                return await self._maker.make(
                    bucket,
                    rendition,
                    key,
                    learned,
                    inputs,
                    on_started=flight.commit,
                    background=background,
                    anew=anew,
                )
            except MogrError as error:
                self._meter.render_failed(type(error).__name__)
                if error.fault in (Fault.SOURCE, Fault.CLIENT):
                    held = facts_key(rendition.source) if error.condemns else key
                    self._originals.verdicts.remember(f"{held}:{identity}", error, bucket.rules.error_ttl_s)
                elif error.retry_after_s is not None:
                    self._meter.overloaded()
                raise

        # Nobody joins work that began before a purge.
        return f"{key}:{identity}@{self._originals.ledger.generation}{'+' * anew}", work

    async def _make_behind(
        self, bucket: Bucket, rendition: Rendition, key: str, learned: Learned, inputs: Sequence[Delivered]
    ) -> None:
        """Have *rendition* kept, in the background, if it is not."""
        with suppress(SourceChangedError):
            name, work = self._flight(bucket, rendition, key, learned, inputs, background=True)
            await self._flights.run(name, work)


def _added(learning_s: Mapping[str, float], making_s: Mapping[str, float]) -> Mapping[str, float]:
    """What learning about the source took and what making the answer did; either may have fetched it."""
    return {name: learning_s.get(name, 0.0) + making_s.get(name, 0.0) for name in {**learning_s, **making_s}}


__all__ = ["Deliver", "Delivered", "Ingredient", "Question"]
