"""The disk tier survives restarts, kills, foreign files and failing disks, and never raises."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import proxy
from proxy.caches import files
from proxy.caches.direction import RETRY_S
from proxy.caches.disk import DiskCache
from proxy.ports import CacheEntry

BUDGET_BYTES = 64 * 1024 * 1024
ENTRY = CacheEntry({"media_type": "image/webp", "n": 1}, b"picture" * 1000)


@pytest.fixture
def open_cache(tmp_path, meter, clock):
    """Open the same directory any number of times, as workers and restarts do."""
    opened = []

    def make(path: Path = tmp_path / "cache", kind: type[DiskCache] = DiskCache, **options) -> DiskCache:
        opened.append(kind(path, **{"max_bytes": BUDGET_BYTES, "meter": meter, "clock": clock, **options}))
        return opened[-1]

    yield make
    for cache in opened:
        cache.close()


def entry_files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if files.NAME.fullmatch(path.name)]


async def test_an_entry_survives_a_restart(open_cache, meter):
    await open_cache().put("key", ENTRY)
    assert await open_cache().get("key") == ENTRY
    assert meter.failures == []


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "a/b", "\0", "é" * 5000, "\udcff"])
async def test_a_hostile_key_names_only_a_file_of_the_tier(open_cache, tmp_path, key):
    cache = open_cache()
    await cache.put(key, ENTRY)
    assert await cache.get(key) == ENTRY
    (path,) = entry_files(tmp_path)
    assert path.parent.parent.parent == tmp_path / "cache"


async def test_files_and_directories_are_for_their_owner_only(open_cache, tmp_path):
    await open_cache(tmp_path / "new" / "cache").put("key", ENTRY)
    root = tmp_path / "new" / "cache"
    for path in [root, *root.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


async def test_a_large_body_comes_back_whole(open_cache):
    cache = open_cache(max_bytes=4 * 33 * 1024 * 1024)
    body = os.urandom(1024) * (32 * 1024)
    await cache.put("key", CacheEntry({}, body))
    assert await cache.get("key") == CacheEntry({}, body)


async def test_an_entry_over_a_quarter_of_the_budget_is_not_stored_and_replaces_the_old_one(open_cache):
    cache = open_cache(max_bytes=4000)
    await cache.put("key", CacheEntry({}, b"small"))
    await cache.put("key", CacheEntry({}, bytes(1001)))
    assert await cache.get("key") is None
    await cache.put("key", CacheEntry({}, bytes(1000)))
    assert await cache.get("key") is not None


async def test_every_written_file_is_reported_in_whole_blocks(open_cache):
    written = []
    cache = open_cache(on_written=written.append)
    await cache.put("a", CacheEntry({}, b""))
    await cache.put("b", CacheEntry({}, bytes(4096)))
    assert written == [4096, 8192]


def cut(data: bytes) -> bytes:
    return data[:-1]


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        lambda data: data + b"x",
        lambda data: b"",
        lambda data: data[:10],
        lambda data: data[:100],
        lambda data: b"\0" * len(data),
        lambda data: b"x" + data[1:],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:],
        lambda data: data[:7] + b"\x02" + data[8:],
        lambda data: b"#!/bin/sh\nexit 0\n",
    ],
)
@pytest.mark.parametrize("before", ["nothing", "read"])
async def test_a_torn_or_foreign_file_is_a_miss_and_removed(open_cache, tmp_path, meter, damage, before):
    cache = open_cache()
    await cache.put("key", ENTRY)
    if before == "read":  # from then on without a thread
        assert await cache.get("key") == ENTRY
    (path,) = entry_files(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert await cache.get("key") is None
    assert not path.exists()
    await cache.put("key", ENTRY)
    assert await cache.get("key") == ENTRY
    assert meter.failures == []


def read_back(data: bytes) -> CacheEntry:
    meta_bytes, body_bytes, checksum = files.lengths(data[: files.HEADER_BYTES])
    rest = data[files.HEADER_BYTES :]
    if meta_bytes + body_bytes != len(rest):
        raise files.Damaged
    meta, body = rest[:meta_bytes], rest[meta_bytes:]
    return CacheEntry(files.checked(files.name_of("key"), meta, body, checksum), body)


@given(position=st.integers(0), bit=st.integers(0, 7))
def test_no_flipped_bit_goes_unnoticed(position, bit):
    data = bytearray(files.head(files.name_of("key"), files.meta_bytes_of(ENTRY.meta), ENTRY.body) + ENTRY.body)
    assert read_back(bytes(data)) == ENTRY
    data[position % len(data)] ^= 1 << bit
    with pytest.raises(files.Damaged):
        read_back(bytes(data))


async def test_a_file_moved_to_another_name_is_a_miss(open_cache, tmp_path):
    cache = open_cache()
    await cache.put("a", CacheEntry({}, b"of a"))
    await cache.put("b", CacheEntry({}, b"of b"))
    one, other = entry_files(tmp_path)
    other.write_bytes(one.read_bytes())
    assert sorted((await cache.get("a") is None, await cache.get("b") is None)) == [False, True]


@pytest.mark.parametrize("before", ["nothing", "read"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
async def test_what_is_no_plain_file_is_neither_followed_nor_waited_for(open_cache, tmp_path, kind, before):
    cache = open_cache()
    await cache.put("key", ENTRY)
    if before == "read":
        assert await cache.get("key") == ENTRY
    (path,) = entry_files(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    if kind == "link":
        path.symlink_to(elsewhere)
    else:
        os.mkfifo(path)
    assert await cache.get("key") is None
    assert not path.is_symlink()
    assert not path.exists()
    assert elsewhere.exists()


async def test_use_is_stamped_at_most_once_a_minute(open_cache, tmp_path, clock):
    cache = open_cache()
    await cache.put("key", ENTRY)
    (path,) = entry_files(tmp_path)
    written_s = clock.time_s
    for read_s, stamped_s in ((0, 0), (59, 0), (61, 61), (62, 61), (120, 61), (122, 122)):
        clock.time_s = written_s + read_s
        await cache.get("key")
        while path.stat().st_mtime - written_s != stamped_s:  # behind the answer, by a thread
            await asyncio.sleep(0)


class FailingDisk(DiskCache):
    """A disk tier whose file calls fail as told."""

    read_fault: int | None = None
    write_fault: int | None = None

    def _read(self, name: str) -> CacheEntry | None:
        if self.read_fault is not None:
            raise OSError(self.read_fault, "told to")
        return super()._read(name)

    def _write(self, name: str, entry: CacheEntry) -> int:
        if self.write_fault is not None:
            raise OSError(self.write_fault, "told to")
        return super()._write(name, entry)


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EMFILE])
async def test_a_disk_that_cannot_be_written_is_left_alone_until_it_recovers(open_cache, meter, clock, fault):
    cache = open_cache(kind=FailingDisk)
    await cache.put("old", ENTRY)
    cache.write_fault = fault
    await cache.put("key", ENTRY)
    assert (cache.writes, meter.failures) == (False, ["disk"])

    await cache.put("key", ENTRY)
    assert meter.failures == ["disk"], "switched off: not even tried"
    assert await cache.get("old") == ENTRY, "what is there can still be read"

    clock.time_s += RETRY_S
    await cache.put("key", ENTRY)
    assert (cache.writes, meter.failures) == (False, ["disk", "disk"]), "tried again, and still failing"

    cache.write_fault = None
    await cache.put("key", ENTRY)
    assert await cache.get("key") is None, "recovered, but not yet tried again"
    clock.time_s += RETRY_S
    await cache.put("key", ENTRY)
    assert (cache.writes, await cache.get("key")) == (True, ENTRY)


async def test_a_disk_that_cannot_be_read_is_left_alone_until_it_recovers(open_cache, meter, clock):
    cache = open_cache(kind=FailingDisk)
    await cache.put("key", ENTRY)
    cache.read_fault = errno.EIO
    assert await cache.get("key") is None
    cache.read_fault = None
    assert await cache.get("key") is None
    assert (cache.reads, meter.failures) == (False, ["disk"])
    clock.time_s += RETRY_S
    assert await cache.get("key") == ENTRY
    assert cache.reads


async def test_after_the_wait_only_one_call_tries_a_failed_disk(open_cache, meter, clock):
    cache = open_cache(kind=FailingDisk)
    cache.read_fault = errno.EIO
    await cache.get("key")
    clock.time_s += RETRY_S
    await asyncio.gather(*(cache.get("key") for _ in range(20)))
    assert meter.failures == ["disk", "disk"]


async def test_a_disk_that_hangs_costs_a_miss(open_cache, meter):
    released = threading.Event()

    class HangingDisk(DiskCache):
        def _read(self, name: str) -> CacheEntry | None:
            released.wait(20)
            return None

    cache = open_cache(kind=HangingDisk, read_timeout_s=0.01)
    assert await cache.get("key") is None
    assert (cache.reads, meter.failures) == (False, ["disk"])
    released.set()


async def test_a_path_that_is_no_directory_is_counted_not_raised(open_cache, tmp_path, meter):
    (tmp_path / "file").write_text("")
    cache = open_cache(tmp_path / "file")
    await cache.put("key", ENTRY)
    assert await cache.get("key") is None
    assert meter.failures == ["disk", "disk"]


async def test_a_meta_that_is_no_json_is_counted_and_the_disk_stays_on(open_cache, meter):
    cache = open_cache()
    await cache.put("key", CacheEntry({"value": object()}, b""))
    assert (cache.writes, meter.failures) == (True, ["disk"])


async def test_after_closing_every_call_is_a_miss(open_cache):
    cache = open_cache()
    await cache.put("key", ENTRY)
    cache.close()
    await cache.put("key", ENTRY)
    assert await cache.get("key") is None


async def test_a_cancelled_write_leaves_the_old_entry_or_the_new_one(open_cache):
    cache = open_cache()
    await cache.put("key", ENTRY)
    task = asyncio.ensure_future(cache.put("key", CacheEntry({}, b"new")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await open_cache().get("key") in (ENTRY, CacheEntry({}, b"new"))


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of one MiB."""
    point = tmp_path / "tiny"
    point.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(point)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    yield point
    subprocess.run(["umount", str(point)], check=True)


