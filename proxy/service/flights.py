"""One piece of work per key, however many requests want it.

The shared task belongs to the service, not to its first requester: a disconnect never cancels the others.  When the
last of them is gone, work that has not been committed is cancelled; committed work (a codec process is busy with it)
is finished, because its result will be asked for again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


class Flight:
    """One piece of shared work, as seen by the function that does it."""

    __slots__ = ("committed", "task", "waiters")

    def __init__(self) -> None:
        self.committed = False
        self.waiters = 0
        self.task: asyncio.Task[Any] | None = None
        """None once it is done."""

    def commit(self) -> None:
        """From now on the work is finished even if nobody waits for it any more."""
        self.committed = True


class Flights:
    """The pieces of work under way, by key."""

    def __init__(self) -> None:
        self._flying: dict[str, Flight] = {}

    def __len__(self) -> int:
        return len(self._flying)

    def __contains__(self, key: str) -> bool:
        return key in self._flying

    async def run(self, key: str, work: Callable[[Flight], Awaitable[T]]) -> tuple[T, bool]:
        """The result of *work* for *key*, and whether it was somebody else's flight that was joined.

        Whatever *work* raises reaches every waiter.  Cancelling leaves the flight to the others.
        """
        flight = self._flying.get(key)
        joined = flight is not None
        if flight is None:
            flight = self._start(key, work)
        assert flight.task is not None
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task), joined
        finally:
            flight.waiters -= 1
            if not (flight.waiters or flight.committed or flight.task is None or flight.task.done()):
                self._forget(key, flight)  # a newcomer starts afresh instead of joining a cancelled task
                flight.task.cancel()

    def begin(self, key: str, work: Callable[[Flight], Awaitable[object]]) -> bool:
        """Start *work* for *key*, to be finished whoever waits; False if it is under way already."""
        flight = self._flying.get(key)
        if flight is not None:
            flight.commit()
            return False
        self._start(key, work).commit()
        return True

    def _start(self, key: str, work: Callable[[Flight], Awaitable[object]]) -> Flight:
        flight = self._flying[key] = Flight()
        flight.task = asyncio.ensure_future(work(flight))
        flight.task.add_done_callback(lambda task: self._landed(key, flight, task))
        return flight

    def _forget(self, key: str, flight: Flight) -> None:
        if self._flying.get(key) is flight:
            del self._flying[key]

    def _landed(self, key: str, flight: Flight, task: asyncio.Task[Any]) -> None:
        self._forget(key, flight)
        # It has what it raised, and that has frames which have the flight: parting them would take the garbage collector.
        flight.task = None
        if not task.cancelled():
            task.exception()  # marks it as seen: the waiters may all be gone

    async def aclose(self, grace_s: float) -> None:
        """Wait up to *grace_s* for what is under way, then cancel the rest."""
        tasks = [flight.task for flight in self._flying.values() if flight.task]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def all_or_none(works: Iterable[Awaitable[T]]) -> list[T]:
    """The results of *works*, done at once; with the first that fails, or when cancelled, the others are cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
