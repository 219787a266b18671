"""Whose job goes into the shared queue next: buckets take turns by the work they ask for, small jobs beside large ones.

The kernel's queue is first come, first served, so a web worker keeps it short and lets the rest wait here, where it can
choose.  The choice is fair queuing: of the buckets that wait, the one that had the least work done lately; within it the
same among its small, middling and large jobs; within those the oldest.  Where nothing more may wait, the one who waits
for most gives up its newest job for the newcomer (longest queue drop: Suter et al., INFOCOM 1998).  What nobody waits for
goes when nothing else does, and is pushed out first.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from typing import Final

SIZES_S: Final = (0.1, 1.0)
"""Up to the first a job is small, over the last it is large."""


class PushedOutError(Exception):
    """The job gave up its place in line to that of somebody who waits for less."""


@dataclass(eq=False, slots=True)
class _Waiting:
    predicted_s: float
    turn: asyncio.Future[None]


@dataclass(eq=False, slots=True)
class _Line:
    """Jobs of one size of one bucket."""

    jobs: deque[_Waiting] = field(default_factory=deque)
    waiting_s: float = 0.0
    served_s: float = 0.0


@dataclass(eq=False, slots=True)
class _Party:
    """One bucket: its lines, and how much it was given."""

    lines: tuple[_Line, ...] = field(default_factory=lambda: tuple(_Line() for _ in range(len(SIZES_S) + 1)))
    served_s: float = 0.0
    clock_s: float = 0.0
    """``served_s`` of the line that was served last: who comes back from a rest starts from there."""

    @property
    def waiting_s(self) -> float:
        return sum(line.waiting_s for line in self.lines)


class Turns:
    """The jobs of one web worker; used from one event loop's thread.

    Args:
        ahead: how many may be in the shared queue, not yet taken by a codec process.
    """

    def __init__(self, ahead: int) -> None:
        self._free = ahead
        self._parties: dict[str, _Party] = {}
        self._background = _Line()
        self._clock_s = 0.0

    async def take(self, bucket: str, predicted_s: float, *, background: bool = False) -> None:
        """Wait until a job of *bucket* may be sent; ``give_back`` must follow.  Cancelling leaves the line.

        *background*: behind those of all buckets.

        Raises:
            PushedOutError: somebody else needed the place.
        """
        if self._free:  # then nobody waits
            self._free -= 1
            if not background:
                self._serve(*self._enter(bucket, predicted_s), predicted_s)
            return
        line = self._background if background else self._enter(bucket, predicted_s)[1]
        job = _Waiting(predicted_s, asyncio.get_running_loop().create_future())
        line.jobs.append(job)
        line.waiting_s += predicted_s
        try:
            await job.turn
        except asyncio.CancelledError:
            if not job.turn.cancelled():  # it came at the same moment
                if job.turn.exception() is None:
                    self.give_back()
            else:
                self._leave(line, job)
            raise

    def give_back(self) -> None:
        """A codec process has the job, or never will: the next one may be sent."""
        self._free += 1
        while self._free:
            party = min(self._waiting(), key=lambda each: each.served_s, default=None)
            if party is not None:
                line = min((each for each in party.lines if each.jobs), key=lambda each: each.served_s)
            elif self._background.jobs:
                line = self._background
            else:
                return
            job = line.jobs.popleft()
            line.waiting_s = line.waiting_s - job.predicted_s if line.jobs else 0.0
            if not job.turn.done():
                self._free -= 1
                if party is not None:
                    self._serve(party, line, job.predicted_s)
                job.turn.set_result(None)

    def make_room(self, bucket: str, predicted_s: float) -> float | None:
        """Push out the newest job of whoever waits for most work; its predicted seconds, or None if that is who asks."""
        if self._background.jobs:
            return self._push_out(self._background)
        largest = max(self._waiting(), key=lambda each: each.waiting_s, default=None)
        if largest is None:
            return None
        line = max(largest.lines, key=lambda each: each.waiting_s)
        own = self._parties.get(bucket)
        if own is largest:
            asking = own.lines[_size(predicted_s)]
            if asking is line or asking.waiting_s + predicted_s >= line.waiting_s:
                return None
        elif predicted_s + (own.waiting_s if own is not None else 0.0) >= largest.waiting_s:
            return None
        return self._push_out(line)

    def _push_out(self, line: _Line) -> float:
        job = line.jobs[-1]
        self._leave(line, job)
        if not job.turn.done():
            job.turn.set_exception(PushedOutError())
        return job.predicted_s

    def _waiting(self) -> list[_Party]:
        return [party for party in self._parties.values() if any(line.jobs for line in party.lines)]

    def _enter(self, bucket: str, predicted_s: float) -> tuple[_Party, _Line]:
        """Where a job belongs.  Who did not wait until now has no claim to what others had meanwhile."""
        party = self._parties.setdefault(bucket, _Party())
        line = party.lines[_size(predicted_s)]
        if not any(each.jobs for each in party.lines):
            party.served_s = max(party.served_s, self._clock_s)
        if not line.jobs:
            line.served_s = max(line.served_s, party.clock_s)
        return party, line

    def _serve(self, party: _Party, line: _Line, predicted_s: float) -> None:
        self._clock_s, party.clock_s = party.served_s, line.served_s
        party.served_s += predicted_s
        line.served_s += predicted_s

    def _leave(self, line: _Line, job: _Waiting) -> None:
        line.jobs.remove(job)
        line.waiting_s = line.waiting_s - job.predicted_s if line.jobs else 0.0


def _size(predicted_s: float) -> int:
    return bisect_left(SIZES_S, predicted_s)
