"""The real parts of a node: codec pool and board, disk sweeper, web workers of ``proxy.worker``."""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from proxy import settings as tree
from proxy.caches import presence, recent, shared_epochs
from proxy.codec import avs2
from proxy.codec.board import WEB_SLOTS, Board
from proxy.codec.pool import ENVIRONMENT, CodecPool
from proxy.configuration import to_json
from proxy.supervisor.disk_writer import DiskWriter
from proxy.supervisor.fleet import Slots
from proxy.supervisor.sockets import StartError
from proxy.supervisor.sweeper import DiskSweeper
from proxy.supervisor.worker import python

CODECS_WITHIN_S = 60.0
CAPABILITIES_WITHIN_S = 60.0
_DEATHS_AT_START = 3
"""So many deaths a place before the pool was ever ready: it never will be."""
_LACKING_S = 5.0
"""A pool of one is without a process for a moment whenever that is recycled; its jobs wait, the node stays ready."""
_ASK = """
import json
from proxy.codec.capabilities import capabilities
print(json.dumps(capabilities().asdict()))
"""


class PoolCodecs:
    """``parts.Codecs`` over a pool and a board of their own."""

    def __init__(self, settings: tree.Codec) -> None:
        self.slots = Slots(WEB_SLOTS)
        self._board = Board.create()
        self._pool = CodecPool(
            places(settings),
            self._board,
            deadline_s=settings.deadline_s,
            memory_bytes=settings.memory_bytes,
            jobs_per_process=settings.jobs_per_process,
            fonts=settings.fonts,
            use_jemalloc=settings.jemalloc,
            launch=avs2.launch,
            nice=settings.nice,
        )
        self._lacking_since_s: float | None = None
        self._stops = 0
        self._open = True

    @property
    def board_fd(self) -> int:
        return self._board.fd

    @property
    def queue_fd(self) -> int:
        return self._pool.queue_sender.fileno()

    @property
    def ready(self) -> bool:
        if self.processes:
            self._lacking_since_s = None
            return True
        now_s = time.monotonic()
        self._lacking_since_s = self._lacking_since_s or now_s
        return self._open and now_s - self._lacking_since_s < _LACKING_S

    @property
    def processes(self) -> int:
        return self._pool.statistics().ready if self._open else 0

    @property
    def queue_s(self) -> float:
        return self._board.waiting_s() if self._open else 0.0

    @property
    def restarts(self) -> Mapping[str, int]:
        return self._pool.statistics().deaths if self._open else {}

    @property
    def written_bytes(self) -> int:
        return self._board.disk_bytes if self._open else 0

    async def start(self) -> None:
        await self._pool.start()
        try:
            async with asyncio.timeout(CODECS_WITHIN_S):
                await self._first_ready()
        except TimeoutError:
            raise StartError("the codec processes took too long to get ready") from None

    async def stop(self, grace_s: float) -> None:
        self._stops += 1
        try:
            await self._pool.stop(grace_s)
        finally:
            self._stops -= 1
            if self._open and not self._stops:
                self._open = False
                self._board.close()

    async def _first_ready(self) -> None:
        while not self._pool.ready():
            statistics = self._pool.statistics()
            if sum(statistics.deaths.values()) >= _DEATHS_AT_START * statistics.places:
                raise StartError("the codec processes die at their start; what they said stands above")
            await asyncio.sleep(0.02)


class NodeParts:
    """``parts.Parts`` of a real node."""

    web_command = python("proxy.worker")

    @cached_property
    def epochs_fd(self) -> int:
        return _shared(shared_epochs.memory)

    @cached_property
    def presence_fd(self) -> int:
        return _shared(presence.memory)

    def recent_fd(self, settings: tree.Settings) -> int:
        workers = settings.server.workers
        return _shared(lambda: recent.memory(workers, settings.cache.memory.shared_bytes(workers)))

    @cached_property
    def _disk_writer(self) -> DiskWriter:
        try:
            return DiskWriter(self.presence_fd)
        except OSError as error:
            raise StartError(f"no queue for the disk tier: {os.strerror(error.errno or 0).lower()}") from error

    @property
    def writer_fd(self) -> int:
        return self._disk_writer.queue_fd

    async def keep_writing(self, nice: int) -> None:
        await self._disk_writer.keep(nice)

    async def capabilities(self) -> Mapping[str, object]:
        return await ask_capabilities()

    def codecs(self, settings: tree.Codec) -> PoolCodecs:
        try:
            return PoolCodecs(settings)
        except OSError as error:
            raise StartError(f"no codec processes: {os.strerror(error.errno or 0).lower()}") from error

    def sweeper(self, settings: tree.DiskCache, written_bytes: Callable[[], int]) -> DiskSweeper:
        return DiskSweeper(settings, written_bytes, presence_fd=self.presence_fd)

    def web_settings(self, settings: tree.Settings) -> object:
        codec = settings.codec.model_copy(update={"workers": places(settings.codec)})
        return to_json(settings.model_copy(update={"codec": codec}))


def _shared(memory: Callable[[], int]) -> int:
    try:
        return memory()
    except OSError as error:
        raise StartError(f"no memory for web workers to share: {os.strerror(error.errno or 0).lower()}") from error


async def ask_capabilities() -> Mapping[str, object]:
    """What this build can decode and encode, found out by a process of its own: this one must not load pyvips.

    Raises:
        StartError: that process failed; what it said is on standard error.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-s", "-c", _ASK),
        env=dict(ENVIRONMENT),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        process_group=0,
    )
    try:
        async with asyncio.timeout(CAPABILITIES_WITHIN_S):
            said, _ = await process.communicate()
        found: Mapping[str, object] = json.loads(said)
    except (TimeoutError, ValueError):
        raise StartError("the codec cannot be loaded; what it said stands above") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return found


def places(settings: tree.Codec) -> int:
    """How many codec processes *settings* wants."""
    return settings.workers or cores()


def cores(cpu_max: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """The processor cores this node may use: those it may run on, or fewer where its container has a quota."""
    usable = len(os.sched_getaffinity(0))
    with suppress(OSError, ValueError):  # "max 100000" is no quota
        quota_us, period_us = map(int, cpu_max.read_text().split())
        return max(1, min(usable, math.ceil(quota_us / period_us)))
    return usable
