"""Memory and disk, where copies are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A small JSON-able mapping and a body; what it means is the caller's business."""

    meta: Mapping[str, object]
    body: bytes


class Place(Protocol[V_co]):
    """Where a ``Memory`` keeps one value."""

    @property
    def value(self) -> V_co | None:
        """None once it was forgotten, pushed out or replaced: cheap to ask, and for good."""
        ...

    def touch(self) -> None:
        """Count as use."""
        ...


class Memory(Protocol[V]):
    """A bounded mapping inside the process; synchronous, so that a hit never waits."""

    def get(self, key: str) -> V | None: ...
    def place(self, key: str) -> Place[V] | None:
        """Where the value of *key* is, to see later whether it still is."""
        ...

    def put(self, key: str, value: V) -> None: ...
    def delete(self, key: str) -> None: ...
    def discard(self, condition: Callable[[V], bool]) -> int:
        """Forget every value of which *condition* is true; how many that were."""
        ...


class Cache(Protocol):
    """Bounded by bytes, best effort: every method fails silently (counted), ``get`` then answers None."""

    async def get(self, key: str) -> CacheEntry | None: ...
    def at_hand(self, key: str) -> CacheEntry | None:
        """What ``get`` would answer, if that takes no waiting; None may mean that it does."""
        ...

    async def put(self, key: str, entry: CacheEntry) -> None: ...
    async def delete(self, key: str) -> None: ...
    async def discard(self, condition: Callable[[Mapping[str, object]], bool], within_s: float) -> tuple[int, bool]:
        """Delete the entries of whose meta *condition*, called in a thread, is true.

        How many that were, and whether all entries were looked at in time.
        """
        ...
