"""Small real classes that stand in for the outside world; shared by the tests of several rooms."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Self

from proxy.core.model import Frame, ImageLimits, Traits, Validators
from proxy.errors import InvalidImageFormat, MogrError, NoSuchKey
from proxy.ports import CacheEntry, Job, NullMeter, ObjectInfo, Rendered, Unchanged


class ManualClock:
    """Time that passes when told to."""

    def __init__(self, now_s: float = 1_800_000_000.0) -> None:
        self.value_s = now_s

    def now_s(self) -> float:
        return self.value_s

    def advance(self, seconds: float) -> None:
        self.value_s += seconds


class FakeStream:
    def __init__(self, info: ObjectInfo, body: bytes, *, declared: bool = True, chunk_bytes: int = 4) -> None:
        self.info = info
        self.size_bytes = len(body) if declared else None
        self.range: tuple[int, int] | None = None
        self._body = body
        self._chunk_bytes = chunk_bytes
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._body), self._chunk_bytes):
            yield self._body[at : at + self._chunk_bytes]

    async def aclose(self) -> None:
        self.closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class FakeOrigin:
    """Objects in a dict; counts what it is asked and can be made to fail or wait."""

    def __init__(self, objects: Mapping[str, bytes] | None = None, headers: Mapping[str, str] | None = None) -> None:
        self.objects: dict[str, bytes] = dict(objects or {})
        self.headers: dict[str, str] = dict(headers or {})
        self.opened: list[str] = []
        self.unchanged = 0
        self.error: MogrError | None = None
        self.gate: asyncio.Event | None = None
        self.declared = True
        self.streams: list[FakeStream] = []

    def info(self, key: str) -> ObjectInfo:
        body = self.objects[key]
        etag = '"' + hashlib.sha256(body).hexdigest()[:12] + '"'
        return ObjectInfo(
            validators=Validators(etag=etag, last_modified_s=1_700_000_000, size_bytes=len(body)),
            media_type="image/fake",
            headers=self.headers,
        )

    async def open(self, key, *, since=None, byte_range=None):
        self.opened.append(key)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        if key not in self.objects:
            raise NoSuchKey
        info = self.info(key)
        if since is not None and since.etag == info.validators.etag:
            self.unchanged += 1
            return Unchanged(info=info)
        stream = FakeStream(info, self.objects[key], declared=self.declared)
        self.streams.append(stream)
        return stream

    async def head(self, key):
        if key not in self.objects:
            raise NoSuchKey
        return self.info(key), len(self.objects[key])

    async def aclose(self) -> None: ...


class FakeCodec:
    """ "Pictures" are bytes that start with ``PIC``; a rendition is its recipe as text, so results are checkable."""

    def __init__(self, traits: Traits | None = None) -> None:
        self.traits = traits or Traits(format="jpeg", frame=Frame(width_px=800, height_px=600), quality=80)
        self.probed = 0
        self.jobs: list[Job] = []
        self.error: MogrError | None = None
        self.gate: asyncio.Event | None = None
        self.start_first = False
        self.costs_s: dict[str, float] = {}
        self.measures: Callable[[Job], bytes] = lambda job: b'{"quality": %d, "score": 70.0}' % (job.quality or 0)
        """What measuring finds: all pictures are harder than the average."""
        self.slow: frozenset[str] = frozenset()
        """Formats that alone wait for ``gate``, if it is set."""
        self.tunes_wait = False
        """Whether measuring alone does."""
        self.waiting = 0

    async def probe(self, body: bytes, limits: ImageLimits, *, bucket: str = "") -> Traits:
        self.probed += 1
        if not body.startswith(b"PIC"):
            raise InvalidImageFormat
        return self.traits

    def _waits(self, job: Job) -> bool:
        return job.tune == "measure" if self.tunes_wait else not self.slow or job.format in self.slow

    def predict_s(self, traits: Traits, job: Job) -> float:
        return self.costs_s.get(job.format, 0.0)

    async def render(
        self,
        body: bytes,
        traits: Traits,
        job: Job,
        *,
        bucket: str = "",
        on_started: Callable[[], None] | None = None,
        background: bool = False,
    ) -> Rendered:
        if self.start_first and on_started:
            on_started()
        if self.gate is not None and self._waits(job):
            self.waiting += 1
            try:
                await self.gate.wait()
            finally:
                self.waiting -= 1
        self.jobs.append(job)
        if job.tune == "measure":
            return Rendered(body=self.measures(job), format=job.format, frame=traits.frame)
        if self.error is not None:
            raise self.error
        at = "" if job.quality is None else f"@{job.quality}"
        text = b"+".join((f"{job.format}{at}|{job.plan_text}|".encode() + body, *job.inputs))
        return Rendered(body=text, format=job.format, frame=traits.frame)


class DictCache:
    """A Cache that keeps everything, and, if *near*, has it at hand."""

    near = False

    def __init__(self) -> None:
        self.entries: dict[str, CacheEntry] = {}

    def at_hand(self, key: str) -> CacheEntry | None:
        return self.entries.get(key) if self.near else None

    async def get(self, key: str) -> CacheEntry | None:
        return self.entries.get(key)

    async def put(self, key: str, entry: CacheEntry) -> None:
        self.entries[key] = entry

    async def delete(self, key: str) -> None:
        self.entries.pop(key, None)

    async def discard(self, condition: Callable[[Mapping[str, object]], bool], within_s: float) -> tuple[int, bool]:
        found = [key for key, entry in self.entries.items() if condition(entry.meta)]
        for key in found:
            del self.entries[key]
        return len(found), True


class LateDisk(DictCache):
    """Each of its next reads is over once the gate that it took from *gates* is open."""

    near = property(lambda _: False)

    def __init__(self) -> None:
        super().__init__()
        self.gates: list[asyncio.Event] = []

    async def get(self, key: str) -> CacheEntry | None:
        found = await super().get(key)
        if self.gates:
            await self.gates.pop(0).wait()
        return found


class TallyMeter(NullMeter):
    """Remembers the verbs it was told."""

    def __init__(self) -> None:
        self.hits: list[str] = []
        self.misses = 0
        self.joins = 0
        self.fetches: list[str] = []
        self.failures: list[str] = []
        self.writes: list[bool] = []

    def cache_hit(self, tier: str) -> None:
        self.hits.append(tier)

    def cache_miss(self) -> None:
        self.misses += 1

    def collapsed(self) -> None:
        self.joins += 1

    def fetched(self, outcome: str, seconds: float, received_bytes: int) -> None:
        self.fetches.append(outcome)

    def render_failed(self, reason: str) -> None:
        self.failures.append(reason)

    def persisted(self, ok: bool) -> None:
        self.writes.append(ok)
