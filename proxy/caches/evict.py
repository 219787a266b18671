"""Keeping a directory of the disk tier within its budget: the supervisor's work, one sweep at a time per directory.

Only files that look like the tier's own are ever deleted, so a wrong path in the configuration costs nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from proxy.caches import files
from proxy.caches.presence import Presence
from proxy.ports import Clock

KEEP_RATIO = 0.9
"""A sweep deletes down to this share of the budget, so that the next one is not due at once."""
RESCAN_S = 600.0
"""A sweep is due after this long anyway: other processes, and kill -9, leave bytes nobody reported."""
LEFTOVER_S = 3600.0
"""A temporary file this old belongs to no living writer."""
RELIEF_S = 30.0
"""How long to wait before sweeping again where the last sweep could not reach what it should."""
FREE_RATIO = 0.02
FREE_MAX_BYTES = 1024**3
"""Where less than this share of the file system (at most that much) is free, room is made whatever the budget says."""
_RELIEF_RATIO = 0.1
"""At most this share of the entries' bytes is given up per sweep for the sake of a full file system."""
_AGE_STEP_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What one sweep found and did; bytes are whole blocks."""

    kept_files: int = 0
    kept_bytes: int = 0
    deleted_files: int = 0
    deleted_bytes: int = 0
    leftovers: int = 0
    """Temporary files of dead writers that were removed."""
    failures: int = 0
    """Files and directories that could not be read or deleted."""


class Evictor:
    """Deletes the least recently used entries below *path* when they exceed *max_bytes*.

    ``note_written`` is cheap and may be called from any thread; ``due`` and ``sweep`` do file I/O: call them in a thread.
    What a sweep saw goes into *presence*.
    """

    def __init__(self, path: Path, max_bytes: int, clock: Clock, *, presence: Presence | None = None) -> None:
        self._root = path
        self._max_bytes = max_bytes
        self._clock = clock
        self._presence = presence
        self._lock = threading.Lock()
        self._known_bytes = 0
        self._written_bytes = 0
        self._swept_at_s: float | None = None

    def note_written(self, size_bytes: int) -> None:
        """The tier wrote that much since it was last asked."""
        with self._lock:
            self._written_bytes += size_bytes

    def due(self) -> bool:
        """Whether a sweep is worth its scan."""
        if self._swept_at_s is None:
            return True
        rested_s = self._clock.now_s() - self._swept_at_s
        if rested_s >= RESCAN_S:
            return True
        if self._known_bytes <= self._max_bytes < self._known_bytes + self._written_bytes:
            return True
        # over budget although just swept, or room is short: another sweep at once would find no more to do
        return rested_s >= RELIEF_S and (self._known_bytes > self._max_bytes or _relief_bytes(self._root) > 0)

    def sweep(self) -> SweepResult | None:
        """Scan, and delete what is too much; None if another process is sweeping this directory.

        Never raises OSError: what cannot be read or deleted is counted.  A cache that does not exist is empty.
        """
        with self._lock:
            written_before_bytes = self._written_bytes
        with _only_one(self._root / files.LOCK) as alone:
            if not alone:
                return None
            result = self._sweep()
        with self._lock:
            # what was written while we scanned may be counted twice: then the next sweep comes a little early
            self._written_bytes -= written_before_bytes
            self._known_bytes = result.kept_bytes
        self._swept_at_s = self._clock.now_s()
        return result

    def _sweep(self) -> SweepResult:
        tally = _Tally()
        bytes_by_step: Counter[int] = Counter()
        listing = self._presence.begin() if self._presence is not None else None
        for path, size_bytes, step in self._entries(tally):
            bytes_by_step[step] += size_bytes
            tally.total_files += 1
            if listing is not None:
                listing.add(path.name)
        if listing is not None and not tally.failures:
            listing.publish()
        total_bytes = bytes_by_step.total()
        excess_bytes = self._excess_bytes(total_bytes)
        if excess_bytes > 0:
            self._delete_oldest(bytes_by_step, excess_bytes, tally)
        self._remove_leftovers(tally)
        return SweepResult(
            kept_files=tally.total_files - tally.deleted_files,
            kept_bytes=total_bytes - tally.deleted_bytes,
            deleted_files=tally.deleted_files,
            deleted_bytes=tally.deleted_bytes,
            leftovers=tally.leftovers,
            failures=tally.failures,
        )

    def _excess_bytes(self, total_bytes: int) -> int:
        over_bytes = total_bytes - int(self._max_bytes * KEEP_RATIO) if total_bytes > self._max_bytes else 0
        return max(over_bytes, min(_relief_bytes(self._root), int(total_bytes * _RELIEF_RATIO)))

    def _delete_oldest(self, bytes_by_step: Counter[int], excess_bytes: int, tally: _Tally) -> None:
        """Delete *excess_bytes* of the oldest entries, in a second pass, so that no list of all files is ever held."""
        last_step, older_bytes = _cutoff(bytes_by_step, excess_bytes)
        # all of what is older goes; of the last step only what is still missing
        left_bytes = excess_bytes - older_bytes
        for path, size_bytes, step in self._entries(tally):
            if step > last_step or (step == last_step and left_bytes <= 0):
                continue
            try:
                path.unlink()
            except FileNotFoundError:
                continue
            except OSError:
                tally.failures += 1
                continue
            if step == last_step:
                left_bytes -= size_bytes
            tally.deleted_files += 1
            tally.deleted_bytes += size_bytes

    def _entries(self, tally: _Tally) -> Iterator[tuple[Path, int, int]]:
        """Path, bytes and age step (larger is younger) of every entry."""
        for first in _scan(self._root, tally):
            if first.is_dir(follow_symlinks=False) and files.FOLDER.fullmatch(first.name):
                for second in _scan(first.path, tally):
                    if second.is_dir(follow_symlinks=False) and files.FOLDER.fullmatch(second.name):
                        yield from _files(second.path, tally)

    def _remove_leftovers(self, tally: _Tally) -> None:
        now_s = self._clock.now_s()
        for entry in _scan(self._root / files.TEMPORARY, tally):
            try:
                if entry.is_file(follow_symlinks=False) and now_s - entry.stat().st_mtime > LEFTOVER_S:
                    Path(entry.path).unlink()
                    tally.leftovers += 1
            except FileNotFoundError:
                continue
            except OSError:
                tally.failures += 1


@dataclass(slots=True)
class _Tally:
    total_files: int = 0
    deleted_files: int = 0
    deleted_bytes: int = 0
    leftovers: int = 0
    failures: int = 0


def _cutoff(bytes_by_step: Counter[int], excess_bytes: int) -> tuple[int, int]:
    """The step in which *excess_bytes* is reached, counted from the oldest, and the bytes of the steps before it."""
    older_bytes = 0
    for step in sorted(bytes_by_step):
        if older_bytes + bytes_by_step[step] >= excess_bytes:
            return step, older_bytes
        older_bytes += bytes_by_step[step]
    return max(bytes_by_step), older_bytes


def _files(folder: str, tally: _Tally) -> Iterator[tuple[Path, int, int]]:
    for entry in _scan(folder, tally):
        if files.NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            except OSError:
                tally.failures += 1
                continue
            yield Path(entry.path), files.charge_bytes(status.st_size), int(status.st_mtime) // _AGE_STEP_S


def _scan(folder: str | Path, tally: _Tally) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError:
        tally.failures += 1
        return []


def _relief_bytes(folder: Path) -> int:
    """What to delete where the file system runs short of free bytes: enough to have twice the share that triggers it."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return 0
    wanted_bytes = min(int(status.f_blocks * status.f_frsize * FREE_RATIO), FREE_MAX_BYTES)
    free_bytes = status.f_bavail * status.f_frsize
    return 2 * wanted_bytes - free_bytes if free_bytes < wanted_bytes else 0


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[bool]:
    """True while this process alone holds the lock file; the kernel frees it with the process."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except FileNotFoundError:
        # no directory yet: nothing to sweep, nobody to keep out
        yield True
        return
    except OSError:
        # a full or read-only disk: sweeping twice is wasteful, not wrong
        yield True
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
