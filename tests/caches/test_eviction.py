"""The evictor keeps a directory within its budget and never touches what is not the tier's."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.caches import evict, files
from proxy.caches.disk import DiskCache
from proxy.caches.evict import LEFTOVER_S, RELIEF_S, RESCAN_S, Evictor, SweepResult
from proxy.ports import CacheEntry

BLOCK_BYTES = 4096


@pytest.fixture(autouse=True)
def roomy_disk(monkeypatch):
    """The machine's own disk may be as full as it likes."""
    monkeypatch.setattr(evict, "FREE_RATIO", 0.0)


@pytest.fixture
async def fill(tmp_path, meter, clock):
    """Store entries of one block each, used at the given seconds."""
    cache = DiskCache(tmp_path, max_bytes=2**30, meter=meter, clock=clock)

    async def filled(*used_at_s: float) -> DiskCache:
        start_s = clock.time_s
        for n, used_s in enumerate(used_at_s):
            clock.time_s = start_s + used_s
            await cache.put(f"key{n}", CacheEntry({}, b"x"))
        clock.time_s = start_s
        return cache

    yield filled
    cache.close()


async def sweep(evictor: Evictor) -> SweepResult | None:
    return await asyncio.to_thread(evictor.sweep)


async def kept(cache: DiskCache, count: int) -> list[int]:
    return [n for n in range(count) if await cache.get(f"key{n}") is not None]


async def test_nothing_is_deleted_within_the_budget(fill, tmp_path, clock):
    cache = await fill(*range(10))
    result = await sweep(Evictor(tmp_path, 10 * BLOCK_BYTES, clock))
    assert result == SweepResult(kept_files=10, kept_bytes=10 * BLOCK_BYTES)
    assert await kept(cache, 10) == list(range(10))


async def test_the_least_recently_used_go_until_nine_tenths_are_left(fill, tmp_path, clock):
    cache = await fill(*(n * 120 for n in range(20)))
    result = await sweep(Evictor(tmp_path, 10 * BLOCK_BYTES, clock))
    assert result == SweepResult(
        kept_files=9, kept_bytes=9 * BLOCK_BYTES, deleted_files=11, deleted_bytes=11 * BLOCK_BYTES
    )
    assert await kept(cache, 20) == list(range(11, 20))


async def test_an_entry_that_was_read_again_outlives_younger_ones(fill, tmp_path, clock):
    cache = await fill(*(n * 120 for n in range(20)))
    clock.time_s += 10_000
    await cache.get("key0")
    await sweep(Evictor(tmp_path, 10 * BLOCK_BYTES, clock))
    assert await kept(cache, 20) == [0, *range(12, 20)]


async def test_of_entries_used_in_the_same_minute_only_as_many_go_as_must(fill, tmp_path, clock):
    await fill(*[0] * 20)
    result = await sweep(Evictor(tmp_path, 10 * BLOCK_BYTES, clock))
    assert (result.kept_files, result.deleted_files) == (9, 11)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 20_000)), min_size=1, max_size=12),
    st.integers(0, 100_000),
)
def test_a_sweep_ends_within_the_budget_and_deletes_nothing_younger_than_what_it_keeps(
    tmp_path_factory, entries, max_bytes
):
    root = tmp_path_factory.mktemp("sweep")
    for n, (minute, size_bytes) in enumerate(entries):
        name = files.name_of(str(n))
        path = root.joinpath(*files.folders_of(name), name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size_bytes))
        os.utime(path, (minute * 60, minute * 60))

    class Now:
        def now_s(self) -> float:
            return 1000.0

    def left() -> list[int]:
        return [n for n in range(len(entries)) if any(root.rglob(files.name_of(str(n))))]

    result = Evictor(root, max_bytes, Now()).sweep()
    stayed = left()
    gone = [n for n in range(len(entries)) if n not in stayed]
    assert result.kept_bytes == sum(files.charge_bytes(entries[n][1]) for n in stayed) <= max_bytes
    assert all(entries[n][0] <= entries[m][0] for n in gone for m in stayed)
    if gone:
        assert result.kept_bytes <= 0.9 * max_bytes
        assert result.kept_bytes + files.charge_bytes(max(entries[n][1] for n in gone)) > int(0.9 * max_bytes)


