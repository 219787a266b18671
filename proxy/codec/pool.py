"""The supervisor's side of the codec processes: starts them, ends the overdue, records why each died, starts them again.

It touches no pixels and no jobs; those pass it by, from the web workers through ``queue_sender``.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import math
import os
import socket
import struct
import subprocess
import termios
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proxy.codec.board import CODEC_SLOTS, Board, Death
from proxy.codec.confine import Gap
from proxy.codec.process import ENVIRONMENT, PROGRAM, Launch, Process, jemalloc, reason_of, start_with_helper
from proxy.logs import log

TICK_S = 0.05
START_S = 60.0
"""A process that is not ready by then is started anew."""
_BACKOFF_S = (0.1, 5.0)
_BURIAL_S = 5.0
_QUEUE_BYTES = 4 << 20
_SETTLED_TICKS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatistics:
    """The pool at one moment; deaths are counted since it was started."""

    places: int
    ready: int
    busy: int
    waiting_s: float
    jobs: int
    deaths: Mapping[str, int]
    """By the lower-case name of ``board.Death``."""


@dataclass(slots=True)
class _Place:
    number: int
    process: Process | None = None
    backoff_s: float = 0.0
    restart: asyncio.TimerHandle | None = None
    starting: asyncio.Task[None] | None = None
    fresh: bool = True


class CodecPool:
    """*places* codec processes, kept alive.  Used from one event loop's thread.

    Args:
        board: whose first *places* codec slots are this pool's.
        fonts: files and directories, read by text marks besides those of ours.
        use_jemalloc: whether processes allocate with jemalloc where it is installed.
        program: the command of a codec process; options are appended.
        launch: starts a helper beside each, if there is one.
        nice: by how much processes and helpers are nicer than this one, 0 to 19.
    """

    def __init__(
        self,
        places: int,
        board: Board,
        *,
        deadline_s: float,
        memory_bytes: int,
        jobs_per_process: int,
        fonts: Sequence[Path] = (),
        use_jemalloc: bool = True,
        program: Sequence[str] = PROGRAM,
        launch: Launch = lambda: None,
        nice: int = 0,
    ) -> None:
        if not 1 <= places <= CODEC_SLOTS:
            raise ValueError(f"{places} places, expected 1 to {CODEC_SLOTS}")
        self.queue_sender, self._queue = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self.queue_sender, self._queue):
            end.setblocking(False)
        # As long as net.core.wmem_max lets it be: 555 jobs by the usual 212,992.
        self.queue_sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _QUEUE_BYTES)
        self._board = board
        self._places = [_Place(number) for number in range(places)]
        self._deadline_s = deadline_s
        self._memory_bytes = memory_bytes
        self._jobs = jobs_per_process
        self._fonts = json.dumps([str(path) for path in fonts])
        self._use_jemalloc = use_jemalloc
        self._program = tuple(program)
        self._launch = launch
        self._nice = nice
        self._leaving: list[subprocess.Popen[bytes]] = []
        self._deaths: Counter[str] = Counter()
        self._ticking: asyncio.Task[None] | None = None
        self._until_s = math.inf
        self._stopping: asyncio.Task[None] | None = None
        self._closing = False
        self._gaps_logged = False
        self._still: tuple[tuple[int, int], int] = ((0, 0), 0)

    async def start(self) -> None:
        """Start all processes; does not wait until they are ready."""
        for place in self._places:
            self._start(place)
        await asyncio.gather(*(place.starting for place in self._places if place.starting is not None))
        self._ticking = asyncio.create_task(self._tick(), name="codec-pool")

    def ready(self) -> bool:
        """Whether every place has a process that waits for jobs or works on one."""
        return all(self._board.codec(place.number).ready for place in self._places)

    def statistics(self) -> PoolStatistics:
        slots = [self._board.codec(place.number) for place in self._places]
        return PoolStatistics(
            places=len(slots),
            ready=sum(slot.ready for slot in slots),
            busy=sum(slot.work is not None for slot in slots),
            waiting_s=self._board.waiting_s(),
            jobs=sum(slot.jobs for slot in slots),
            deaths=dict(self._deaths),
        )

    async def stop(self, grace_s: float) -> None:
        """Let waiting and running jobs finish for at most *grace_s*, then end all processes.

        May be called again, by several at once; the shortest grace counts, and cancelling makes it none.
        """
        self._until_s = min(self._until_s, time.monotonic() + grace_s)
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop(), name="codec-pool-stop")
        try:
            await asyncio.shield(self._stopping)
        except asyncio.CancelledError:
            self._until_s = 0.0
            raise

    async def _stop(self) -> None:
        try:
            await self._while(self._working)
            self._closing = True
            for process in self._processes():
                process.release()
            await self._while(self._peopled)
        finally:
            self._closing = True
            for place in self._places:
                if place.restart is not None:
                    place.restart.cancel()
            for process in self._processes():
                process.popen.kill()
            for helper in self._leaving:
                helper.kill()
            # One that waits for a broken disk cannot even be killed.
            self._until_s = time.monotonic() + _BURIAL_S
            await self._while(self._peopled)
            if self._ticking is not None:
                self._ticking.cancel()
            self.queue_sender.close()
            self._queue.close()

    async def _while(self, goes_on: Callable[[], object]) -> None:
        # Polled, because it is read from memory that other processes write.
        while goes_on() and time.monotonic() < self._until_s:  # noqa: ASYNC110
            await asyncio.sleep(TICK_S)

    def _peopled(self) -> bool:
        self._leaving = [helper for helper in self._leaving if helper.poll() is None]
        return bool(self._leaving) or any(place.process or place.starting for place in self._places)

    def _processes(self) -> list[Process]:
        return [place.process for place in self._places if place.process is not None]

    def _working(self) -> bool:
        busy = any(self._board.codec(place.number).work for place in self._places)
        return busy or not self._queue_is_empty()

    def _start(self, place: _Place) -> None:
        place.restart = None
        place.starting = asyncio.create_task(self._spawn(place), name=f"codec-process-{place.number}")

    async def _spawn(self, place: _Place) -> None:
        try:
            popen, helper = await asyncio.to_thread(self._popen, place)
        except OSError as error:
            log("a codec process cannot be started", level="error", error=os.strerror(error.errno or 0))
            self._start_later(place)
            return
        finally:
            place.starting = None
        slot = self._board.codec(place.number)
        slot.occupy(popen.pid)
        place.process = Process(popen, os.pidfd_open(popen.pid), time.monotonic(), slot.sequence, helper=helper)
        asyncio.get_running_loop().add_reader(place.process.pidfd, self._reap, place, place.process)
        if self._closing:
            place.process.release()

    def _popen(self, place: _Place) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes] | None]:
        # The first ones retire at different times, so that a small pool is never all starting anew.
        early = place.number * self._jobs // (2 * len(self._places)) if place.fresh else 0
        place.fresh = False
        options = {
            "--queue-fd": self._queue.fileno(),
            "--board-fd": self._board.fd,
            "--slot": place.number,
            "--jobs": max(1, self._jobs - early),
            "--memory-bytes": self._memory_bytes,
            "--deadline-s": self._deadline_s,
            "--fonts": self._fonts,
        }
        allocator = jemalloc() if self._use_jemalloc else {}
        return start_with_helper(
            self._program, options, (self._queue.fileno(), self._board.fd), allocator, self._launch, self._nice
        )

    def _start_later(self, place: _Place) -> None:
        low_s, high_s = _BACKOFF_S
        place.backoff_s = min(high_s, max(low_s, 2 * place.backoff_s))
        place.restart = asyncio.get_running_loop().call_later(place.backoff_s, self._start, place)

    def _reap(self, place: _Place, process: Process) -> None:
        status = process.popen.poll()
        if status is None:
            return
        asyncio.get_running_loop().remove_reader(process.pidfd)
        os.close(process.pidfd)
        process.release()
        if process.helper is not None:
            self._leaving.append(process.helper)  # on its own, as its line is closed
        place.process = None
        slot = self._board.codec(place.number)
        overdue = process.overdue == slot.sequence
        reason = reason_of(status, busy=slot.work is not None, overdue=overdue, starved=process.starved)
        sequence = slot.bury(reason)
        self._deaths[reason.name.lower()] += 1
        if reason is not Death.RECYCLED and not self._closing:
            log("a codec process died", level="warning", reason=reason.name.lower(), status=status, slot=place.number)
        if self._closing:
            return
        if sequence == process.first_sequence:
            self._start_later(place)
        else:
            place.backoff_s = 0.0
            self._start(place)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now_ns = time.monotonic_ns()
            for place in self._places:
                if place.process is not None:
                    self._check(place, place.process, now_ns)
            self._settle()
            self._leaving = [helper for helper in self._leaving if helper.poll() is None]

    def _check(self, place: _Place, process: Process, now_ns: int) -> None:
        slot = self._board.codec(place.number)
        work = slot.work
        if work is not None and process.overdue != work.sequence:
            process.watch.look(process.popen.pid, work, now_ns)
        if work is not None and now_ns > work.deadline_ns and process.overdue != work.sequence:
            process.overdue = work.sequence
            process.starved = process.watch.was_starved(process.popen.pid, work, now_ns)
            process.popen.kill()
        elif not slot.ready and now_ns / 1e9 > process.started_s + START_S:
            log("a codec process does not get ready", level="error", slot=place.number)
            process.popen.kill()
        elif slot.ready and slot.gaps and not self._gaps_logged:
            self._gaps_logged = True
            log("codec processes are not fully confined", level="warning", missing=Gap(slot.gaps).names)

    def _settle(self) -> None:
        """Correct the waiting time when nothing waits: a process killed with a ticket in hand has not said it took it."""
        flow_us, ticks = self._still
        now_us = self._board.flow_us()
        quiet = now_us == flow_us and self._queue_is_empty()
        self._still = (now_us, ticks + 1 if quiet else 0)
        if quiet and ticks == _SETTLED_TICKS:
            self._board.settle(now_us)

    def _queue_is_empty(self) -> bool:
        waiting: int = struct.unpack("i", fcntl.ioctl(self._queue, termios.FIONREAD, bytes(4)))[0]
        return waiting == 0


__all__ = ["ENVIRONMENT", "PROGRAM", "CodecPool", "PoolStatistics"]
