"""A purge in one web worker: nothing of before is sent, wherever it is kept, and nothing else is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from caching import Caching
from delivery import BODY, World, settle

from proxy.core.model import Source
from proxy.core.purges import Purge
from proxy.errors import NoSuchKey
from proxy.service.literals import Literals
from proxy.service.purging import Copies

pytestmark = pytest.mark.usefixtures("disk")

SOURCE = Source("b", "a")
OTHER = "imageMogr2/thumbnail/50x"


def copies_of(world: World, **more: Any) -> Copies:
    return Copies(
        ledger=world.originals.ledger, deliver=world.deliver, answers=Caching(ledger=world.originals.ledger).answers,
        literals=Literals(world.originals, world.clock), tiers=[world.disk, world.disk_originals],
        buckets={"b": world.bucket}, **more,
    )  # fmt: skip


def purge(world: World, kind: str = "source", value: str = "a", *, bucket: str = "b", **more: Any) -> Purge:
    """Of now; then time goes on."""
    found = Purge.from_json(
        {"id": str(world.clock.value_s), "kind": kind, "value": value, "bucket": bucket, "at_s": world.clock.now_s()}
        | more
    )
    world.clock.advance(1)
    return found


PURGES = [
    ("source", "a", {}),
    ("prefix", "", {}),
    ("tag", "b", {"bucket": ""}),
    ("tag", "kittens", {}),
    ("url", "a", {"plan_text": "imageMogr2/thumbnail/100x"}),
]


@pytest.mark.parametrize(("kind", "value", "more"), PURGES)
@pytest.mark.parametrize("left", ["memory", "disk", "bucket"])
async def test_nothing_of_before_is_sent_from_anywhere(kind: str, value: str, more: dict[str, Any], left: str) -> None:
    """The origin says the same entity tag as before."""
    world = World(persist=True, headers={"surrogate-key": "kittens"})
    before = await world.ask()
    assert before.tier is None
    ledger = world.originals.ledger
    if left != "memory":
        world.restart()
        world.originals.ledger = ledger
        world.deliver._kept._ledger = ledger
    if left == "bucket":
        world.disk.entries.clear()
        world.disk_originals.entries.clear()
    ledger.add(purge(world, kind, value, **more))  # told, and nothing deleted
    assert (await world.ask()).tier is None
    assert (await world.ask()).tier == "memory"
    assert len(world.codec.jobs) == 2
    assert len(world.origin.opened) >= (2 if kind != "url" else 1)
    assert world.origin.unchanged == (1 if kind == "url" and left == "bucket" else 0)


@pytest.mark.parametrize(("kind", "value", "more"), PURGES)
async def test_everything_meant_is_deleted_and_counted(kind: str, value: str, more: dict[str, Any]) -> None:
    world = World(persist=True, headers={"surrogate-key": "kittens"})
    world.origin.objects["z"] = b"PIC other"
    await world.ask()
    await world.ask(OTHER)
    if kind in ("source", "url"):  # the others mean it, too
        await world.ask(key="z")
    stored = len(world.store._objects) if world.store else 0
    counts = await copies_of(world).carry_out(purge(world, kind, value, **more), leads=True)
    one = kind == "url"
    assert counts == {
        "memory": 1 if one else 4, "disk": 1 if one else 4, "persisted": 1 if one else 3, "unfinished": 0, "unpublished": 0,
    }  # fmt: skip
    assert world.store is not None
    assert len([path for path in world.store._objects if "/purges/" not in path]) == stored - counts["persisted"]


async def test_others_count_their_memory_alone() -> None:
    world = World(persist=True)
    await world.ask()
    assert await copies_of(world).carry_out(purge(world), leads=False) == {"memory": 3}
    assert world.disk.entries


async def test_a_picture_begun_before_a_purge_leaves_nothing_that_counts() -> None:
    world = World(persist=True)
    world.codec.gate = asyncio.Event()
    early = asyncio.ensure_future(world.ask())
    await settle()
    entered = purge(world)
    world.originals.ledger.add(entered)
    world.origin.objects["a"] = b"PIC two"
    late = asyncio.ensure_future(world.ask())
    await settle()
    world.codec.gate.set()
    assert BODY in (await early).artifact.body
    assert b"PIC two" in (await late).artifact.body
    again = await world.ask()
    assert (again.tier, b"PIC two" in again.artifact.body) == ("memory", True)


async def test_a_body_fetched_before_a_purge_goes_into_no_picture_after_it() -> None:
    world = World()
    await world.ask()
    world.originals.ledger.add(purge(world))
    world.origin.objects["a"] = b"PIC two"
    assert b"PIC two" in (await world.ask(OTHER)).artifact.body


async def test_a_refreshed_picture_is_sent_until_it_is_made_anew_once() -> None:
    world = World(persist=True)
    await world.ask()
    world.origin.objects["a"] = b"PIC two"
    world.codec.gate = asyncio.Event()
    await copies_of(world).carry_out(purge(world, refresh=True), leads=True)
    for _ in range(5):
        found = world.deliver.hit(world.bucket, world.question())
        assert found is not None
        assert (found.renewing, BODY in found.artifact.body) == (True, True)
        await settle()
    assert len(world.origin.opened) == 2
    world.codec.gate.set()
    await settle()
    found = world.deliver.hit(world.bucket, world.question())
    assert found is not None
    assert (found.renewing, b"PIC two" in found.artifact.body) == (False, True)
    assert len(world.codec.jobs) == 2


async def test_a_refreshed_picture_on_disk_alone_is_sent_and_made_anew() -> None:
    world = World()
    await world.ask()
    ledger = world.originals.ledger
    world.restart()
    world.originals.ledger = world.deliver._kept._ledger = ledger
    ledger.add(purge(world, refresh=True))
    world.origin.objects["a"] = b"PIC two"
    found = await world.ask()
    assert (found.tier, found.renewing) == ("disk", True)
    await settle()
    found = await world.ask()
    await settle()
    assert b"PIC two" in (await world.ask()).artifact.body


async def test_a_refresh_that_fails_leaves_what_there_is() -> None:
    world = World()
    await world.ask()
    world.originals.ledger.add(purge(world, refresh=True))
    world.origin.error = NoSuchKey()
    for _ in range(3):
        assert (await world.ask()).renewing
        await settle()
    assert len(world.origin.opened) == 2, "the error is held against it for a while"
    world.origin.error = None
    world.clock.advance(11)
    await world.ask()
    await settle()
    assert not (await world.ask()).renewing


async def test_a_purge_ends_what_was_held_against_a_source() -> None:
    world = World()
    with pytest.raises(NoSuchKey):
        await world.ask(key="new")
    world.origin.objects["new"] = BODY
    with pytest.raises(NoSuchKey):
        await world.ask(key="new")
    await copies_of(world).carry_out(purge(world, value="new"), leads=True)
    assert (await world.ask(key="new")).tier is None


async def test_a_purge_of_the_past_changes_nothing_that_was_made_since() -> None:
    world = World()
    entered = purge(world)
    await world.ask()
    assert (await copies_of(world).carry_out(entered, leads=True))["memory"] == 0
    assert (await world.ask()).tier == "memory"


async def test_replicas_tell_each_other_by_the_bucket() -> None:
    one, other = World(persist=True), World()
    other.store, other.bucket = one.store, one.bucket
    await other.ask()
    noted: list[Purge] = []

    def note(entered: Purge) -> bool:
        noted.append(entered)
        return True

    theirs = copies_of(other, note=note)
    await theirs.poll()
    entered = purge(one)
    assert (await copies_of(one).carry_out(entered, leads=True))["unpublished"] == 0
    foreign = Purge(id="f", kind="source", at_s=1e12, bucket="elsewhere", value="a")
    for name, body in (("1-x.json", b"{broken"), ("2-y.json", b'{"id": "all", "kind": "all", "at_s": 1e12}')):
        assert one.store is not None
        await one.store.put(f".mogr/purges/{name}", body)
    await one.store.put(".mogr/purges/3-z.json", str(foreign.to_json()).encode())
    for _ in range(2):
        await theirs.poll()
    assert noted == [entered]
    other.clock.advance(1)
    assert (await other.ask()).tier != "memory"
    again = copies_of(World(persist=False))
    await again.poll()
    await theirs.aclose()


async def test_a_bucket_that_takes_nothing_is_said() -> None:
    world, said = World(persist=True), []
    world.bucket.persist.put = _fails  # type: ignore[union-attr, method-assign]
    copies = copies_of(world, complain=lambda *what: said.append(what))
    assert (await copies.carry_out(purge(world), leads=True))["unpublished"] == 1
    assert len(said) == 1


async def _fails(*_: object, **__: object) -> None:
    raise NoSuchKey("not now")
