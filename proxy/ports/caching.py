"""Memory and disk, where copies are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

V = TypeVar("V")


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
    def discard(self, condition: Callable[[V], bool]) -> int:
        """Forget every value of which *condition* is true; how many that were."""
        ...


class Cache(Protocol):
    """Bounded by bytes, best effort: every method fails silently (counted), ``get`` then answers None."""

    async def get(self, key: str) -> CacheEntry | None: ...
    async def put(self, key: str, entry: CacheEntry) -> None: ...
    async def delete(self, key: str) -> None: ...
    async def discard(self, condition: Callable[[Mapping[str, object]], bool], within_s: float) -> tuple[int, bool]:
        """Delete the entries of whose meta *condition*, called in a thread, is true.

        How many that were, and whether all entries were looked at in time.
        """
        ...
