"""From a rendition to the codec's job, and from what the codec made to the artifact that is kept and sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from proxy.core.keys import entity_tag, lease_key
from proxy.core.model import Artifact, Provenance, Rendition
from proxy.core.reports import MEDIA_TYPES
from proxy.formats import CATALOGUE
from proxy.ports import Codec, Job, Meter, Rendered, Tuning
from proxy.service.bucket import Bucket
from proxy.service.fetching import Learned
from proxy.service.kept import Kept
from proxy.service.leasing import Found, Hold, Leasing
from proxy.service.originals import Originals
from proxy.service.questions import Delivered, joined
from proxy.service.records import Facts


class SourceChangedError(Exception):
    """The origin has another version than the facts we planned with."""


_SMALL_BYTES = 262_144
"""Up to here hashing costs less than handing it to a thread."""


def job_of(bucket: Bucket, rendition: Rendition, inputs: Sequence[Delivered], *, tune: Tuning = "given") -> Job:
    return Job(
        plan_text=rendition.plan_text,
        format=rendition.format,
        limits=bucket.rules.limits,
        auto=rendition.auto,
        orient=rendition.orient,
        or_original=rendition.or_original,
        keep_copyright=bucket.rules.keep_copyright,
        preset=rendition.preset,
        quality=rendition.quality,
        tune=tune,
        inputs=tuple(each.artifact.body for each in inputs),
    )


async def artifact_of(rendered: Rendered, facts: Facts, rendition: Rendition, made_at_s: float) -> Artifact:
    """*rendered*, as *rendition* asks, of the version that *facts* describe; *made_at_s*: when that began."""
    known = facts.provenance or Provenance(source=rendition.source, tags=None)
    body = rendered.body
    return Artifact(
        body=body,
        media_type=MEDIA_TYPES.get(rendered.format) or CATALOGUE[rendered.format].media_type,
        etag=entity_tag(body) if len(body) < _SMALL_BYTES else await asyncio.to_thread(entity_tag, body),
        source=facts.validators,
        format=rendered.format,
        frame=rendered.frame,
        provenance=replace(known, made_at_s=made_at_s, plan_text=rendition.plan_text),
    )


class Maker:
    """Makes renditions with the codec and keeps them, for one web worker."""

    def __init__(
        self, *, originals: Originals, codec: Codec, kept: Kept, meter: Meter, leasing: Leasing | None
    ) -> None:
        self._originals = originals
        self._codec = codec
        self._kept = kept
        self._meter = meter
        self._leasing = leasing

    async def make(
        self,
        bucket: Bucket,
        rendition: Rendition,
        key: str,
        learned: Learned,
        inputs: Sequence[Delivered],
        *,
        on_started: Callable[[], None],
        background: bool = False,
        anew: bool = False,
    ) -> Delivered:
        """*rendition* of the version that *learned* describes, kept under *key*, or what another replica made of it.

        *anew*: not if that is to be made anew, too.

        Raises:
            SourceChangedError: the origin has another version by now.
            MogrError: from the origin and the codec.
        """
        facts = learned.facts
        hold = Hold()
        if self._leasing is not None and bucket.persist is not None and joined(facts, inputs).freshness.storable:
            turn = await self._leasing.turn(
                lease_key(bucket.rules.persist_prefix, key, facts.validators.identity),
                self._codec.predict_s(facts.traits, job_of(bucket, rendition, inputs)),
                lambda: self._kept.persisted(bucket, rendition, key, facts, better=anew),
            )
            if isinstance(turn, Found):
                return turn.result
            hold = turn
        try:
            return await self._make(bucket, rendition, key, learned, inputs, hold, on_started, background)
        finally:
            hold.end()

    async def _make(
        self,
        bucket: Bucket,
        rendition: Rendition,
        key: str,
        learned: Learned,
        inputs: Sequence[Delivered],
        hold: Hold,
        on_started: Callable[[], None],
        background: bool,
    ) -> Delivered:
        started_s, made_at_s = time.monotonic(), self._originals.now_s()
        facts, body = learned.facts, learned.body
        if body is None:
            current, body = await self._originals.body(bucket, rendition.source, facts)
            if current.validators.identity != facts.validators.identity:
                raise SourceChangedError
        fetched_s = time.monotonic()
        rendered = await self._codec.render(
            body,
            facts.traits,
            job_of(bucket, rendition, inputs),
            bucket=bucket.rules.name,
            on_started=on_started,
            background=background,
        )
        done_s = time.monotonic()
        artifact = await artifact_of(rendered, facts, rendition, made_at_s)
        self._meter.rendered(
            facts.traits.format,
            rendered.format,
            facts.traits.frame.pixels / 1e6,
            done_s - fetched_s,
            len(rendered.body),
        )
        if joined(facts, inputs).freshness.storable:
            hold.kept(self._kept.put(bucket, rendition, key, artifact))
        timings_s = {"fetch": fetched_s - started_s, "codec": done_s - fetched_s, **rendered.timings_s}
        return Delivered(artifact=artifact, facts=facts, tier=None, timings_s=timings_s)
