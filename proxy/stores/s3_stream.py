"""A body on its way from a bucket, and the boundary at which obstore's errors become ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from proxy.core.model import Validators
from proxy.errors import InvalidRange, MogrError, NoSuchKey, OriginRefused, OriginTimeout, OriginUnavailable
from proxy.ports import Meter, ObjectInfo
from proxy.stores.streams import CHUNK_BYTES

if TYPE_CHECKING:
    from obstore import GetResult

_FIELDS = ("Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language")
NO_METADATA = frozenset({*_FIELDS, "Content-Type", "Storage-Class"})
"""Attributes of obstore that are header fields, not user metadata."""


class S3Stream:
    """An object being read from a bucket; obstore resumes a broken connection where it left off."""

    def __init__(self, result: GetResult, ranged: bool, read_timeout_s: float, meter: Meter, started_s: float) -> None:
        self.info = info_of(result)
        self.size_bytes: int | None = result.meta["size"]
        first, end = result.range
        self.range = (first, end - 1) if ranged and end > first else None
        self._left_bytes = end - first
        self._received_bytes = 0
        self._chunks: AsyncIterator[bytes] = aiter(result.stream(min_chunk_size=CHUNK_BYTES))
        self._read_timeout_s = read_timeout_s
        self._meter: Meter | None = meter
        self._started_s = started_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """The next piece.

        Raises:
            OriginTimeout: it did not arrive within ``read_timeout_s``.
            OriginUnavailable: the body broke off.
        """
        if self._left_bytes == 0:
            self._end("ok")
            raise StopAsyncIteration
        try:
            with translated("reading the body"):
                async with asyncio.timeout(self._read_timeout_s):
                    chunk = bytes(await anext(self._chunks, b""))
            if not 0 < len(chunk) <= self._left_bytes:
                raise OriginUnavailable(f"a body ended {self._left_bytes} bytes too soon, or went on")
        except MogrError as error:
            self._end(outcome_of(error))
            raise
        self._left_bytes -= len(chunk)
        self._received_bytes += len(chunk)
        return chunk

    async def aclose(self) -> None:
        """Drop the connection, or give it back if the body was read to its end."""
        self._end("ok")
        self._chunks = _nothing()

    def _end(self, outcome: str) -> None:
        meter, self._meter = self._meter, None
        if meter is not None:
            meter.fetched(outcome, now_s() - self._started_s, self._received_bytes)


class NotModified(Exception):
    """The version asked about is current."""


def counterpart(kind: type[BaseException]) -> type[Exception] | None:
    """Our class for an exception of obstore; None if it is not one of its own."""
    from obstore import exceptions

    counterparts: dict[type[BaseException], type[Exception]] = {
        FileNotFoundError: NoSuchKey,
        exceptions.InvalidPathError: NoSuchKey,
        ValueError: NoSuchKey,  # a path it cannot parse
        exceptions.PermissionDeniedError: OriginRefused,
        exceptions.UnauthenticatedError: OriginRefused,
        exceptions.NotModifiedError: NotModified,
        exceptions.BaseError: OriginUnavailable,
        TimeoutError: OriginTimeout,
        OSError: OriginUnavailable,
    }
    return next((counterparts[base] for base in kind.__mro__ if base in counterparts), None)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise our error instead of obstore's, whose text (URLs in it) stays private detail."""
    try:
        yield
    except Exception as error:
        ours = counterpart(type(error))
        if ours is None:
            raise
        raise ours(f"{doing}: {type(error).__name__}: {error}") from error


def info_of(result: GetResult) -> ObjectInfo:
    """What a bucket says of an object."""
    meta, attributes = result.meta, result.attributes
    metadata = {name: value for name, value in attributes.items() if name not in NO_METADATA}
    # A service that tells no time is given the epoch by obstore, which would be one time for all versions.
    modified_s = int(meta["last_modified"].timestamp()) or None
    return ObjectInfo(
        validators=Validators(etag=meta["e_tag"], last_modified_s=modified_s, size_bytes=meta["size"]),
        media_type=attributes.get("Content-Type"),
        headers={
            **{name.lower(): attributes[name] for name in _FIELDS if name in attributes},
            **{f"x-cos-meta-{name.lower()}": value for name, value in metadata.items()},  # what COS' SDKs look for
        },
        metadata=metadata,
    )


def outcome_of(error: MogrError) -> str:
    """The word of ``ports.Meter.fetched`` for *error*."""
    match error:
        case NoSuchKey():
            return "missing"
        case OriginRefused():
            return "refused"
        case OriginTimeout():
            return "timeout"
        case InvalidRange():
            return "ok"
    return "failed"


def now_s() -> float:
    """The event loop's clock."""
    return asyncio.get_running_loop().time()


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""
