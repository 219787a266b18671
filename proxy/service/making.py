"""From a rendition to the codec's job, and from what the codec made to the artifact that is kept and sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from proxy.core.keys import entity_tag
from proxy.core.model import Artifact, Provenance, Rendition
from proxy.core.reports import MEDIA_TYPES
from proxy.formats import CATALOGUE
from proxy.ports import Job, Rendered
from proxy.service.bucket import Bucket
from proxy.service.questions import Delivered
from proxy.service.records import Facts

_SMALL_BYTES = 262_144
"""Up to here hashing costs less than handing it to a thread."""


def job_of(bucket: Bucket, rendition: Rendition, inputs: Sequence[Delivered]) -> Job:
    return Job(
        plan_text=rendition.plan_text,
        format=rendition.format,
        limits=bucket.rules.limits,
        auto=rendition.auto,
        orient=rendition.orient,
        or_original=rendition.or_original,
        keep_copyright=bucket.rules.keep_copyright,
        preset=rendition.preset,
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
