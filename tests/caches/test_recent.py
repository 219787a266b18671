"""Memory that web workers share: a reader finds what a writer put there, or nothing."""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.caches import recent
from proxy.caches.recent import Recent

PARTS = 3
SIZE_BYTES = PARTS * 64 * 1024
CLAIMS = """
import sys
from proxy.caches.recent import claimed
print(claimed(int(sys.argv[1]), 3), flush=True)
sys.stdin.read()
"""
WRITES = """
import sys
from proxy.caches.recent import Recent
mine = Recent(int(sys.argv[1]), 3, 1)
print("writing", flush=True)
for number in range(10**9):
    mine.put(b"%d" % (number % 7), b"%d" % number, (b"%d " % number) * (number % 500))
"""


@pytest.fixture
def fd() -> Iterator[int]:
    descriptor = recent.memory(PARTS, SIZE_BYTES)
    yield descriptor
    os.close(descriptor)


def test_the_others_find_what_one_put_there_and_it_does_not(fd: int):
    one, two, three = (Recent(fd, PARTS, own) for own in range(PARTS))
    one.put(b"name", b"meta", b"body")
    assert two.get(b"name") == three.get(b"name") == (b"meta", b"body")
    assert one.get(b"name") is None, "it has that itself"
    assert two.get(b"other") is None
    one.put(b"name", b"newer", b"")
    assert two.get(b"name") == (b"newer", b"")


def test_who_comes_anew_begins_with_nothing(fd: int):
    Recent(fd, PARTS, 0).put(b"name", b"", b"body")
    Recent(fd, PARTS, 0)
    assert Recent(fd, PARTS, 1).get(b"name") is None


def test_who_has_no_part_reads_only(fd: int):
    one, nobody = Recent(fd, PARTS, 0), Recent(fd, PARTS, None)
    one.put(b"name", b"", b"body")
    assert nobody.get(b"name") == (b"", b"body")
    nobody.put(b"mine", b"", b"body")
    assert one.get(b"mine") is None


def test_one_picture_does_not_push_out_all_others(fd: int):
    one, two = Recent(fd, PARTS, 0), Recent(fd, PARTS, 1)
    one.put(b"small", b"", b"body")
    one.put(b"large", b"", bytes(SIZE_BYTES // PARTS // 4))
    assert (two.get(b"small"), two.get(b"large")) == ((b"", b"body"), None)


def test_the_oldest_go_first(fd: int):
    one, two = Recent(fd, PARTS, 0), Recent(fd, PARTS, 1)
    for number in range(100):
        one.put(b"%d" % number, b"", bytes(3_000))
    found = [number for number in range(100) if two.get(b"%d" % number)]
    assert found, "the newest are there, but for some that share a slot"
    assert found[0] > 70
    assert found[-1] == 99


def test_a_page_is_too_small_for_anything_and_nothing_breaks():
    descriptor = recent.memory(2, 0)
    one, two = Recent(descriptor, 2, 0), Recent(descriptor, 2, 1)
    one.put(b"name", b"", bytes(1_000))
    assert two.get(b"name") is None
    os.close(descriptor)


@pytest.mark.parametrize("size_bytes", [0, 1, mmap.PAGESIZE, PARTS * mmap.PAGESIZE + 1])
def test_memory_of_another_layout_is_refused(size_bytes: int):
    descriptor = os.memfd_create("other")
    os.ftruncate(descriptor, size_bytes)
    with pytest.raises(ValueError, match="size differs"):
        Recent(descriptor, PARTS, 0)
    os.close(descriptor)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6_000)), max_size=80))
def test_what_is_found_is_what_was_put_there_last(puts: list[tuple[int, int]]):
    descriptor = recent.memory(PARTS, SIZE_BYTES)
    one, two, last = Recent(descriptor, PARTS, 0), Recent(descriptor, PARTS, 1), {}
    for name, size_bytes in puts:
        body = os.urandom(size_bytes)
        one.put(b"%d" % name, b"%d" % size_bytes, body)
        last[name] = b"%d" % size_bytes, body
    assert all(two.get(b"%d" % name) in (last.get(name), None) for name in range(21))
    os.close(descriptor)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_was_damaged_is_not_found(data: st.DataObject):
    descriptor = recent.memory(PARTS, SIZE_BYTES)
    one, two = Recent(descriptor, PARTS, 0), Recent(descriptor, PARTS, 1)
    one.put(b"name", b"meta", b"body" * 20)
    with mmap.mmap(descriptor, SIZE_BYTES) as whole:
        written = [at for at in range(SIZE_BYTES // PARTS) if whole[at]]
        for at in data.draw(st.lists(st.sampled_from(written), min_size=1, max_size=5, unique=True)):
            whole[at] ^= data.draw(st.integers(1, 255))
    assert two.get(b"name") is None
    os.close(descriptor)


def test_a_part_has_one_owner_at_a_time_and_the_next_one_after_its_end(fd: int):
    def claim() -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-c", CLAIMS, str(fd)], pass_fds=(fd,), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    def end(process: subprocess.Popen[str]) -> None:
        with process:
            process.send_signal(signal.SIGKILL)

    others = [claim() for _ in range(4)]
    try:
        assert [number for _, number in others] == ["0", "1", "2", "None"]
        end(others.pop(1)[0])
        others.append(claim())
        assert others[-1][1] == "1"
    finally:
        for process, _ in others:
            end(process)


def test_beside_a_writer_that_never_rests_nothing_torn_is_read(fd: int):
    reader = Recent(fd, PARTS, 0)
    with subprocess.Popen([sys.executable, "-c", WRITES, str(fd)], pass_fds=(fd,), stdout=subprocess.PIPE) as writer:
        try:
            assert writer.stdout is not None
            writer.stdout.readline()
            found = [each for number in range(70_000) if (each := reader.get(b"%d" % (number % 7)))]
        finally:
            writer.kill()
    assert found
    for meta, body in found:
        assert body == (meta + b" ") * (int(meta) % 500)
