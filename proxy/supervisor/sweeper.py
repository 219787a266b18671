"""Keeping the disk tier within its budget from a thread of the supervisor: one evictor per node."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from proxy import settings as tree
from proxy.caches.evict import Evictor, SweepResult
from proxy.caches.presence import Presence
from proxy.logs import log

EVERY_S = 5.0


class WallClock:
    """The system's time of day."""

    def now_s(self) -> float:
        return time.time()


class DiskSweeper:
    """Asks every few seconds what was written, and sweeps when that is due.

    Its thread is a daemon: exit never waits for a scan of millions of files, which may be cut short anywhere.

    Args:
        written_bytes: cumulative; called in the thread.
        presence_fd: of ``presence.memory``, where web workers look what there is; the caller keeps it.
    """

    def __init__(
        self,
        disk: tree.DiskCache,
        written_bytes: Callable[[], int],
        *,
        presence_fd: int | None = None,
        every_s: float = EVERY_S,
    ) -> None:
        self._evictors = [
            Evictor(
                path,
                max_bytes,
                WallClock(),
                presence=None if presence_fd is None else Presence(presence_fd, number, path),
            )
            for number, (path, max_bytes) in enumerate(disk.shares())
        ]
        self._written_bytes, self._every_s = written_bytes, every_s
        self._noted_bytes = written_bytes()
        self._stopped = threading.Event()
        self._held_bytes: int | None = None
        threading.Thread(target=self._run, name="disk sweeper", daemon=True).start()

    @property
    def held_bytes(self) -> int | None:
        """Bytes in the tier: what the last sweep left and was written since; None before the first."""
        return self._held_bytes

    def stop(self) -> None:
        """No further sweep begins; returns at once."""
        self._stopped.set()

    def _run(self) -> None:
        while True:
            self._step()
            if self._stopped.wait(self._every_s):
                return

    def _step(self) -> None:
        now_bytes = self._written_bytes()
        fresh_bytes = max(0, now_bytes - self._noted_bytes)
        self._noted_bytes = now_bytes
        for evictor in self._evictors:
            # Nobody says which share was written to, so each expects the worst: then a sweep comes a little early.
            evictor.note_written(fresh_bytes)
        if self._held_bytes is not None:
            self._held_bytes += fresh_bytes
        if any(evictor.due() for evictor in self._evictors):
            results = [result for evictor in self._evictors if (result := evictor.sweep()) is not None]
            if len(results) == len(self._evictors):  # otherwise another process is sweeping just now
                self._held_bytes = sum(result.kept_bytes for result in results)
            for result in results:
                _tell(result)


def _tell(result: SweepResult) -> None:
    if result.deleted_files or result.failures:
        log(
            "Swept the disk tier.", level="warning" if result.failures else "info",
            kept_bytes=result.kept_bytes, deleted_files=result.deleted_files, deleted_bytes=result.deleted_bytes,
            failures=result.failures,
        )  # fmt: skip