async def test_a_really_full_disk_keeps_no_half_files_and_recovers_when_room_is_made(
    open_cache, tiny_disk, meter, clock
):
    cache = open_cache(tiny_disk / "cache")
    body = bytes(100_000)
    for n in range(20):
        await cache.put(f"key{n}", CacheEntry({}, body))
    assert (cache.writes, meter.failures) == (False, ["disk"])
    stored = [n for n in range(20) if await cache.get(f"key{n}") == CacheEntry({}, body)]
    assert 8 <= len(stored) <= 10
    assert list((tiny_disk / "cache" / files.TEMPORARY).iterdir()) == []

    await cache.delete("key0")
    clock.time_s += RETRY_S
    await cache.put("key19", CacheEntry({}, body))
    assert (cache.writes, await cache.get("key19")) == (True, CacheEntry({}, body))


WRITER = """
import asyncio, sys
from pathlib import Path
from proxy.caches.disk import DiskCache
from proxy.ports import CacheEntry, NullMeter

class StoppedClock:
    def now_s(self):
        return 1_700_000_000.0

async def run(path, n):
    cache = DiskCache(path, max_bytes=2**26, meter=NullMeter(), clock=StoppedClock())
    for written in range(1_000_000_000):
        n += 1
        letter = bytes([97 + n % 26])
        await cache.put(f"key{n % 7}", CacheEntry({"letter": letter.decode()}, letter * (n % 5 * 40_000)))
        if written == 7:
            print("ready", flush=True)

asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))
"""


