"""Keeping the process that writes the disk tier's files (``caches.writer``); web workers write themselves while there is none."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from proxy.codec.giving_way import give_way
from proxy.codec.pool import ENVIRONMENT
from proxy.logs import log
from proxy.supervisor import control
from proxy.supervisor.worker import ending

_PROGRAM = (sys.executable, "-P", "-s", "-m", "proxy.caches.writer")
PAUSE_S = 1.0
"""Between two that did not live long."""
_STEADY_S = 10.0
_LAST_FILES_WITHIN_S = 2.0


class DiskWriter:
    """One process for the whole node, whatever the configuration comes to; *presence_fd* stays the caller's.

    Raises:
        OSError: the system has no room for a queue.
    """

    def __init__(self, presence_fd: int) -> None:
        self._presence_fd = presence_fd
        self._ours, self._theirs = control.pair()

    @property
    def queue_fd(self) -> int:
        """The web workers' end: it stays although a process ends, and what it holds is for the next."""
        return self._ours.fileno()

    async def keep(self, nice: int) -> None:
        """Start one, nicer than this process by *nice*, and another whenever it ends.

        Cancelled, the last one finishes what it was asked for, and there will be no other.
        """
        try:
            while True:
                await self._keep_one(nice)
        finally:
            self._ours.close()
            self._theirs.close()

    async def _keep_one(self, nice: int) -> None:
        started_s = time.monotonic()
        try:
            code = await self._one(nice)
            log("What writes the disk tier ended and is started again.", level="error", end=ending(code))
        except OSError as error:
            why = os.strerror(error.errno or 0).lower()
            log("What writes the disk tier could not be started.", level="error", error=why)
        if time.monotonic() - started_s < _STEADY_S:
            await asyncio.sleep(PAUSE_S)

    async def _one(self, nice: int) -> int:
        fds = self._theirs.fileno(), self._presence_fd
        process = await asyncio.create_subprocess_exec(
            *(*_PROGRAM, *map(str, fds)),
            env=dict(ENVIRONMENT),  # none of our secrets
            cwd="/",
            pass_fds=fds,
            stdin=PIPE,  # the lifeline
            process_group=0,
        )
        give_way(process.pid, nice)
        try:
            return await process.wait()
        finally:
            await _end(process)


async def _end(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_LAST_FILES_WITHIN_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
