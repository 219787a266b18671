"""Which originals are written to disk: those that are needed again, or all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from delivery import BODY, World

SIZES = [f"imageMogr2/thumbnail/{width}x" for width in (10, 20, 30)]


def on_disk(world: World) -> list[bytes]:
    """The bytes of originals there; facts have none."""
    return [entry.body for entry in world.disk_originals.entries.values() if entry.body]


@pytest.mark.parametrize(("at_once", "after"), [(False, [0, 1, 1]), (True, [1, 1, 1])])
async def test_an_original_is_written_when_a_second_picture_is_made_of_it(at_once: bool, after: list[int]) -> None:
    world = World(at_once=at_once)
    seen = []
    for size in SIZES:
        await world.ask(size)
        seen.append(len(on_disk(world)))
    assert seen == after
    assert on_disk(world) == [BODY]
    assert world.origin.opened == ["a"], "memory had it"


async def test_the_same_picture_again_is_no_need_of_the_original():
    world = World(at_once=False)
    await world.ask(SIZES[0])
    await world.ask(SIZES[0])
    world.restart()
    await world.ask(SIZES[0])
    assert on_disk(world) == []
    assert world.origin.opened == ["a"]


async def test_it_is_fetched_once_more_where_memory_has_it_no_more_and_not_a_third_time():
    world = World(at_once=False)
    for size in SIZES:
        await world.ask(size)
        world.restart()
    assert on_disk(world) == [BODY]
    assert world.origin.opened == ["a", "a"]


async def test_it_is_written_once_however_often_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(at_once=False)
    written = []
    put = world.disk_originals.put

    async def noting(key: str, entry: object) -> None:
        written.append(key)
        await put(key, entry)

    monkeypatch.setattr(world.disk_originals, "put", noting)
    for width in range(10, 100, 10):
        await world.ask(f"imageMogr2/thumbnail/{width}x")
    assert len(written) == 2, "what is known of it, and it"


async def test_a_newer_version_of_what_was_asked_for_before_is_written():
    world = World(at_once=False, ttl_s=60)
    await world.ask(SIZES[0])
    world.origin.objects["a"] = BODY + b" changed"
    world.clock.advance(61)
    await world.ask(SIZES[0])
    assert on_disk(world) == [BODY + b" changed"]


async def test_a_store_that_is_as_near_as_the_disk_is_never_copied_to_it():
    world = World(at_once=False)
    world.bucket = replace(world.bucket, cache_originals=False)
    for size in SIZES:
        await world.ask(size)
        world.restart()
    assert on_disk(world) == []
    assert len(world.origin.opened) == 3
