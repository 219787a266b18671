"""What processes ran and what they waited for a core, read from /proc (Linux with ``schedstats``, as distributions build it)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Shares:
    """Milliseconds, summed over threads; those of threads that ended are not in it."""

    ran_ms: float = 0.0
    waited_ms: float = 0.0
    """Runnable, but another had the core."""

    def __add__(self, other: Shares) -> Shares:
        return Shares(self.ran_ms + other.ran_ms, self.waited_ms + other.waited_ms)

    def since(self, before: Shares, count: int) -> Shares:
        """For each of *count*, what came since *before*."""
        return Shares((self.ran_ms - before.ran_ms) / count, (self.waited_ms - before.waited_ms) / count)


def shares(pids: Iterable[int]) -> Shares:
    """Of all *pids* together, since they were started."""
    return sum((_of_thread(path) for pid in pids for path in Path(f"/proc/{pid}/task").glob("*/schedstat")), Shares())


def main_thread(pid: int) -> Shares:
    return _of_thread(Path(f"/proc/{pid}/schedstat"))


def runs(pid: int, module: str) -> bool:
    """Whether it was started as ``python -m module``."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return module.encode() in words


def _of_thread(path: Path) -> Shares:
    try:
        ran_ns, waited_ns, _ = map(int, path.read_text().split())
    except (OSError, ValueError):
        return Shares()
    return Shares(ran_ns / 1e6, waited_ns / 1e6)
