"""The few Protocols between the service and the outside world, on one page.

Adapters implement them and translate their library's errors into ``proxy.errors``; the service knows only these.
Every method may be cancelled: cancelling releases whatever the call holds and leaves nothing half done to be seen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeVar

from proxy.core.http_cache.ending import Ending
from proxy.core.model import Frame, ImageLimits, Source, Traits, Validators

V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """What a store or origin says of an object, without its bytes."""

    validators: Validators
    media_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Lower-case names; end-to-end fields only: cache-control, expires, date, age, vary, content-disposition,
    content-encoding, content-language, last-modified, etag and x-cos-meta-*, as the origin sent them."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """User metadata, names without prefix."""


class ObjectStream(Protocol):
    """An object being read.  Use as an async context manager, or call ``aclose``."""

    info: ObjectInfo
    size_bytes: int | None
    """Length of the complete object; None if the origin does not say."""
    range: tuple[int, int] | None
    """First and last byte (inclusive) of what will be yielded, if a range was asked and served."""

    async def __anext__(self) -> bytes: ...
    async def aclose(self) -> None: ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """The origin confirmed that the version we hold is current (304); ``info`` has its fresh header fields."""

    info: ObjectInfo


class Origin(Protocol):
    """Somewhere originals are read from."""

    async def open(
        self, key: str, *, since: Validators | None = None, byte_range: tuple[int, int | None] | None = None
    ) -> ObjectStream | Unchanged:
        """Start reading *key*.  The body is not read yet; the caller must close the stream.

        With *since*, answers ``Unchanged`` if that version is still current.  With *byte_range* (first, last or None;
        first negative: the last so many bytes) the stream may yield only that part and then says so in its ``range``;
        an origin that ignores it yields everything, with ``range`` None.

        Raises:
            NoSuchKey: no such object (404, 410), or the key is one this origin cannot name.
            OriginRefused: 401 or 403.
            OriginForbidden: an address or redirect that is not allowed.
            OriginUnavailable, OriginTimeout: no usable answer.
            InvalidRange: the range lies outside the object.
        """
        ...

    async def head(self, key: str) -> tuple[ObjectInfo, int | None]:
        """What is known of *key* and its complete length; errors as ``open``."""
        ...

    async def aclose(self) -> None: ...


class Store(Origin, Protocol):
    """An origin that can be written to."""

    async def put(
        self, key: str, body: bytes, *, media_type: str | None = None, metadata: Mapping[str, str] | None = None
    ) -> Validators:
        """Write atomically: readers see the old object or the new one, whole."""
        ...

    async def delete(self, key: str) -> None:
        """Remove *key*; not an error if it is not there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardRequest:
    """A request to be carried to an origin as it is."""

    method: str
    raw_path: bytes
    raw_query: bytes
    """As received, without ``?``; what the path names lies below the origin's own prefix."""
    lines: Sequence[tuple[bytes, bytes]]
    """The header section, fields of a hop (Host and framing among them) excepted."""
    body: AsyncIterator[bytes] | None = None
    """Read once, while it is sent; its errors are passed on."""
    body_bytes: int | None = None
    """Length of the body; None: not known, or there is none."""


class Forwarded(Protocol):
    """An origin's answer, of a status from 200 to 599, to a forwarded request; the caller must close it."""

    status: int
    lines: Sequence[tuple[bytes, bytes]]
    """The end-to-end part of the header section in its order, without Content-Length; names in lower case."""
    ending: Ending
    size_bytes: int | None
    """What Content-Length says; None if it does not."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


class Forwarder(Protocol):
    """An origin that requests can be carried to."""

    async def forward(self, request: ForwardRequest) -> Forwarded:
        """Send *request* once and wait for the header section of its answer, whatever its status.

        Raises:
            InvalidUri: the path could leave the origin's prefix.
            RequestTooSlow, UnclearBody: the body did not arrive fast enough, or was not as long as announced.
            OriginForbidden: an address that is not allowed.
            OriginUnavailable, OriginTimeout: no usable answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A small JSON-able mapping and a body; what it means is the caller's business."""

    meta: Mapping[str, object]
    body: bytes


class Memory(Protocol[V]):
    """A bounded mapping inside the process; synchronous, so that a hit never waits."""

    def get(self, key: str) -> V | None: ...
    def put(self, key: str, value: V) -> None: ...
    def delete(self, key: str) -> None: ...


