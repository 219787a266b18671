"""A body on its way from a bucket, and the boundary at which obstore's errors become ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from proxy.core.model import Validators
from proxy.errors import MogrError, NoSuchKey, OriginRefused, OriginTimeout, OriginUnavailable
from proxy.exchanges import Tally
from proxy.ports import ObjectInfo, ObjectStream
from proxy.stores.streams import CHUNK_BYTES

if TYPE_CHECKING:
    from obstore import GetResult

_FIELDS = ("Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language")
NO_METADATA = frozenset({*_FIELDS, "Content-Type", "Storage-Class"})
"""Attributes of obstore that are header fields, not user metadata."""


class S3Stream(ObjectStream):
    """An object being read from a bucket; obstore resumes a broken connection where it left off."""

    def __init__(self, result: GetResult, *, ranged: bool, read_timeout_s: float, tally: Tally) -> None:
        self.info = info_of(result)
        self.size_bytes: int | None = result.meta["size"]
        first, end = result.range
        self.range = (first, end - 1) if ranged and end > first else None
        self._left_bytes = end - first
        self._chunks: AsyncIterator[bytes] = aiter(result.stream(min_chunk_size=CHUNK_BYTES))
        self._read_timeout_s = read_timeout_s
        self._tally = tally

    async def __anext__(self) -> bytes:
        """The next piece.

        Raises:
            OriginTimeout: it did not arrive within ``read_timeout_s``.
            OriginUnavailable: the body broke off.
        """
        if self._left_bytes == 0:
            self._tally.end("ok")
            raise StopAsyncIteration
        try:
            with translated("reading the body"):
                async with asyncio.timeout(self._read_timeout_s):
                    chunk = bytes(await anext(self._chunks, b""))
            if not 0 < len(chunk) <= self._left_bytes:
                raise OriginUnavailable(f"a body ended {self._left_bytes} bytes too soon, or went on")
        except MogrError as error:
            self._tally.failed(error)
            raise
        self._left_bytes -= len(chunk)
        self._tally.received_bytes += len(chunk)
        return chunk

    async def aclose(self) -> None:
        """Drop the connection, or give it back if the body was read to its end."""
        self._tally.end("ok")
        self._chunks = _nothing()


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


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""
