"""The process that writes the disk tier's files: with it, without it, and when it dies, what was put is there to get."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.caches import files, presence, writer_messages
from proxy.caches.disk import DiskCache
from proxy.caches.presence import Presence
from proxy.caches.writer_line import LARGEST_BYTES, Line
from proxy.ports import CacheEntry

NAME_BYTES = 64


class Node:
    """A queue, a table of what is there, and writers that take turns."""

    def __init__(self) -> None:
        self.queue, self.theirs = writer_messages.pair()
        self.presence_fd = presence.memory()

    @contextlib.contextmanager
    def writer(self) -> Iterator[subprocess.Popen[bytes]]:
        fds = self.theirs.fileno(), self.presence_fd
        command = [sys.executable, "-m", "proxy.caches.writer", *map(str, fds)]
        with subprocess.Popen(command, pass_fds=fds, stdin=subprocess.PIPE) as process:
            try:
                yield process
            finally:
                process.stdin.close()
                process.wait(10)

    def close(self) -> None:
        self.queue.close()
        self.theirs.close()
        os.close(self.presence_fd)


@pytest.fixture
def node():
    made = Node()
    yield made
    made.close()


@pytest.fixture
def open_cache(node, tmp_path, meter, clock):
    """``open_cache(line=…)``: a tier that asks the node's writer, closed after the test."""
    opened: list[DiskCache] = []

    def open_(*, patience_s: float = 20.0, root: Path = tmp_path, writes_itself: bool = True) -> DiskCache:
        cache = DiskCache(
            root,
            max_bytes=1 << 30,
            meter=meter,
            clock=clock,
            presence=Presence(node.presence_fd, 0, root),
            line=Line(node.queue.fileno(), root, 0, patience_s=patience_s),
        )
        opened.append(cache)
        if not writes_itself:
            cache._writing.close()
        return cache

    yield open_
    for each in opened:
        with contextlib.suppress(RuntimeError):  # its loop has ended
            each.close()


def temporary_files(root: Path) -> list[str]:
    return os.listdir(root / files.TEMPORARY) if (root / files.TEMPORARY).exists() else []


@pytest.mark.parametrize("size_bytes", [0, 1, 70_000, LARGEST_BYTES])
async def test_what_it_wrote_is_there_to_get(node, open_cache, tmp_path, meter, size_bytes):
    cache = open_cache(writes_itself=False)
    entry = CacheEntry({"of": "é", "n": size_bytes}, os.urandom(size_bytes))
    with node.writer():
        for _ in range(2):  # into a new directory, and in place of the same
            await cache.put("key", entry)
        assert await cache.get("key") == entry
        cache.close()
    assert meter.failures == []
    assert temporary_files(tmp_path) == []


async def test_what_is_long_one_writes_oneself(open_cache):
    cache, entry = open_cache(), CacheEntry({}, bytes(LARGEST_BYTES + 1))
    await cache.put("key", entry)  # and nobody listens
    assert await cache.get("key") == entry


async def test_many_at_once_from_two_web_workers_each_get_their_own(node, open_cache, tmp_path):
    one, two = open_cache(writes_itself=False), open_cache(root=tmp_path / "other", writes_itself=False)
    with node.writer():
        puts = [
            cache.put(f"{n}", CacheEntry({"n": n}, f"{at} {n}".encode() * 999))
            for n in range(40)
            for at, cache in enumerate((one, two))
        ]
        await asyncio.gather(*puts)
        for at, cache in enumerate((one, two)):
            for n in range(40):
                assert await cache.get(f"{n}") == CacheEntry({"n": n}, f"{at} {n}".encode() * 999)
            cache.close()


async def test_the_whole_node_hears_of_what_it_wrote(node, open_cache, tmp_path):
    table = Presence(node.presence_fd, 0, tmp_path)
    table.begin().publish()  # an empty directory: from here on only what is told of is looked for
    cache, other = open_cache(writes_itself=False), open_cache()
    assert await other.get("key") is None
    with node.writer():
        await cache.put("key", CacheEntry({}, b"body"))
        assert await other.get("key") == CacheEntry({}, b"body")
        cache.close()
    table.close()


async def test_one_that_was_killed_costs_nothing_and_the_next_takes_over(node, open_cache, meter):
    cache = open_cache()
    with node.writer() as first:
        await cache.put("before", CacheEntry({}, b"1"))
        first.send_signal(signal.SIGSTOP)
        putting = asyncio.ensure_future(cache.put("meanwhile", CacheEntry({}, b"2")))
        while not cache._line._waiting:  # until it is asked
            await asyncio.sleep(0)
        first.kill()
        await putting
    cache._writing.close()  # from here on only a writer can
    with node.writer():
        await cache.put("after", CacheEntry({}, b"3"))
        assert [(await cache.get(key)).body for key in ("before", "meanwhile", "after")] == [b"1", b"2", b"3"]
        cache.close()
    assert meter.failures == []