class Cache(Protocol):
    """Bounded by bytes, best effort: every method fails silently (counted), ``get`` then answers None."""

    async def get(self, key: str) -> CacheEntry | None: ...
    async def put(self, key: str, entry: CacheEntry) -> None: ...
    async def delete(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture to make.  A value: everything the codec needs, nothing it does not."""

    plan_text: str
    """Canonical spelling; the codec parses it again (parsing inverts formatting)."""
    format: str
    """Resolved catalogue name of the output; of a report, the form it answers in (``core.reports.MEDIA_TYPES``)."""
    limits: ImageLimits
    auto: bool = False
    orient: bool = False
    or_original: bool = False
    keep_copyright: bool = False
    """Where other metadata is dropped, EXIF's Copyright and Artist stay."""
    inputs: tuple[bytes, ...] = field(default=(), repr=False)
    """The other pictures that the plan needs (``Plan.needs``), each as PNG."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What the codec made."""

    body: bytes
    format: str
    """As in the job; the source's, if ``original``."""
    frame: Frame
    original: bool = False
    """The original's bytes were sent back because encoding did not make them fewer."""
    timings_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds by step: queue, decode, paint, encode."""


class Codec(Protocol):
    """Decodes, paints and encodes, somewhere a broken picture can hurt nobody."""

    async def probe(self, body: bytes, limits: ImageLimits, *, bucket: str = "") -> Traits:
        """Read the header only.  *bucket*: whose share of the waiting line the job takes.

        Raises:
            InvalidImageFormat: not a picture this build can decode.
            ImageTooLarge, ImageResolutionExceed: over *limits*.
            CodecDeadline, CodecLost, Overloaded: as ``render``.
        """
        ...

    def predict_s(self, traits: Traits, job: Job) -> float:
        """The CPU seconds that *job* is expected to take; never waits.

        Raises:
            InvalidArgument, ImageResolutionExceed: it cannot be done.
        """
        ...

    async def render(
        self,
        body: bytes,
        traits: Traits,
        job: Job,
        *,
        bucket: str = "",
        on_started: Callable[[], None] | None = None,
    ) -> Rendered:
        """Make the picture.  Cancelling drops the job if it is still waiting; one under way is finished unseen.

        *on_started* is called when a codec process takes the job; *bucket* as in ``probe``.

        Raises:
            InvalidArgument: an operation cannot be applied to this picture.
            InvalidImageFormat: broken pixels, a conversion this build cannot do, or a picture that crashed its decoder.
            ImageResolutionExceed: an intermediate or final size over the limits.
            CodecDeadline: longer than ``codec.deadline_s`` from its place to its bytes; the process was stopped.
            CodecLost: the process was killed from outside, twice.
            Overloaded: more work waiting than ``codec.queue_s`` per place, and none of it of somebody who waits for more.
        """
        ...


class Clock(Protocol):
    """Injected time, so that tests never sleep."""

    def now_s(self) -> float:
        """Wall clock, seconds since the epoch."""
        ...


class Meter(Protocol):
    """What happened, in domain verbs; the null meter does nothing, completely."""

    def request(self, kind: str, status: int, seconds: float, sent_bytes: int) -> None:
        """One answer of the edge; *kind* is ``object``, ``rendition`` or ``other``."""
        ...

    def cache_hit(self, tier: str) -> None:
        """*tier* is ``memory``, ``disk`` or ``bucket``."""
        ...

    def cache_miss(self) -> None: ...
    def collapsed(self) -> None:
        """A request that waited for another one's work instead of doing it again."""
        ...

    def fetched(self, outcome: str, seconds: float, received_bytes: int) -> None:
        """One exchange with an origin; *outcome*: ``ok``, ``unchanged``, ``missing``, ``refused``, ``failed``, ``timeout``."""
        ...

    def rendered(self, source_format: str, format: str, megapixels: float, seconds: float, sent_bytes: int) -> None: ...
    def render_failed(self, reason: str) -> None:
        """*reason* is the Python name of the error class."""
        ...

    def overloaded(self) -> None: ...
    def persisted(self, ok: bool) -> None: ...
    def tier_error(self, tier: str) -> None:
        """A cache tier failed (and was, or stays, switched off)."""
        ...


class NullMeter(Meter):
    """The Meter that counts nothing: the Protocol's own methods."""


__all__ = [
    "Cache", "CacheEntry", "Clock", "Codec", "Forwarded", "ForwardRequest", "Forwarder", "Job", "Memory", "Meter",
    "NullMeter", "ObjectInfo", "ObjectStream", "Origin", "Rendered", "Source", "Store", "Unchanged",
]  # fmt: skip
