"""Where originals are read from, and where renditions are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, Self

from proxy.core.model import Validators


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """What a store or origin says of an object, without its bytes."""

    validators: Validators
    media_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Lower-case names; end-to-end fields only: cache-control, expires, date, age, vary, content-disposition,
    content-encoding, content-language, last-modified, etag, surrogate-key, cache-tag and x-cos-meta-*, as the origin sent
    them."""
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

    def keys(self, prefix: str) -> AsyncIterator[str]:
        """The keys of all objects whose key begins with *prefix*, which is empty or ends in ``/``; in any order.

        An object that is written or removed meanwhile may be among them or not.

        Raises:
            OriginRefused, OriginUnavailable, OriginTimeout: there may be more.
        """
        ...
