"""An original, fetched: its bytes within the bucket's limits, and what it then is known to be."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from proxy.core.freshness import response_freshness
from proxy.core.model import Freshness, Provenance, Source
from proxy.core.tags import FIELDS as TAG_FIELDS
from proxy.core.tags import origin_tags
from proxy.errors import ImageTooLarge, OriginUnavailable
from proxy.ports import Clock, Codec, ObjectInfo, ObjectStream, Unchanged
from proxy.service.admission import ByteBudget
from proxy.service.bucket import Bucket
from proxy.service.records import ASSUMED, Facts

_TOLD = ("cache-control", "cdn-cache-control", "expires")
_LIFETIME = (*_TOLD, "vary")
_NEVER = Freshness(fetched_at_s=0, lifetime_s=0)


@dataclass(frozen=True, slots=True)
class Learned:
    """Facts, and the bytes if they had to be fetched to learn them."""

    facts: Facts
    body: bytes | None = None
    revalidated: bool = False
    """The origin was asked and said that nothing changed."""
    timings_s: Mapping[str, float] = field(default_factory=dict)
    """What it took: ``fetch`` from the origin, ``probe`` by a codec process, its queue included."""


class Fetcher:
    """Asks origins, for one web worker; keeps nothing."""

    def __init__(self, codec: Codec, clock: Clock, budget: ByteBudget) -> None:
        self._codec = codec
        self._clock = clock
        self._budget = budget

    async def fetch(self, bucket: Bucket, source: Source, known: Facts | None) -> Learned:
        """What the origin has; with *known*, asked whether that still holds.

        Raises:
            NoSuchKey, OriginRefused, OriginForbidden, OriginUnavailable, OriginTimeout: from the origin.
            ImageTooLarge, ImageResolutionExceed, InvalidImageFormat: it is no picture within the bucket's limits.
            Overloaded, CodecLost, CodecDeadline: the header could not be read now.
        """
        asked_at_s, started_s = self._clock.now_s(), time.monotonic()
        answer = await bucket.origin.open(source.key, since=known.validators if known else None)
        if isinstance(answer, Unchanged):
            if known is None:
                raise OriginUnavailable("not modified, although nothing was asked of it")
            timings_s = {"fetch": time.monotonic() - started_s}
            return Learned(self._facts_of(bucket, answer.info, known), revalidated=True, timings_s=timings_s)
        body = await self._read(bucket, answer)
        fetched_s = time.monotonic()
        facts = await self._probe(bucket, answer.info, body, Provenance(source=source, asked_at_s=asked_at_s))
        timings_s = {"fetch": fetched_s - started_s, "probe": time.monotonic() - fetched_s}
        return Learned(facts, body, timings_s=timings_s)

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

    async def _probe(self, bucket: Bucket, info: ObjectInfo, body: bytes, provenance: Provenance) -> Facts:
        traits = await self._codec.probe(body, bucket.rules.limits, bucket=bucket.rules.name)
        base = Facts(validators=info.validators, traits=traits, freshness=_NEVER, provenance=provenance)
        return self._facts_of(bucket, info, base)

    @staticmethod
    def _lifetime(bucket: Bucket, info: ObjectInfo, base: Facts) -> dict[str, str]:
        own = {name: value for name, value in base.lifetime.items() if name == "vary" or ASSUMED not in base.lifetime}
        own |= {name: info.headers[name] for name in _LIFETIME if name in info.headers}
        assumed = bucket.rules.lifetime
        return own if not assumed or any(name in own for name in _TOLD) else {**own, **assumed, ASSUMED: "yes"}

    def _facts_of(self, bucket: Bucket, info: ObjectInfo, base: Facts) -> Facts:
        """*base* brought up to date by what the origin just said (RFC 9111 §3.2 for a 304)."""
        lifetime = self._lifetime(bucket, info, base)
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
            provenance=_tagged(base.provenance, info),
        )


def _tagged(provenance: Provenance | None, info: ObjectInfo) -> Provenance | None:
    """With the tags that the origin gives the source now; a 304 that gives none leaves them as they were."""
    if provenance is None or not any(name in info.headers for name in TAG_FIELDS):
        return provenance
    return replace(provenance, tags=origin_tags(info.headers))
