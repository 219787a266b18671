"""What ``bench/load.py`` sees of processes from outside: memory, descriptors, CPU, and whose a connection is (Linux)."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from process_tree import TICKS_PER_S, members

_ROLES = (
    (b"proxy.codec.worker", "codec"),
    (b"proxy.worker", "web"),
    (b"proxy.caches.writer", "writer"),
    (b"serve", "supervisor"),
)
_RSS_FIELD = 1
_ESTABLISHED = "01"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Level:
    """All processes of one role at one moment."""

    at_s: float
    processes: int
    pss_bytes: int
    rss_bytes: int
    descriptors: int
    """Without connections of clients."""


def roles(root: int) -> dict[int, str]:
    """What each process below *root* is."""
    found = {}
    for pid in members(root):
        command = _read(f"/proc/{pid}/cmdline")
        role = next((role for mark, role in _ROLES if mark in command), "")
        if role:
            found[pid] = role
    return found


def levels(root: int, port: int) -> dict[str, Level]:
    """By role; *port* is where clients connect to."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for pid, role in roles(root).items():
        pss = next(
            (int(line.split()[1]) for line in _read(f"/proc/{pid}/smaps_rollup").splitlines() if line[:4] == b"Pss:"), 0
        )
        resident = _read(f"/proc/{pid}/statm").split()
        try:
            descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            continue
        if pss and resident:
            each = (1, 1024 * pss, _PAGE_BYTES * int(resident[_RSS_FIELD]), descriptors)
            sums[role] = [a + b for a, b in zip(sums[role], each, strict=True)]
    if "web" in sums:
        sums["web"][-1] -= sum(1 for _, ours, _ in _connections() if ours == port)
    return {role: Level(time.monotonic(), *each) for role, each in sums.items()}


def own_cpu_s(pid: int) -> float:
    """Of one process without its children; 0 if it is gone."""
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S if fields else 0.0


def is_running(pid: int) -> bool:
    """Whether it computes at this moment."""
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[:1] == [b"R"]


def machine_cpu_s() -> float:
    """What all cores were busy with, since the machine was started."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, _read("/proc/stat").split(b"\n", 1)[0].split()[1:])
    return (user + nice + system + irq + softirq) / TICKS_PER_S


def client_ports(pid: int, port: int) -> set[int]:
    """The other ends of the connections to *port* that *pid* has."""
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    return {theirs for theirs, ours, inode in _connections() if inode in inodes and ours == port}


def _connections() -> Iterator[tuple[int, int, str]]:
    """Of this machine over IPv4, as accepting ends have them: the other end's port, this one's, and the inode."""
    for line in _read("/proc/net/tcp").decode().splitlines()[1:]:
        columns = line.split()
        if columns[3] == _ESTABLISHED:
            yield int(columns[2].partition(":")[2], 16), int(columns[1].partition(":")[2], 16), columns[9]


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