async def test_it_finishes_what_it_was_asked_for(node, open_cache):
    cache = open_cache(writes_itself=False)
    with node.writer() as process:
        await cache.put("first", CacheEntry({}, b"1"))
        process.send_signal(signal.SIGSTOP)
        putting = [asyncio.ensure_future(cache.put(f"{n}", CacheEntry({}, b"last"))) for n in range(20)]
        while len(cache._line._waiting) < 20:
            await asyncio.sleep(0)
        process.stdin.close()
        process.send_signal(signal.SIGCONT)
        await asyncio.gather(*putting)
        assert [(await cache.get(f"{n}")).body for n in range(20)] == [b"last"] * 20
        cache.close()


async def test_it_ends_although_nobody_is_left_to_let_go_of_it(node, open_cache):
    cache = open_cache(writes_itself=False)
    with node.writer() as process:
        await cache.put("key", CacheEntry({}, b"1"))
        cache.close()
        process.send_signal(signal.SIGSTOP)
        node.queue.close()
        process.stdin.close()
        process.send_signal(signal.SIGCONT)
        assert process.wait(10) == 0


async def test_signals_that_end_the_others_do_not_end_it(node, open_cache):
    cache = open_cache(writes_itself=False)
    with node.writer() as process:
        await cache.put("first", CacheEntry({}, b"1"))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process.send_signal(number)
        await cache.put("second", CacheEntry({}, b"2"))
        assert (await cache.get("second")).body == b"2"
        cache.close()


async def test_a_disk_that_cannot_be_written_is_told_of(node, open_cache, tmp_path, meter):
    (tmp_path / "file").write_bytes(b"")
    cache = open_cache(root=tmp_path / "file" / "below")
    with node.writer():
        await cache.put("key", CacheEntry({}, b"body"))
        assert (meter.failures, cache.writes) == (["disk"], False)
        cache.close()


def say_nothing(_: socket.socket, __: bytes) -> None: ...


def hang_up(line: socket.socket, _: bytes) -> None:
    line.close()


def talk_nonsense(line: socket.socket, _: bytes) -> None:
    line.send(b"?")


def answer_another(line: socket.socket, message: bytes) -> None:
    line.send(writer_messages.WRITTEN.pack(writer_messages.WRITE.unpack(message)[0] + 7, 1))


@pytest.mark.parametrize("answer", [say_nothing, hang_up, talk_nonsense, answer_another])
async def test_who_gets_no_answer_writes_itself(
    node, open_cache, meter, answer: Callable[[socket.socket, bytes], None]
):
    cache = open_cache(patience_s=0.05)
    putting = asyncio.ensure_future(cache.put("key", CacheEntry({}, b"body")))
    while not cache._line._waiting:
        await asyncio.sleep(0)
    _, (line_fd,), _, _ = socket.recv_fds(node.theirs, 1000, 1)
    with socket.socket(fileno=line_fd) as line:
        message, (sheet_fd,), _, _ = socket.recv_fds(line, 1000, 1)
        os.close(sheet_fd)
        answer(line, message)
        await putting
    assert await cache.get("key") == CacheEntry({}, b"body")
    assert meter.failures == []


async def test_an_errno_that_it_answers_is_a_failure_of_the_disk(node, open_cache, meter):
    cache = open_cache()
    putting = asyncio.ensure_future(cache.put("key", CacheEntry({}, b"body")))
    while not cache._line._waiting:
        await asyncio.sleep(0)
    _, (line_fd,), _, _ = socket.recv_fds(node.theirs, 1000, 1)
    with socket.socket(fileno=line_fd) as line:
        message, (sheet_fd,), _, _ = socket.recv_fds(line, 1000, 1)
        number, name, meta_bytes = writer_messages.WRITE.unpack(message)
        assert (len(name), os.pread(sheet_fd, 100, 0)[meta_bytes:]) == (NAME_BYTES, b"body")
        os.close(sheet_fd)
        line.send(writer_messages.WRITTEN.pack(number, -errno.ENOSPC))
        await putting
    assert (meter.failures, cache.writes) == (["disk"], False)
    assert await cache.get("key") is None


async def test_who_finds_the_queue_full_writes_itself(node, open_cache, meter):
    with contextlib.suppress(BlockingIOError):
        while True:
            node.queue.send(bytes(60_000))
    cache = open_cache()
    await cache.put("key", CacheEntry({}, b"body"))
    assert await cache.get("key") == CacheEntry({}, b"body")
    assert meter.failures == []


async def test_nonsense_in_the_queue_is_passed_over(node, open_cache):
    node.queue.send(b"{}")
    with open(os.devnull, "rb") as nothing:
        socket.send_fds(node.queue, [b'{"directory": 1, "table": 99}'], [nothing.fileno()])
    ours, theirs = writer_messages.pair()
    socket.send_fds(node.queue, [b"not JSON"], [theirs.fileno()])
    cache = open_cache(writes_itself=False)
    with node.writer(), ours, theirs:
        await cache.put("key", CacheEntry({}, b"body"))
        assert await cache.get("key") == CacheEntry({}, b"body")
        cache.close()
