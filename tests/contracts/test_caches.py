"""What every cache promises, whichever tier it is."""

from __future__ import annotations

import asyncio

import pytest

from proxy.caches.disk import DiskCache
from proxy.caches.memory import MemoryCache
from proxy.ports import Cache, CacheEntry, Memory, NullMeter


class StoppedClock:
    def now_s(self) -> float:
        return 1_700_000_000.0


class AwaitedMemory:
    """The memory tier behind the port of the slower tiers, so that both stand the same tests."""

    def __init__(self, memory: Memory[CacheEntry]) -> None:
        self._memory = memory

    async def get(self, key: str) -> CacheEntry | None:
        return self._memory.get(key)

    async def put(self, key: str, entry: CacheEntry) -> None:
        self._memory.put(key, entry)

    async def delete(self, key: str) -> None:
        self._memory.delete(key)


@pytest.fixture(params=["memory", "disk"])
def cache(request, tmp_path):
    if request.param == "memory":
        yield AwaitedMemory(MemoryCache(2**20, size_of=lambda entry: len(entry.body)))
        return
    disk = DiskCache(tmp_path, max_bytes=2**20, meter=NullMeter(), clock=StoppedClock())
    yield disk
    disk.close()


ENTRIES = [
    CacheEntry({}, b""),
    CacheEntry({}, b"\x00\xff"),
    CacheEntry({"text": "é\U0001f600", "number": 1.5, "none": None, "list": [1, {"a": True}]}, b"body"),
]


async def test_a_key_never_stored_is_a_miss(cache: Cache):
    assert await cache.get("key") is None


@pytest.mark.parametrize("entry", ENTRIES)
async def test_what_was_put_comes_back_equal(cache: Cache, entry: CacheEntry):
    await cache.put("key", entry)
    assert await cache.get("key") == entry


async def test_a_later_put_replaces_the_earlier_one(cache: Cache):
    for entry in ENTRIES:
        await cache.put("key", entry)
    assert await cache.get("key") == ENTRIES[-1]


async def test_keys_that_look_alike_are_different(cache: Cache):
    keys = ["a", "A", "a ", "a/", "/a", "\u00e1", "a\u0301", "a\0"]
    for n, key in enumerate(keys):
        await cache.put(key, CacheEntry({"n": n}, b""))
    entries = [await cache.get(key) for key in keys]
    assert [entry.meta["n"] for entry in entries if entry] == list(range(len(keys)))


async def test_a_deleted_key_is_a_miss_and_deleting_it_again_no_error(cache: Cache):
    await cache.put("key", ENTRIES[0])
    await cache.delete("key")
    await cache.delete("key")
    assert await cache.get("key") is None


async def test_an_entry_too_large_for_the_budget_is_dropped_silently(cache: Cache):
    await cache.put("key", CacheEntry({}, bytes(2**20)))
    assert await cache.get("key") is None


async def test_concurrent_puts_of_one_key_leave_one_of_them_whole(cache: Cache):
    entries = [CacheEntry({"n": n}, bytes([n]) * 10_000) for n in range(20)]
    await asyncio.gather(*(cache.put("key", entry) for entry in entries))
    assert await cache.get("key") in entries
