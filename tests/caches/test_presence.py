"""What the node knows of the disk tier without looking: it may be wrong in one direction only."""

from __future__ import annotations

import asyncio
import os
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.caches import evict, files, presence
from proxy.caches.disk import DiskCache
from proxy.caches.evict import Evictor
from proxy.caches.presence import Presence
from proxy.ports import CacheEntry

ENTRY = CacheEntry({"a": 1}, b"body")
HERE = Path("/here")


def name(number: int) -> str:
    return blake2b(str(number).encode(), digest_size=32).hexdigest()


@pytest.fixture
def fd():
    made = presence.memory()
    yield made
    os.close(made)


@pytest.fixture
def tables(fd):
    """``tables(number, directory)``, unmapped after the test."""
    opened: list[Presence] = []

    def table(number: int = 0, directory: Path = HERE) -> Presence:
        opened.append(Presence(fd, number, directory))
        return opened[-1]

    yield table
    for each in opened:
        each.close()


def listed(table: Presence, *numbers: int) -> None:
    listing = table.begin()
    for number in numbers:
        listing.add(name(number))
    listing.publish()


def test_before_the_first_listing_everything_may_be_there(tables) -> None:
    table = tables()
    table.begin()  # one that never ends
    table.add(name(1))
    assert table.may_have(name(1))
    assert table.may_have(name(2))


def test_a_listing_tells_what_is_there(tables) -> None:
    table = tables()
    listed(table, 1)
    assert table.may_have(name(1))
    assert not table.may_have(name(2))


def test_what_is_written_is_known_to_everybody_and_stays_so_in_the_next_listing(tables) -> None:
    ours, theirs = tables(), tables()
    listed(ours, 1)
    theirs.add(name(2))
    assert ours.may_have(name(2))
    listing = ours.begin()
    theirs.add(name(3))  # while the directory is listed, in a part that was passed already
    listing.add(name(2))
    listing.publish()
    assert [number for number in range(5) if theirs.may_have(name(number))] == [2, 3]


def test_tables_and_directories_have_nothing_to_do_with_each_other(tables) -> None:
    listed(tables(0), 1)
    assert tables(1).may_have(name(2))  # not listed
    moved = tables(0, Path("/elsewhere"))
    assert moved.may_have(name(2))
    listed(moved, 3)
    assert not moved.may_have(name(1))
    assert tables(0).may_have(name(2))  # the table is another directory's now


def test_memory_of_another_size_is_refused() -> None:
    made = os.memfd_create("other")
    try:
        with pytest.raises(ValueError, match="size"):
            Presence(made, 0, HERE)
    finally:
        os.close(made)


NAMES = 6
changes = st.lists(st.tuples(st.sampled_from(["write", "delete"]), st.integers(0, NAMES - 1)), max_size=2)


@given(st.lists(st.lists(changes, min_size=NAMES, max_size=NAMES), min_size=1, max_size=5))
def test_a_file_that_is_there_is_never_denied(listings: list[list[list[tuple[str, int]]]]) -> None:
    """Whatever is written and deleted while the directory is listed, name by name, several times over."""
    fd = presence.memory()
    table = Presence(fd, 0, HERE)
    there: set[int] = set()
    for meanwhile in listings:
        listing = table.begin()
        for at in range(NAMES):
            for what, number in meanwhile[at]:
                if what == "write":
                    there.add(number)
                    table.add(name(number))
                else:
                    there.discard(number)
                assert all(table.may_have(name(each)) for each in there)
            if at in there:
                listing.add(name(at))
        listing.publish()
        assert all(table.may_have(name(each)) for each in there)
        assert not table.may_have(name(NAMES))
    del listing
    table.close()
    os.close(fd)


async def test_the_tier_looks_only_for_what_may_be_there(tmp_path, tables, meter, clock) -> None:
    one = DiskCache(tmp_path, max_bytes=2**30, meter=meter, clock=clock, presence=tables(0, tmp_path))
    other = DiskCache(tmp_path, max_bytes=2**30, meter=meter, clock=clock, presence=tables(0, tmp_path))
    stranger = DiskCache(tmp_path, max_bytes=2**30, meter=meter, clock=clock)
    evictor = Evictor(tmp_path, 2**30, clock, presence=tables(0, tmp_path))
    await one.put("before", ENTRY)
    await asyncio.to_thread(evictor.sweep)
    assert await other.get("before") == ENTRY
    await one.put("after", ENTRY)
    assert await other.get("after") == ENTRY
    await stranger.put("strange", ENTRY)
    assert await one.get("strange") is None  # nobody of this node wrote it
    await asyncio.to_thread(evictor.sweep)
    assert await one.get("strange") == ENTRY
    await other.delete("after")
    assert await one.get("after") is None
    await asyncio.to_thread(evictor.sweep)
    assert not tables(0, tmp_path).may_have(files.name_of("after"))
    for each in (one, other, stranger):
        each.close()


async def test_a_directory_that_was_not_listed_whole_is_looked_into(
    tmp_path, tables, meter, clock, monkeypatch
) -> None:
    table = tables(0, tmp_path)
    cache = DiskCache(tmp_path, max_bytes=2**30, meter=meter, clock=clock)
    await cache.put("key", ENTRY)
    cache.close()
    real = os.scandir

    def scandir(path):
        if files.FOLDER.fullmatch(Path(path).name):
            raise PermissionError
        return real(path)

    monkeypatch.setattr(evict.os, "scandir", scandir)
    assert (await asyncio.to_thread(Evictor(tmp_path, 2**30, clock, presence=table).sweep)).failures
    assert table.may_have(files.name_of("key"))
