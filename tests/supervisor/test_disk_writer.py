"""The supervisor keeps one process that writes the disk tier, as nice as it was told, and lets it finish."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import pytest

from proxy.caches import presence
from proxy.caches.disk import DiskCache
from proxy.caches.writer_line import Line
from proxy.ports import CacheEntry, NullMeter
from proxy.supervisor import disk_writer
from proxy.supervisor.disk_writer import DiskWriter
from proxy.supervisor.sweeper import WallClock


@pytest.fixture
def presence_fd():
    made = presence.memory()
    yield made
    os.close(made)


def children() -> set[int]:
    pid = os.getpid()
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {int(each) for each in found.split() if b"proxy.caches.writer" in command_line(int(each))}


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it ended since it was found
        return b""


async def test_it_is_started_anew_when_killed_and_ends_with_its_keeper(presence_fd, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(disk_writer, "PAUSE_S", 0.0)
    monkeypatch.setenv("MOGR_CREDENTIALS__0__SECRET_KEY", "nobody's business")
    writer = DiskWriter(presence_fd)
    keeping = asyncio.create_task(writer.keep(3))
    cache = DiskCache(
        tmp_path,
        max_bytes=1 << 30,
        meter=NullMeter(),
        clock=WallClock(),
        line=Line(writer.queue_fd, tmp_path, 0, patience_s=20),
    )
    cache._writing.close()  # only the writer can
    await cache.put("first", CacheEntry({}, b"1"))
    (first,) = children()
    assert os.getpriority(os.PRIO_PROCESS, first) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 3)
    assert b"business" not in Path(f"/proc/{first}/environ").read_bytes()
    os.kill(first, signal.SIGKILL)
    while first in children() or not children():
        await asyncio.sleep(0.01)
    for _ in range(2):  # the first may still hear of the end of the old one
        with contextlib.suppress(RuntimeError):
            await cache.put("second", CacheEntry({}, b"2"))
    assert [(await cache.get(key)).body for key in ("first", "second")] == [b"1", b"2"]
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert children() == set()
    assert "ended and is started again" in capsys.readouterr().err
    cache.close()


async def test_what_cannot_be_started_is_tried_again(presence_fd, monkeypatch, capsys):
    monkeypatch.setattr(disk_writer, "PAUSE_S", 0.0)
    tries = []

    async def fail(*_: object, **__: object) -> None:
        tries.append(1)
        if len(tries) == 3:
            raise asyncio.CancelledError
        raise OSError(11, "")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", fail)
    with pytest.raises(asyncio.CancelledError):
        await DiskWriter(presence_fd).keep(0)
    assert len(tries) == 3
    assert "could not be started" in capsys.readouterr().err
