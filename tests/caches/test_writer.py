"""The process that writes the disk tier's files: with it, without it, and when it dies, what was put is there to get."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from proxy.caches import files, presence, writer_messages
from proxy.caches.disk import DiskCache
from proxy.caches.presence import Presence
from proxy.caches.writer_line import LARGEST_BYTES, MOST_UNANSWERED, Line
from proxy.ports import CacheEntry
from proxy.supervisor import control


class Node:
    """A queue, a table of what is there, and writers that take turns."""

    def __init__(self) -> None:
        self.queue, self.theirs = control.pair()
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
                try:
                    process.wait(10)
                finally:
                    process.kill()

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
async def open_cache(node, tmp_path, meter, clock):
    """``open_cache()``: a tier that asks the node's writer, and waits for it; closed after the test."""
    opened: list[DiskCache] = []

    def open_(*, patience_s: float = 1000.0, root: Path = tmp_path, writes_itself: bool = True) -> DiskCache:
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
        each.close()


async def until_asked(cache: DiskCache, files_: int = 1) -> None:
    while len(cache._line._waiting) < files_:
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def putting(node: Node, cache: DiskCache, entry: CacheEntry) -> AsyncIterator[tuple[socket.socket, bytes, bytes]]:
    """What a writer gets while *entry* is put as "key": the line, the message, what is on the sheet.  Left, it was put."""
    put = asyncio.ensure_future(cache.put("key", entry))
    await until_asked(cache)
    _, (line_fd,), _, _ = socket.recv_fds(node.theirs, 1000, 1)
    with socket.socket(fileno=line_fd) as line:
        line.setblocking(False)
        message, (sheet_fd,), _, _ = socket.recv_fds(line, 1000, 1)
        sheet = os.pread(sheet_fd, 1000, 0)
        os.close(sheet_fd)
        yield line, message, sheet
        await put


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
    assert meter.failures == []
    assert temporary_files(tmp_path) == []


async def test_what_is_long_one_writes_oneself(node, open_cache):
    cache, entry = open_cache(), CacheEntry({}, bytes(LARGEST_BYTES + 1))
    await cache.put("key", entry)
    assert await cache.get("key") == entry
    with pytest.raises(BlockingIOError):
        node.theirs.recv(1)


async def test_many_at_once_from_two_web_workers_each_get_their_own(node, open_cache, tmp_path):
    one, two = open_cache(writes_itself=False), open_cache(root=tmp_path / "other", writes_itself=False)
    with node.writer():
        puts = [
            cache.put(f"{n}", CacheEntry({"n": n}, f"{at} {n}".encode() * 999))
            for n in range(MOST_UNANSWERED)
            for at, cache in enumerate((one, two))
        ]
        await asyncio.gather(*puts)
        for at, cache in enumerate((one, two)):
            for n in range(MOST_UNANSWERED):
                assert await cache.get(f"{n}") == CacheEntry({"n": n}, f"{at} {n}".encode() * 999)


async def test_the_whole_node_hears_of_what_it_wrote(node, open_cache, tmp_path):
    table = Presence(node.presence_fd, 0, tmp_path)
    table.begin().publish()  # an empty directory: from here on only what is told of is looked for
    cache, other = open_cache(writes_itself=False), open_cache()
    assert await other.get("key") is None
    with node.writer():
        await cache.put("key", CacheEntry({}, b"body"))
        assert await other.get("key") == CacheEntry({}, b"body")
    table.close()


async def test_one_that_was_killed_costs_nothing_and_the_next_takes_over(node, open_cache, meter):
    cache = open_cache()
    with node.writer() as first:
        await cache.put("before", CacheEntry({}, b"1"))
        first.send_signal(signal.SIGSTOP)
        put = asyncio.ensure_future(cache.put("meanwhile", CacheEntry({}, b"2")))
        await until_asked(cache)
        first.kill()
        await put
    cache._writing.close()  # from here on only a writer can
    with node.writer():
        await cache.put("after", CacheEntry({}, b"3"))
        assert [(await cache.get(key)).body for key in ("before", "meanwhile", "after")] == [b"1", b"2", b"3"]
    assert meter.failures == []


