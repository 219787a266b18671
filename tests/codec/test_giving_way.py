"""Codec processes let others have a core first."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from proxy.codec.avs2 import Ends
from proxy.codec.giving_way import LONG_TURN_NS, SHORT_TURN_NS, come_soon, give_way, turn_ns

StartNode = Callable[..., Awaitable[Any]]


KERNEL = tuple(map(int, os.uname().release.split(".")[:2]))
keeps_turns = pytest.mark.skipif(KERNEL < (6, 12), reason="Linux before 6.12 keeps no turns")


def nice_of(pid: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, pid)


@pytest.mark.parametrize("nice", [0, 5, 19])
async def test_processes_are_nicer_than_who_starts_them_and_so_are_their_successors(
    start_node: StartNode, nice: int
) -> None:
    node = await start_node(2, nice=nice)
    expected = min(19, nice_of(0) + nice)
    assert [nice_of(node.pid(place)) for place in range(2)] == [expected, expected]
    before = node.pid(0)
    os.kill(before, 9)
    await node.until(lambda: node.pool.statistics().deaths and node.pool.ready())
    assert node.pid(0) != before
    assert nice_of(node.pid(0)) == expected


async def test_what_is_started_beside_them_is_as_nice(start_node: StartNode) -> None:
    helpers: list[subprocess.Popen[bytes]] = []

    def launch() -> tuple[subprocess.Popen[bytes], Ends]:
        line, other = socket.socketpair()
        with other:  # cat ends when the line is closed
            helpers.append(subprocess.Popen(["cat"], stdin=other, stdout=subprocess.DEVNULL))
        return helpers[-1], Ends(line.detach(), os.memfd_create("input"), os.memfd_create("output"))

    node = await start_node(1, nice=5, launch=launch)
    (helper,) = helpers
    assert nice_of(helper.pid) == nice_of(node.pid()) == min(19, nice_of(0) + 5)


@keeps_turns
async def test_their_turns_are_long(start_node: StartNode) -> None:
    ours_ns = turn_ns(0)
    node = await start_node(2, nice=0)
    assert [turn_ns(node.pid(place)) for place in range(2)] == [LONG_TURN_NS, LONG_TURN_NS]
    assert turn_ns(0) == ours_ns < LONG_TURN_NS


@keeps_turns
def test_turns_of_what_it_starts_are_as_long() -> None:
    tell = "import sys; from proxy.codec.giving_way import turn_ns; input(); print(turn_ns(0))"
    nested = (
        f"import subprocess, sys; input(); subprocess.run([sys.executable, '-c', {tell!r}], input='\\n', text=True)"
    )
    command = [sys.executable, "-c", nested]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        give_way(process.pid, 0)
        assert int(process.communicate("\n")[0]) == LONG_TURN_NS


@keeps_turns
def test_who_answers_takes_short_ones() -> None:
    with ThreadPoolExecutor(1, initializer=come_soon) as threads:  # of which nothing is left
        assert threads.submit(turn_ns, 0).result() == SHORT_TURN_NS < turn_ns(0)


def test_one_that_is_gone_changes_nothing() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    give_way(process.pid, 5)
    with pytest.raises(ProcessLookupError):
        turn_ns(process.pid)


def test_a_real_time_process_is_let_be() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        try:
            os.sched_setscheduler(process.pid, os.SCHED_FIFO, os.sched_param(1))
        except PermissionError:
            pytest.skip("this user may make no real-time process")
        give_way(process.pid, 0)
        assert os.sched_getscheduler(process.pid) == os.SCHED_FIFO
        assert turn_ns(process.pid) == 0
