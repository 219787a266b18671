"""Finds out, behind the answers, which quality a picture takes that is wanted at a score (``quality/auto``).

One encoding at the average quality is made and compared, one picture at a time, where the codec has nothing else to do.  What comes of it is
known only once the picture is there at its own quality: until then answers go on with the average one, and nobody waits.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import suppress

from proxy.core.keys import rendition_key
from proxy.core.model import Rendition
from proxy.core.scores import Measurement
from proxy.errors import Fault, MogrError
from proxy.ports import Codec
from proxy.service.bucket import Bucket
from proxy.service.fetching import Learned
from proxy.service.making import job_of
from proxy.service.measured import Measured, learned_score
from proxy.service.originals import Originals
from proxy.service.questions import Delivered, Question
from proxy.service.recently import Recently
from proxy.service.records import Facts
from proxy.service.renewals import Renewals
from proxy.service.resolver import Resolver

TENTATIVE_S = 10
"""How long caches may show a picture of average quality: measuring takes a second or two, if there is leisure for it."""
_RETRY_S = 10.0
_MOST_RECORD_BYTES = 1_000

Gather = Callable[[Bucket, Question], Awaitable[Sequence[Delivered]]]
Make = Callable[[Bucket, Rendition, str, Learned, Sequence[Delivered]], Awaitable[object]]


class Measuring:
    """Those under way or waiting; they belong to no request.

    Args:
        gather: gets the pictures that go into the answer.
        make: makes a rendition, under this key, and keeps it.
    """

    def __init__(
        self,
        *,
        originals: Originals,
        codec: Codec,
        measured: Measured,
        resolver: Resolver,
        gather: Gather,
        make: Make,
    ) -> None:
        self._originals = originals
        self._codec = codec
        self._measured = measured
        self._resolver = resolver
        self._gather = gather
        self._make = make
        self._renewals = Renewals()
        self._one = asyncio.Semaphore(1)
        self._tried = Recently(originals, _RETRY_S)

    async def resolve(
        self, bucket: Bucket, question: Question, facts: Facts, inputs: Sequence[Delivered]
    ) -> tuple[Rendition, str]:
        """As the resolver does, by what is remembered anywhere: also by others, and before we were started."""
        rendition, key = self._resolver.resolve(bucket.rules, question, facts, inputs)
        if rendition.tentative:
            probe, score = self._resolver.probe(bucket.rules, question, facts, rendition)
            if await self._measured.recall(bucket, score, probe, facts, question.plan_text):
                return self._resolver.resolve(bucket.rules, question, facts, inputs)
        return rendition, key

    def begin(self, bucket: Bucket, question: Question, key: Hashable) -> None:
        """Have measured what answers *question*, once for each *key*; where too much waits, a later request tries again."""
        if self._tried.has(key):
            return
        self._tried.add(key)

        async def work() -> None:
            async with self._one:
                await self._work(bucket, question)

        self._renewals.begin(key, work)

    async def aclose(self) -> None:
        """Leave off: what was not measured will be when it is asked for again."""
        await self._renewals.aclose()

    async def _work(self, bucket: Bucket, question: Question) -> None:
        learned = await self._originals.renewed(bucket, question.source)
        inputs = await self._gather(bucket, question) if question.inputs else ()
        facts = learned.facts
        rendition, _ = self._resolver.resolve(bucket.rules, question, facts, inputs)
        if not rendition.tentative:
            return
        probe, key = self._resolver.probe(bucket.rules, question, facts, rendition)
        if await self._measured.recall(bucket, key, probe, facts, rendition.plan_text):
            return
        made_at_s = self._originals.now_s()
        body = learned.body
        if body is None:
            current, body = await self._originals.body(bucket, question.source, facts)
            if current.validators.identity != facts.validators.identity:
                return
        job = job_of(bucket, probe, inputs, tune="measure")
        try:
            found = await self._codec.render(body, facts.traits, job, bucket=bucket.rules.name, background=True)
            measurement = _read(found.body)
        except MogrError as error:
            if error.fault in (Fault.SOURCE, Fault.CLIENT):  # it never can be
                self._measured.learn(key, learned_score(facts, probe, made_at_s, None))
            raise
        if measurement is None:
            self._measured.learn(key, learned_score(facts, probe, made_at_s, None))
            return
        corrected = self._resolver.corrected(bucket.rules, question, facts, rendition, measurement)
        if corrected.quality != rendition.quality:
            with suppress(MogrError):  # then whoever asks next waits for it
                await self._make(bucket, corrected, rendition_key(corrected), Learned(facts, body), inputs)
        self._measured.keep(bucket, key, probe, learned_score(facts, probe, made_at_s, measurement))


def _read(body: bytes) -> Measurement | None:
    """What a codec process says it found; None if it is nothing of the kind."""
    try:
        return Measurement.read(json.loads(body[:_MOST_RECORD_BYTES]))
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