async def test_it_finishes_what_it_was_asked_for(node, open_cache):
    cache = open_cache(writes_itself=False)
    with node.writer() as process:
        await cache.put("first", CacheEntry({}, b"1"))
        process.send_signal(signal.SIGSTOP)
        puts = [asyncio.ensure_future(cache.put(f"{n}", CacheEntry({}, b"last"))) for n in range(MOST_UNANSWERED)]
        await until_asked(cache, MOST_UNANSWERED)
        process.stdin.close()
        process.send_signal(signal.SIGCONT)
        await asyncio.gather(*puts)
        assert [(await cache.get(f"{n}")).body for n in range(MOST_UNANSWERED)] == [b"last"] * MOST_UNANSWERED


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


async def test_a_disk_that_cannot_be_written_is_told_of(node, open_cache, tmp_path, meter):
    (tmp_path / "file").write_bytes(b"")
    cache = open_cache(root=tmp_path / "file" / "below")
    with node.writer():
        await cache.put("key", CacheEntry({}, b"body"))
        assert (meter.failures, cache.writes) == (["disk"], False)


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
    cache, entry = open_cache(patience_s=0.05), CacheEntry({}, b"body")
    async with putting(node, cache, entry) as (line, message, _):
        answer(line, message)
    assert await cache.get("key") == entry
    assert meter.failures == []


async def test_one_that_does_not_answer_is_given_no_more_than_it_may_hold(node, open_cache, meter):
    cache, entry = open_cache(patience_s=0.0), CacheEntry({}, b"body")
    async with putting(node, cache, entry) as (line, message, _):
        await asyncio.gather(*(cache.put(f"{n}", entry) for n in range(MOST_UNANSWERED + 5)))
        assert [(await cache.get(f"{n}")) for n in range(MOST_UNANSWERED + 5)] == [entry] * (MOST_UNANSWERED + 5)
        held = [socket.recv_fds(line, 1000, 1) for _ in range(MOST_UNANSWERED - 1)]
        with pytest.raises(BlockingIOError):
            line.recv(1)
        # An answer, late as it is, makes room for one more.
        line.send(writer_messages.WRITTEN.pack(writer_messages.WRITE.unpack(message)[0], 1))
        await cache.put("heard", CacheEntry({}, bytes(LARGEST_BYTES + 1)))  # takes turns of the loop
        await cache.put("more", entry)
        held.append(socket.recv_fds(line, 1000, 1))
    for _, (sheet_fd,), _, _ in held:
        os.close(sheet_fd)


async def test_an_errno_that_it_answers_is_a_failure_of_the_disk(node, open_cache, meter):
    cache = open_cache()
    async with putting(node, cache, CacheEntry({}, b"body")) as (line, message, sheet):
        number, name, meta_bytes = writer_messages.WRITE.unpack(message)
        assert (name.decode(), sheet[meta_bytes:]) == (files.name_of("key"), b"body")
        line.send(writer_messages.WRITTEN.pack(number, -errno.ENOSPC))
    assert (meter.failures, cache.writes) == (["disk"], False)
    assert await cache.get("key") is None


async def test_a_message_that_makes_no_sense_does_not_end_it(node, open_cache):
    cache = open_cache(writes_itself=False)
    ours, theirs = control.pair()
    with node.writer(), ours, theirs:
        hello = json.dumps({"directory": str(cache._root), "table": 0}).encode()
        socket.send_fds(node.queue, [hello], [theirs.fileno()])
        empty = os.memfd_create("empty")
        for name in (b"a" * 64, b"\xff" * 64):
            socket.send_fds(ours, [writer_messages.WRITE.pack(1, name, 7)], [empty])
        os.close(empty)
        await cache.put("key", CacheEntry({}, b"body"))
        assert await cache.get("key") == CacheEntry({}, b"body")


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
    ours, theirs = control.pair()
    socket.send_fds(node.queue, [b"not JSON"], [theirs.fileno()])
    cache = open_cache(writes_itself=False)
    with node.writer(), ours, theirs:
        await cache.put("key", CacheEntry({}, b"body"))
        assert await cache.get("key") == CacheEntry({}, b"body")
