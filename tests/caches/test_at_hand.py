"""What the kernel has in memory is read without a thread, and nothing else is."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from proxy.caches import at_hand, files, reading
from proxy.caches.direction import RETRY_S
from proxy.caches.disk import DiskCache
from proxy.ports import CacheEntry

ENTRY = CacheEntry({"media_type": "image/webp"}, b"picture" * 1000)


class Watched(DiskCache):
    """A disk tier that counts what threads read, and whose threads wait, or fail, while told to."""

    by_threads = 0
    fault: OSError | None = None

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.goes_on = threading.Event()
        self.goes_on.set()

    def _read(self, name):
        self.by_threads += 1
        self.goes_on.wait(20)
        if self.fault is not None:
            raise self.fault
        return super()._read(name)

    def _stamp(self, file):
        self.goes_on.wait(20)
        super()._stamp(file)


@pytest.fixture
def cache(tmp_path, meter, clock):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    promised = at_hand.is_promised(descriptor)
    os.close(descriptor)
    if not promised:
        pytest.skip("this file system does not promise to read without waiting")
    cache = Watched(tmp_path / "cache", max_bytes=64 << 20, meter=meter, clock=clock)
    yield cache
    cache.goes_on.set()
    cache.close()


def path_of(tmp_path: Path, key: str) -> Path:
    name = files.name_of(key)
    return Path(tmp_path, "cache", *files.folders_of(name), name)


async def test_after_the_first_file_no_thread_reads_what_is_in_memory(cache):
    for key in "abc":
        await cache.put(key, ENTRY)
    assert [await cache.get(key) for key in "abc"] == [ENTRY] * 3
    assert cache.by_threads == 1


async def test_an_answer_waits_neither_for_threads_that_hang_nor_for_a_stamp(cache, clock):
    await cache.put("key", ENTRY)
    await cache.get("key")
    cache.goes_on.clear()
    clock.time_s += 1000
    assert [await cache.get("key") for _ in range(200)] == [ENTRY] * 200


@pytest.mark.parametrize(("more_bytes", "by_threads"), [(0, 1), (1, 2)])
async def test_a_large_file_is_for_a_thread(cache, more_bytes, by_threads):
    await cache.put("small", ENTRY)
    await cache.get("small")
    entry = CacheEntry({}, bytes(reading.AT_ONCE_BYTES - files.HEADER_BYTES - len("{}") + more_bytes))
    await cache.put("large", entry)
    assert await cache.get("large") == entry
    assert cache.by_threads == by_threads


async def test_what_is_not_in_memory_is_read_by_a_thread(cache, tmp_path):
    await cache.put("key", ENTRY)
    await cache.get("key")
    descriptor = os.open(path_of(tmp_path, "key"), os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)
    assert await cache.get("key") == ENTRY
    assert cache.by_threads == 2


async def test_a_disk_that_failed_is_not_read_at_hand_either_until_it_recovers(cache, clock):
    await cache.put("key", ENTRY)
    await cache.get("key")
    cache.fault = OSError(errno.EIO, "told to")
    await cache.get("not there, and its folder not in memory")
    assert await cache.get("key") is None
    cache.fault = None
    clock.time_s += RETRY_S
    assert await cache.get("key") == ENTRY
    assert cache.reads


async def test_a_file_that_was_removed_is_a_miss(cache, tmp_path):
    await cache.put("key", ENTRY)
    await cache.get("key")
    path_of(tmp_path, "key").unlink()
    assert await cache.get("key") is None


async def test_reading_leaves_no_time_of_access(cache, tmp_path):
    await cache.put("key", ENTRY)
    await cache.get("key")
    os.utime(path_of(tmp_path, "key"), ns=(1, 10**18))  # older than the last change: an ordinary read would renew it
    descriptor = at_hand.opened(str(path_of(tmp_path, "key")))
    at_hand.read(descriptor, 10)
    os.close(descriptor)
    assert path_of(tmp_path, "key").stat().st_atime_ns == 1


def test_less_than_asked_for_is_not_at_hand(tmp_path):
    path = tmp_path / "short"
    path.write_bytes(b"short")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with pytest.raises(at_hand.NotAtHandError):
            at_hand.read(descriptor, 6)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("folder", ["/proc/self", "/dev/shm"])
def test_other_file_systems_promise_nothing(folder):
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        assert not at_hand.is_promised(descriptor)
    finally:
        os.close(descriptor)
