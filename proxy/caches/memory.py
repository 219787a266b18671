"""The memory tier: Python objects by key, the least recently used ones dropped when their bytes exceed the budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cachetools import Cache, LRUCache

V = TypeVar("V")

ENTRY_OVERHEAD_BYTES = 1024
"""Counted for every entry beside its value and key: the objects around a body (measured: 0.7 KB for an artifact)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryStatistics:
    entries: int
    used_bytes: int
    max_bytes: int


class Place(Generic[V]):
    """Where one value is kept: whoever holds it sees, without looking the key up, whether the value still is."""

    __slots__ = ("_entries", "_key", "size_bytes", "value")

    def __init__(self, entries: _Entries[V], key: str, value: V, size_bytes: int) -> None:
        self._entries = entries
        self._key = key
        self.value: V | None = value
        """None once it was forgotten, pushed out or replaced: a place keeps nothing alive."""
        self.size_bytes = size_bytes

    def touch(self) -> None:
        """Count as use, as ``get`` does."""
        if self.value is not None:
            self._entries[self._key]


class _Entries(LRUCache[str, Place[V]]):
    """Places that are emptied when they are given up, whatever the reason."""

    def __delitem__(self, key: str) -> None:
        place = Cache.__getitem__(self, key)  # LRUCache's own would count as use
        super().__delitem__(key)
        place.value = None


class MemoryCache(Generic[V]):
    """A ``ports.Memory`` of at most *max_bytes*; a value over a quarter of that is not stored, and 0 stores nothing.

    Belongs to one event loop: no method waits or locks.  ``get`` counts as use.
    """

    def __init__(self, max_bytes: int, *, size_of: Callable[[V], int]) -> None:
        self._size_of = size_of
        self._largest_bytes = max_bytes // 4
        self._entries: _Entries[V] = _Entries(max_bytes, getsizeof=_charge)

    def get(self, key: str) -> V | None:
        try:
            return self._entries[key].value
        except KeyError:
            return None

    def place(self, key: str) -> Place[V] | None:
        """Where the value of *key* is kept; None if there is none."""
        try:
            return self._entries[key]
        except KeyError:
            return None

    def put(self, key: str, value: V) -> None:
        """Remember *value* in place of what *key* held, which is forgotten also where *value* is too large to keep."""
        size_bytes = self._size_of(value) + len(key) + ENTRY_OVERHEAD_BYTES
        self.delete(key)
        if size_bytes <= self._largest_bytes:
            self._entries[key] = Place(self._entries, key, value, size_bytes)

    def delete(self, key: str) -> None:
        self._entries.pop(key, None)

    def discard(self, condition: Callable[[V], bool]) -> int:
        """Forget every value of which *condition* is true; how many that were."""
        found = [key for key, place in self._entries.items() if place.value is not None and condition(place.value)]
        for key in found:
            del self._entries[key]
        return len(found)

    def clear(self) -> None:
        self.discard(lambda _: True)

    @property
    def statistics(self) -> MemoryStatistics:
        entries = self._entries
        return MemoryStatistics(entries=len(entries), used_bytes=int(entries.currsize), max_bytes=int(entries.maxsize))


def _charge(place: Place[Any]) -> int:
    return place.size_bytes
