"""Memory that pictures took is given back once no further one comes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from proxy.codec import allocator, worker
from proxy.codec.process import jemalloc

GIVING_BACK = """
from pathlib import Path
from proxy.codec import allocator
def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 1_000_000
kept = []
for _ in range(8):
    blocks = [bytearray(70_000) for _ in range(1_000)]
    kept.append(blocks[::100])
full_mb = resident_mb()
del blocks
allocator.returning()()
print(full_mb, resident_mb())
"""


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({}, id="the system's"),
        pytest.param(
            {**jemalloc(), "MALLOC_CONF": "narenas:1,dirty_decay_ms:-1"},  # nothing goes back by itself
            id="jemalloc",
            marks=pytest.mark.skipif(not jemalloc(), reason="libjemalloc2 is not installed"),
        ),
    ],
)
def test_what_was_freed_goes_back(environment: dict[str, str]) -> None:
    command = [sys.executable, "-c", GIVING_BACK]
    said = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    full_mb, left_mb = map(int, said.stdout.split())
    assert left_mb < full_mb - 50


def test_an_allocator_without_such_a_call_is_let_be() -> None:
    allocator.returning(SimpleNamespace())()


def test_a_process_gives_back_before_it_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    client, queue = socket.socketpair()
    lifeline, other_end = os.pipe()
    monkeypatch.setattr(worker, "_LIFELINE", lifeline)
    monkeypatch.setattr(worker, "REST_MS", 0)
    given: list[bool] = []

    def give_back() -> None:
        given.append(True)
        client.send(b"a job")  # for which it waits next

    with client, queue:
        assert worker._wait(queue, give_back)
        assert worker._wait(queue, give_back)  # there is a job: no time for that
    os.close(lifeline)
    os.close(other_end)
    assert given == [True]