async def test_killing_writers_in_the_middle_never_leaves_a_corrupt_entry(open_cache, tmp_path, meter):
    cache = open_cache()
    command = [sys.executable, "-c", WRITER, str(tmp_path / "cache")]
    for seed in range(0, 3000, 1000):
        writers = [
            subprocess.Popen(
                [*command, str(seed + worker)], stdout=subprocess.PIPE, cwd=Path(proxy.__file__).parents[1]
            )
            for worker in range(2)
        ]
        for writer in writers:
            assert await asyncio.to_thread(writer.stdout.readline) == b"ready\n"
        found = 0
        for n in range(200):
            entry = await cache.get(f"key{n % 7}")
            if entry is not None:
                found += 1
                assert entry.body == str(entry.meta["letter"]).encode() * len(entry.body)
        assert found > 100, "readers were served while writers wrote"
        for writer in writers:
            writer.kill()
            await asyncio.to_thread(writer.communicate)
        kept = [await cache.get(f"key{n}") for n in range(7)]
        assert all(kept), "every key was written whole at least once, and none is damaged"
    assert meter.failures == []


async def test_entries_are_deleted_by_what_their_meta_says(open_cache, tmp_path):
    cache = open_cache()
    for n in range(6):
        await cache.put(f"{n}", CacheEntry({"even": n % 2 == 0}, b"body"))
    torn = entry_files(tmp_path)[0]
    torn.write_bytes(torn.read_bytes()[:20])
    (torn.parent / "foreign").write_bytes(b"{}")
    lost = [n for n in range(6) if await cache.get(f"{n}") is None]
    assert len(lost) == 1
    expected = [n for n in range(6) if n % 2 == 0 and n not in lost]
    assert await cache.discard(lambda meta: meta["even"] is True, 60) == (len(expected), True)
    left = [n for n in range(6) if await cache.get(f"{n}") is not None]
    assert left == [n for n in range(6) if n % 2 and n not in lost]
    assert await cache.discard(lambda _: True, -1) == (0, False), "no time to look"
