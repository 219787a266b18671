"""Ten minutes under load, with misses, a faulty origin, slow readers, and processes that are killed.

    make bench-load
    make bench-load BENCH="--seconds 60 --share 0.5 --round-seconds 10"

Starts a server (two web workers, two codec processes, caches as in config/local.toml), an HTTP origin and a load generator, each
a process of its own.  Finds the ceiling first: the most requests of this mix a second that are answered in a closed loop,
the median of some rounds.  Then sends ``--share`` of that rate in an open loop, where the time of a request counts from when it
was due.  Of all requests 5 % are misses, 1 % meet a fault of the origin, 1 % are read at a trickle; the rest are hits by four kinds of
browser, some of them conditions and ranges.  At an eighth of the time one web worker is killed (SIGKILL), at a quarter a codec process
that is at work.

Goals, and exit status 1 if one is missed: no request fails that the origin did not fail, but for those in flight on what was
killed (503 for overload is a failure); 99 % of hits within ten times their median; neither memory nor descriptors grow over the second half.

The generator has a core whenever it wants one (``SCHED_FIFO``, where it may), as on a machine of its own.  What it adds is told
apart: "late" is from when a request was due until it was sent, "server" from then until the kernel had the last byte of the
answer.  On a machine whose cores all are busy, both wait for a core.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import select
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import load_client
import load_origin
import load_report
from load_lines import Outcome
from load_mix import Shares
from load_watch import Level, client_ports, is_running, levels, machine_cpu_s, own_cpu_s, roles
from running import server

WEB_KILLED_AT, CODEC_KILLED_AT = 1 / 8, 1 / 4
"""Of the time."""
_CPU_EVERY_S, _LEVELS_EVERY_S = 2.0, 10.0
"""To count the memory of all processes takes a core for 30 ms, which is the server's to wait for."""
_ROUND_S = 45.0
_DYING_S = 10.0
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(slots=True)
class Killed:
    """A process that was ended by SIGKILL, at a moment of the monotonic clock."""

    role: str
    pid: int
    before_s: float
    after_s: float
    """When it was gone, and its connections closed."""
    ports: set[int] = field(default_factory=set)
    """The client ends of the connections that it had."""


@dataclass(slots=True)
class Watched:
    """What was seen from outside during a run."""

    started_s: float
    levels: list[dict[str, Level]] = field(default_factory=list)
    killed: list[Killed] = field(default_factory=list)
    cpu_s: dict[str, float] = field(default_factory=dict)
    """By role."""
    others_cpu_s: list[tuple[float, float]] = field(default_factory=list)
    """When it was looked, and what processes that are none of ours had used by then."""


@contextmanager
def process(target: Any, *arguments: object) -> Iterator[tuple[Connection, int]]:
    """A process that runs *target*, our end of the pipe to it, and its id."""
    ours, theirs = _SPAWN.Pipe()
    child = _SPAWN.Process(target=target, args=(theirs, *arguments), daemon=True)
    child.start()
    try:
        assert child.pid is not None
        yield ours, child.pid
    finally:
        child.terminate()
        child.join(5)


def told(pipe: Connection, name: str, *arguments: object) -> Outcome:
    pipe.send((name, arguments))
    outcome: Outcome = pipe.recv()
    return outcome


def watch(pipe: Connection, port: int, pids: dict[str, int], seconds: float, kills: bool) -> Watched:
    """Look at the server, and kill what is to be killed, until the client has an outcome."""
    os.nice(19)  # to look takes a core, which the server may want
    root, started_s = pids["server"], time.monotonic()
    watched, cpu, counted_s = Watched(started_s), _Cpu(pids), 0.0
    due = [(CODEC_KILLED_AT * seconds, "codec"), (WEB_KILLED_AT * seconds, "web")] if kills else []
    while not pipe.poll(_CPU_EVERY_S):
        cpu.look()
        if time.monotonic() - counted_s > _LEVELS_EVERY_S:
            counted_s = time.monotonic()
            watched.levels.append(levels(root, port))
        if due and time.monotonic() - started_s > due[-1][0]:
            watched.killed.append(kill(root, port, due.pop()[1]))
    cpu.look()
    watched.cpu_s, watched.others_cpu_s = cpu.sums(), cpu.looks
    return watched


