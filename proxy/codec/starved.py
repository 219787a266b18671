"""Whether a job that ran past its deadline was kept from a core by others, which says nothing of its picture.

Codec processes are nicer than web workers: a flood of hits that takes all cores leaves them next to nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proxy.codec.board import Work

_FROM: Final = 1 / 8
"""Of its time a job has before anybody looks: most are done by then."""
_MOST: Final = 1 / 2


def waited_ns(pid: int) -> int:
    """How long the threads of *pid* were ready to run and had no core; 0 where the kernel does not say (proc(5), schedstat)."""
    total_ns = 0
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError, IndexError, ValueError):  # it ended; no such file
                total_ns += int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_bytes().split()[1])
    return total_ns


@dataclass(slots=True)
class Watch:
    """Over the jobs of one codec process; asked in its supervisor, every now and then."""

    _sequence: int = -1
    _at_ns: int = 0
    _waited_ns: int = 0

    def look(self, pid: int, work: Work, now_ns: int) -> None:
        """Remember how things stand, once for each job that takes long."""
        if work.sequence != self._sequence and now_ns > work.started_ns + _FROM * (work.deadline_ns - work.started_ns):
            self._sequence, self._at_ns, self._waited_ns = work.sequence, now_ns, waited_ns(pid)

    def was_starved(self, pid: int, work: Work, now_ns: int) -> bool:
        """Whether *work* waited for a core for most of the time since."""
        if work.sequence != self._sequence or now_ns <= self._at_ns:
            return False
        return waited_ns(pid) - self._waited_ns > _MOST * (now_ns - self._at_ns)
