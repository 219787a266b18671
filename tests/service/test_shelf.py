"""Writing behind the answer: what others may ask for at once is written at once."""

from __future__ import annotations

import asyncio

import pytest
from fakes import TallyMeter

from proxy.ports import CacheEntry
from proxy.service.shelf import Shelf

ENTRY = CacheEntry({}, b"body")


class Recorder:
    """A cache that remembers what was put into it."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def put(self, key: str, entry: CacheEntry) -> None:
        self.keys.append(key)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(TallyMeter())


async def test_a_picture_is_written_at_once(shelf) -> None:
    cache = Recorder()
    shelf.put(cache, "picture", ENTRY)
    await asyncio.sleep(0)
    assert cache.keys == ["picture"], "another web worker may be asked for it now"


async def test_what_was_fetched_waits_until_it_is_with_the_codec(shelf) -> None:
    cache = Recorder()
    shelf.put_later(cache, "fetched", ENTRY)
    shelf.put(cache, "picture", ENTRY)
    await asyncio.sleep(0)
    assert cache.keys == ["picture"]
    assert shelf.waiting_bytes == len(ENTRY.body)
    await shelf.drain(5)
    assert cache.keys == ["picture", "fetched"]


async def test_what_waits_takes_no_place_from_what_is_written(shelf) -> None:
    cache = Recorder()
    for number in range(20):
        shelf.put_later(cache, f"fetched {number}", ENTRY)
    shelf.put(cache, "picture", ENTRY)
    for _ in range(3):
        await asyncio.sleep(0)
    assert cache.keys == ["picture"]
    await shelf.drain(5)
    assert len(cache.keys) == 21


async def test_giving_up_leaves_nothing_waiting(shelf) -> None:
    cache = Recorder()
    shelf.put_later(cache, "fetched", ENTRY)
    await shelf.drain(0)
    assert (cache.keys, shelf.waiting_bytes) == ([], 0)
