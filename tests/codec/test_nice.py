"""Codec processes let web workers have a core first."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from proxy.codec.avs2 import Ends

StartNode = Callable[..., Awaitable[Any]]


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