class _Cpu:
    """CPU by role; of a process that ended, what it had used when it was last looked at."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._first: dict[int, float] = {}
        self._last: dict[int, tuple[str, float]] = {}
        self.looks: list[tuple[float, float]] = []
        """When, and what others on this machine had used of its cores by then."""
        self.look(begin=True)

    def look(self, *, begin: bool = False) -> None:
        found = roles(self._pids["server"]) | {pid: role for role, pid in self._pids.items() if role != "server"}
        for pid, role in found.items():
            used_s = own_cpu_s(pid)
            self._first.setdefault(pid, used_s if begin else 0.0)
            self._last[pid] = (role, max(used_s, self._last.get(pid, ("", 0.0))[1]))
        ours_s = sum(used_s for _, used_s in self._last.values())
        self.looks.append((time.monotonic(), machine_cpu_s() - ours_s))

    def sums(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for pid, (role, used_s) in self._last.items():
            found[role] = found.get(role, 0.0) + used_s - self._first[pid]
        return found


def kill(root: int, port: int, role: str) -> Killed:
    """End a web worker, or a codec process in the middle of a job."""
    candidates = [pid for pid, each in roles(root).items() if each == role]
    random.Random(1).shuffle(candidates)
    victim = candidates[0]
    for _ in range(20_000 if role == "codec" else 0):  # until one computes
        busy = [pid for pid in candidates if is_running(pid)]
        if busy:
            victim = busy[0]
            break
    ports = client_ports(victim, port) if role == "web" else set()
    descriptor = os.pidfd_open(victim)
    before_s = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    select.select([descriptor], [], [], _DYING_S)  # dying takes a core, too: until then its connections look well
    os.close(descriptor)
    return Killed(role, victim, before_s, time.monotonic(), ports)


def ceiling(pipe: Connection, rounds: int, seconds: float, at_once: int) -> float:
    rates = []
    for _ in range(rounds):
        outcome = told(pipe, "closed", seconds, at_once)
        rates.append(sum(outcome.sent.values()) / outcome.seconds)
    print(
        f"ceiling {statistics.median(rates):,.0f}/s, rounds {', '.join(f'{rate:,.0f}' for rate in rates)}", flush=True
    )
    return statistics.median(rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="of the load (default %(default)s)")
    parser.add_argument("--share", type=float, default=0.8, help="of the ceiling (default %(default)s)")
    parser.add_argument("--rate", type=float, help="requests a second, in place of a share of the ceiling")
    parser.add_argument("--misses", type=float, default=0.05, help="share of all requests (default %(default)s)")
    parser.add_argument(
        "--errors", type=float, default=0.01, help="that meet a fault of the origin (default %(default)s)"
    )
    parser.add_argument("--slow", type=float, default=0.01, help="that are read slowly (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="to find the ceiling (default %(default)s)")
    parser.add_argument("--round-seconds", type=float, default=_ROUND_S, help="of each (default %(default)s)")
    parser.add_argument("--at-once", type=int, default=64, help="requests in the closed loop (default %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="web workers (default %(default)s)")
    parser.add_argument("--codecs", type=int, default=2, help="codec processes (default %(default)s)")
    parser.add_argument("--memory-mb", type=int, default=256, help="of the memory tier (default %(default)s)")
    parser.add_argument("--no-kill", action="store_true", help="kill nothing")
    parser.add_argument("--log", type=Path, help="file for the server's log")
    parser.add_argument("--seed", type=int, default=1, help="of what is asked (default %(default)s)")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # no process stays behind
    shares = Shares(miss=given.misses, error=given.errors, slow=given.slow)
    with (
        process(load_origin.serve) as (origin, origin_pid),
        server(
            workers=given.workers, codecs=given.codecs, store=f"http://127.0.0.1:{origin.recv()}/", disk_bytes=1 << 30, memory_bytes=given.memory_mb << 20,
            queue_s=10, passing=True, log=given.log,
        ) as (base, pid),
        process(load_client.work, int(base.rpartition(":")[2]), shares, given.seed) as (client, client_pid),
    ):  # fmt: skip
        port = int(base.rpartition(":")[2])
        told(client, "warm", 3 * given.workers)
        rate = given.rate or given.share * ceiling(client, given.rounds, given.round_seconds, given.at_once)
        client.send(("open", (given.seconds, rate)))
        pids = {"server": pid, "origin": origin_pid, "generator": client_pid, "watcher": os.getpid()}
        watched = watch(client, port, pids, given.seconds, not given.no_kill)
        outcome: Outcome = client.recv()
        print(load_report.figures(outcome, watched, rate))
        missed = load_report.missed(outcome, watched, given.seconds)
    for each in missed:
        print(f"MISSED: {each}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