async def test_foreign_files_are_never_deleted_or_counted(fill, tmp_path, clock):
    await fill(0)
    name = files.name_of("other")
    foreign = [
        tmp_path / "photo.jpg",
        tmp_path / "ab" / "c" / "letter.txt",
        tmp_path / "ab" / name,
        tmp_path / "abc" / "d" / name,
        tmp_path / "AB" / "c" / name,
    ]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(100_000))
    outside = tmp_path.parent / "outside" / "a"
    outside.mkdir(parents=True, exist_ok=True)
    (outside / name).write_text("precious")
    (tmp_path / "ff").mkdir(exist_ok=True)
    (tmp_path / "ff" / "e").symlink_to(outside)
    result = await sweep(Evictor(tmp_path, 0, clock))
    assert (result.kept_files, result.deleted_files, result.failures) == (0, 1, 0)
    assert all(path.exists() for path in [*foreign, outside / name])


async def test_temporary_files_of_dead_writers_are_removed_after_an_hour(fill, tmp_path, clock):
    await fill(0)
    for name, age_s in {"1-young": LEFTOVER_S - 1, "2-old": LEFTOVER_S + 1}.items():
        path = tmp_path / files.TEMPORARY / name
        path.write_bytes(b"half")
        os.utime(path, (clock.time_s - age_s, clock.time_s - age_s))
    result = await sweep(Evictor(tmp_path, 2**30, clock))
    assert result.leftovers == 1
    assert [path.name for path in (tmp_path / files.TEMPORARY).iterdir()] == ["1-young"]


async def test_only_one_process_sweeps_a_directory_at_a_time(fill, tmp_path, clock):
    await fill(0)
    evictor = Evictor(tmp_path, 0, clock)
    with (tmp_path / files.LOCK).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert await sweep(evictor) is None
        assert evictor.due(), "it was not done"
    assert (await sweep(evictor)).deleted_files == 1


def test_a_cache_that_does_not_exist_is_empty(tmp_path, clock):
    missing = tmp_path / "missing"
    assert Evictor(missing, 0, clock).sweep() == SweepResult()
    assert not missing.exists()


def test_a_directory_that_cannot_be_read_is_counted(tmp_path, clock):
    (tmp_path / "file").write_text("")
    assert Evictor(tmp_path / "file", 0, clock).sweep().failures > 0


async def test_a_sweep_is_due_when_what_was_written_may_exceed_the_budget(fill, tmp_path, clock):
    await fill(*[0] * 8)
    evictor = Evictor(tmp_path, 10 * BLOCK_BYTES, clock)
    assert evictor.due(), "nothing is known yet"
    await sweep(evictor)
    assert not evictor.due()
    evictor.note_written(2 * BLOCK_BYTES)
    assert not evictor.due()
    evictor.note_written(1)
    assert evictor.due()
    await sweep(evictor)
    assert not evictor.due(), "the scan showed that nothing more was there"
    clock.time_s += RESCAN_S
    assert evictor.due()


async def test_an_unreachable_budget_does_not_make_sweeps_follow_each_other(fill, tmp_path, clock, monkeypatch):
    await fill(*[0] * 4)
    evictor = Evictor(tmp_path, 0, clock)

    def refuse(path: Path) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "unlink", refuse)
    assert (await sweep(evictor)).failures == 4
    assert not evictor.due()
    clock.time_s += RELIEF_S
    assert evictor.due()


async def test_a_full_file_system_makes_room_a_tenth_at_a_time(fill, tmp_path, clock, monkeypatch):
    cache = await fill(*(n * 120 for n in range(20)))
    evictor = Evictor(tmp_path, 2**30, clock)
    await sweep(evictor)
    monkeypatch.setattr(evict, "FREE_RATIO", 1.0)
    monkeypatch.setattr(evict, "FREE_MAX_BYTES", 2**62)
    assert not await asyncio.to_thread(evictor.due)
    clock.time_s += RELIEF_S
    assert await asyncio.to_thread(evictor.due)
    assert (await sweep(evictor)).deleted_files == 2
    assert await kept(cache, 20) == list(range(2, 20))
