"""The memory tier: Python objects by key, the least recently used ones dropped when their bytes exceed the budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cachetools import LRUCache

V = TypeVar("V")

ENTRY_OVERHEAD_BYTES = 1024
"""Counted for every entry beside its value and key: the objects around a body (measured: 0.7 KB for an artifact)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryStatistics:
    entries: int
    used_bytes: int
    max_bytes: int


class MemoryCache(Generic[V]):
    """A ``ports.Memory`` of at most *max_bytes*; a value over a quarter of that is not stored, and 0 stores nothing.

    Belongs to one event loop: no method waits or locks.  ``get`` counts as use.
    """

    def __init__(self, max_bytes: int, *, size_of: Callable[[V], int]) -> None:
        self._size_of = size_of
        self._largest_bytes = max_bytes // 4
        self._entries: LRUCache[str, tuple[V, int]] = LRUCache(max_bytes, getsizeof=_charge)

    def get(self, key: str) -> V | None:
        try:
            return self._entries[key][0]
        except KeyError:
            return None

    def put(self, key: str, value: V) -> None:
        """Remember *value* in place of what *key* held, which is forgotten also where *value* is too large to keep."""
        size_bytes = self._size_of(value) + len(key) + ENTRY_OVERHEAD_BYTES
        if size_bytes > self._largest_bytes:
            self.delete(key)
        else:
            self._entries[key] = (value, size_bytes)

    def delete(self, key: str) -> None:
        self._entries.pop(key, None)

    def discard(self, condition: Callable[[V], bool]) -> int:
        """Forget every value of which *condition* is true; how many that were."""
        found = [key for key, (value, _) in self._entries.items() if condition(value)]
        for key in found:
            del self._entries[key]
        return len(found)

    def clear(self) -> None:
        self._entries.clear()

    @property
    def statistics(self) -> MemoryStatistics:
        entries = self._entries
        return MemoryStatistics(entries=len(entries), used_bytes=int(entries.currsize), max_bytes=int(entries.maxsize))


def _charge(entry: tuple[object, int]) -> int:
    return entry[1]
