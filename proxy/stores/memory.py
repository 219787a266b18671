"""Objects in this process' memory: for trying things out and for tests; every web worker has its own."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping

from proxy.core.model import Validators
from proxy.errors import NoSuchKey
from proxy.ports import Clock, ObjectInfo, ObjectStream, Unchanged
from proxy.stores.media_types import media_type_of
from proxy.stores.streams import BytesStream, is_current, part_of


class MemoryStore:
    """Grows with what is put into it; nothing is ever dropped."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._objects: dict[str, tuple[bytes, ObjectInfo]] = {}

    async def open(
        self, key: str, *, since: Validators | None = None, byte_range: tuple[int, int | None] | None = None
    ) -> ObjectStream | Unchanged:
        """As ``ports.Origin.open``."""
        body, info = self._found(key)
        if is_current(since, info.validators):
            return Unchanged(info=info)
        return BytesStream(body, info, part_of(byte_range, len(body)))

    async def head(self, key: str) -> tuple[ObjectInfo, int | None]:
        """As ``ports.Origin.head``."""
        body, info = self._found(key)
        return info, len(body)

    async def put(
        self, key: str, body: bytes, *, media_type: str | None = None, metadata: Mapping[str, str] | None = None
    ) -> Validators:
        """As ``ports.Store.put``."""
        if not key:
            raise NoSuchKey("an empty key")
        validators = Validators(
            etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"',
            last_modified_s=int(self._clock.now_s()),
            size_bytes=len(body),
        )
        info = ObjectInfo(
            validators=validators, media_type=media_type or media_type_of(key), metadata=dict(metadata or {})
        )
        self._objects[key] = bytes(body), info
        return validators

    async def delete(self, key: str) -> None:
        """As ``ports.Store.delete``."""
        self._objects.pop(key, None)

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        """As ``ports.Store.keys``."""
        for key in [each for each in self._objects if each.startswith(prefix)]:
            yield key

    async def aclose(self) -> None:
        """Nothing is held."""

    def _found(self, key: str) -> tuple[bytes, ObjectInfo]:
        try:
            return self._objects[key]
        except KeyError:
            raise NoSuchKey(key) from None
