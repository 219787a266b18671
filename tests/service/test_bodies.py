"""Which originals are written to disk: those that are needed again, or all of them."""

from __future__ import annotations

import pytest
from delivery import BODY, World, settle

SIZES = [f"imageMogr2/thumbnail/{width}x" for width in (10, 20, 30)]


def on_disk(world: World) -> list[bytes]:
    """The bytes of originals there; facts have none."""
    return [entry.body for entry in world.disk_originals.entries.values() if entry.body]


@pytest.mark.parametrize(("originals", "after"), [("again", [0, 1, 1]), ("always", [1, 1, 1])])
async def test_an_original_is_written_when_a_second_picture_is_made_of_it(originals: str, after: list[int]) -> None:
    world = World(originals=originals)
    seen = []
    for size in SIZES:
        await world.ask(size)
        seen.append(len(on_disk(world)))
    assert seen == after
    assert on_disk(world) == [BODY]
    assert world.origin.opened == ["a"], "memory had it"


async def test_the_same_picture_again_is_no_need_of_the_original():
    world = World(originals="again")
    await world.ask(SIZES[0])
    await world.ask(SIZES[0])
    world.restart()
    await world.ask(SIZES[0])
    assert on_disk(world) == []
    assert world.origin.opened == ["a"]


async def test_it_is_fetched_once_more_where_memory_has_it_no_more_and_not_a_third_time():
    world = World(originals="again")
    for size in SIZES:
        await world.ask(size)
        world.restart()
    assert on_disk(world) == [BODY]
    assert world.origin.opened == ["a", "a"]


async def test_it_is_written_once_however_often_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(originals="again")
    written = []
    put = world.disk_originals.put

    async def noting(key: str, entry: object) -> None:
        written.append(key)
        await put(key, entry)

    monkeypatch.setattr(world.disk_originals, "put", noting)
    for width in range(10, 100, 10):
        await world.ask(f"imageMogr2/thumbnail/{width}x")
    await settle()
    assert len(written) == 2, "what is known of it, and it"


async def test_a_newer_version_of_what_was_asked_for_before_is_written():
    world = World(originals="again", ttl_s=60)
    await world.ask(SIZES[0])
    world.origin.objects["a"] = BODY + b" changed"
    world.clock.advance(61)
    await world.ask(SIZES[0])
    assert on_disk(world) == [BODY + b" changed"]


async def test_a_store_that_is_as_near_as_the_disk_is_never_copied_to_it():
    world = World(originals="again")
    world.bucket = type(world.bucket)(rules=world.bucket.rules, origin=world.origin, cache_originals=False)
    for size in SIZES:
        await world.ask(size)
        world.restart()
    assert on_disk(world) == []
    assert len(world.origin.opened) == 3
