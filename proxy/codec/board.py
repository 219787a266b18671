"""The board: shared memory in which web workers, codec processes and supervisor read each other's counters.

One memfd of 8-byte words, in columns.  Every word has one writer at a time and is read and written whole (an aligned
8-byte copy), so there are no locks and nothing to recover when a writer is killed.  Counters are cumulative and outlive
the process that wrote them: its replacement continues them.  Codec processes can write all of it, so the supervisor
takes nothing from here that could hurt another process: it kills by its own process handles, never by a ``pid`` read.
"""

from __future__ import annotations

import enum
import fcntl
import mmap
import os
import sys
from dataclasses import dataclass

WEB_SLOTS = 64
CODEC_SLOTS = 256
VERDICTS = 32
"""How many verdicts of a web worker the others hear of."""
EXIT_MEMORY = 77
"""Exit status of a codec process that could not even answer that its memory was used up."""

_MAGIC = 0x02_6D_6F_67_72  # layout version, "mogr"
_HEADER = ("magic", "correction_us")
_WEB = ("submitted_us", "disk_bytes")
_CODEC = ("pid", "ready", "gaps", "taken_us", "sequence", "started_ns", "deadline_ns", "jobs", "death")

_AT: dict[str, int] = {name: at for at, name in enumerate(_HEADER)}
for _name in _WEB:
    _AT[_name] = len(_HEADER) + _WEB.index(_name) * WEB_SLOTS
for _name in _CODEC:
    _AT[_name] = len(_HEADER) + len(_WEB) * WEB_SLOTS + _CODEC.index(_name) * CODEC_SLOTS
_AT["verdicts"] = len(_HEADER) + len(_WEB) * WEB_SLOTS + len(_CODEC) * CODEC_SLOTS
_VERDICT_WORDS = 2 * VERDICTS * WEB_SLOTS
_BYTES = 8 * (_AT["verdicts"] + _VERDICT_WORDS)
_NO_VERDICTS = bytes(8 * _VERDICT_WORDS)


class Death(enum.IntEnum):
    """Why a codec process ended."""

    CRASHED = 1
    """By a signal of its own making, or an exit nobody asked for."""
    KILLED = 2
    """From outside: an operator, the kernel's out-of-memory killer."""
    DEADLINE = 3
    MEMORY = 4
    """By ``EXIT_MEMORY``."""
    RECYCLED = 5
    """Cleanly, between jobs."""
    STARVED = 6
    """At a deadline, over a job that others had kept from a core for most of its time."""


@dataclass(frozen=True, slots=True)
class Work:
    """The job a codec process is busy with; times are CLOCK_MONOTONIC nanoseconds."""

    sequence: int
    started_ns: int
    deadline_ns: int


class WebSlot:
    """The words one web worker writes, from its event loop's thread only."""

    __slots__ = ("_index", "_words")

    def __init__(self, words: memoryview[int], index: int) -> None:
        self._words = words
        self._index = index

    def submit(self, predicted_us: int) -> None:
        """One more job of *predicted_us* waits: here, or in the queue."""
        self._words[_AT["submitted_us"] + self._index] += predicted_us

    def withdraw(self, predicted_us: int) -> None:
        """A job that was submitted will not be put into the queue."""
        self._words[_AT["submitted_us"] + self._index] -= predicted_us

    def wrote(self, count_bytes: int) -> None:
        """*count_bytes* more went into the disk tier."""
        self._words[_AT["disk_bytes"] + self._index] += count_bytes

    def condemn(self, number: int, mark: int, said: int) -> None:
        """Verdict *number* of this web worker, below ``VERDICTS``: *said* of what has that *mark*, which is not 0."""
        at = _AT["verdicts"] + 2 * (VERDICTS * self._index + number)
        self._words[at] = 0  # nobody reads a new mark with what was said of the old one
        self._words[at + 1] = said
        self._words[at] = mark


class CodecSlot:
    """The words of one codec place: ``pid`` and ``death`` are the supervisor's, the rest its codec process's."""

    __slots__ = ("_index", "_words")

    def __init__(self, words: memoryview[int], index: int) -> None:
        self._words = words
        self._index = index

    def _get(self, name: str) -> int:
        return self._words[_AT[name] + self._index]

    def _set(self, name: str, value: int) -> None:
        self._words[_AT[name] + self._index] = value

    @property
    def pid(self) -> int:
        return self._get("pid")

    @property
    def jobs(self) -> int:
        """Jobs finished by all processes that had this place."""
        return self._get("jobs")

    @property
    def sequence(self) -> int:
        """The number of the latest job started in this place."""
        return self._get("sequence")

    @property
    def gaps(self) -> int:
        """``confine.Gap`` of the latest process that was ready."""
        return self._get("gaps")

    @property
    def ready(self) -> bool:
        """Whether the process that has this place waits for jobs, or works on one."""
        return self.pid != 0 and self._get("ready") == self.pid

    @property
    def work(self) -> Work | None:
        """What it is busy with; None while it waits."""
        started_ns = self._get("started_ns")
        if not started_ns:
            return None
        return Work(self._get("sequence"), started_ns, self._get("deadline_ns"))

    def death_of(self, sequence: int) -> Death | None:
        """Why the process died that was busy with job *sequence*; None if that is not known, yet or any more."""
        last, reason = divmod(self._get("death"), 256)
        return Death(reason) if last == sequence and reason in Death._value2member_map_ else None

    def occupy(self, pid: int) -> None:
        """Supervisor: the process *pid* has this place from now on."""
        self._set("pid", pid)

    def bury(self, reason: Death) -> int:
        """Supervisor, once the process is reaped: record *reason*; returns the sequence of its last job.

        Only here does the supervisor write ``started_ns``: no process is left that could.
        """
        sequence = self._get("sequence")
        # One word, so that nobody reads the sequence of one death with the reason of another.
        self._set("death", sequence * 256 + reason)
        self._set("started_ns", 0)
        self._set("pid", 0)
        return sequence

    def greet(self, pid: int, gaps: int) -> None:
        """Codec: this process, *pid*, waits for its first job; *gaps* is what could not be confined of it."""
        self._set("gaps", gaps)
        self._set("ready", pid)

    def take(self, predicted_us: int) -> None:
        """Codec: a job of *predicted_us* left the queue, to be done or dropped."""
        self._set("taken_us", self._get("taken_us") + predicted_us)

    def begin(self, started_ns: int, deadline_ns: int) -> int:
        """Codec: a job starts; returns its sequence number."""
        sequence = self._get("sequence") + 1
        self._set("deadline_ns", deadline_ns)
        self._set("sequence", sequence)
        self._set("started_ns", started_ns)
        return sequence

    def end(self) -> None:
        """Codec: the job is answered."""
        self._set("started_ns", 0)
        self._set("jobs", self._get("jobs") + 1)


class Board:
    """The mapping.  ``fd`` is what children inherit and ``attach``."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._map = mmap.mmap(fd, _BYTES)
        self._words: memoryview[int] = memoryview(self._map).cast("q")

    @classmethod
    def create(cls) -> Board:
        """A fresh board, all zero; its size is sealed, so that no process can pull it away under another."""
        fd = os.memfd_create("mogr-board", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, _BYTES)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        board = cls(fd)
        board._words[_AT["magic"]] = _MAGIC
        return board

    @classmethod
    def attach(cls, fd: int) -> Board:
        """The board behind an inherited descriptor; the board owns it from now on.

        Raises:
            ValueError: it is no board, or one of another layout.
        """
        if os.fstat(fd).st_size != _BYTES:
            raise ValueError("not a board of this version: its size differs")
        board = cls(fd)
        if board._words[_AT["magic"]] != _MAGIC:
            board.close()
            raise ValueError("not a board of this version: its mark differs")
        return board

    def web(self, slot: int) -> WebSlot:
        """The words of web worker *slot*."""
        if not 0 <= slot < WEB_SLOTS:
            raise ValueError(f"web slot {slot} of {WEB_SLOTS}")
        return WebSlot(self._words, slot)

    def codec(self, slot: int) -> CodecSlot:
        """The words of codec place *slot*."""
        if not 0 <= slot < CODEC_SLOTS:
            raise ValueError(f"codec slot {slot} of {CODEC_SLOTS}")
        return CodecSlot(self._words, slot)

    def flow_us(self) -> tuple[int, int]:
        """Predicted microseconds ever submitted, and ever taken."""
        return self._sum("submitted_us", WEB_SLOTS), self._sum("taken_us", CODEC_SLOTS)

    def waiting_s(self) -> float:
        """Predicted CPU seconds of the jobs waiting in the queue, those under way not included."""
        # Taken first: a job between the two reads then counts as waiting, never as less than nothing.
        taken_us = self._sum("taken_us", CODEC_SLOTS)
        submitted_us = self._sum("submitted_us", WEB_SLOTS)
        return max(0, submitted_us - taken_us - self._words[_AT["correction_us"]]) / 1e6

    def settle(self, flow_us: tuple[int, int]) -> None:
        """Supervisor: at *flow_us* the queue was empty; what a process killed between queue and board lost is forgotten."""
        submitted_us, taken_us = flow_us
        self._words[_AT["correction_us"]] = submitted_us - taken_us

    def condemned(self, mark: int) -> int:
        """What web workers say of *mark*, which is not 0; the largest if they differ, 0 if none says anything."""
        # Asked for every picture made: to look at the 4,096 words one by one would take a tenth of a web worker's time for it.
        marks = self._map[8 * _AT["verdicts"] : _BYTES]
        if marks == _NO_VERDICTS:
            return 0
        found, wanted, at = 0, mark.to_bytes(8, sys.byteorder), -1
        while (at := marks.find(wanted, at + 1)) >= 0:
            word = _AT["verdicts"] + at // 8
            said = self._words[word + 1]
            if at % 16 == 0 and self._words[word] == mark:  # still: it was read after what is said of it
                found = max(found, said)
        return found

    @property
    def disk_bytes(self) -> int:
        """Bytes ever written into the disk tier by all web workers."""
        return self._sum("disk_bytes", WEB_SLOTS)

    def close(self) -> None:
        """Unmap and close; slots handed out must not be used any more."""
        self._words.release()
        self._map.close()
        os.close(self.fd)

    def _sum(self, name: str, slots: int) -> int:
        at = _AT[name]
        return sum(self._words[at : at + slots])
