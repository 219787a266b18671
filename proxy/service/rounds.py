"""One exchange with an origin per key, however many requests want its answer.

Unlike a flight, its answer may turn out to be for nobody but the request that was sent: then that one, the leader, takes
it, and the others learn that they have to ask for themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from proxy.core.http_cache.messages import Entry, Lines
from proxy.errors import OriginUnavailable
from proxy.ports import Forwarded
from proxy.service.receiving import Receiving


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A new answer that may be shared, its body still coming."""

    entry: Entry
    lines: Lines
    """As received: what is kept of them may be less."""
    receiving: Receiving


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The origin said that what is kept still holds."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Own:
    """An answer that is not to be kept: its taker's alone, who must close it."""

    answer: Forwarded


Outcome = Fresh | Confirmed | Own


class Round:
    """One exchange under way."""

    def __init__(self) -> None:
        self.told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        """What came of it: known with the header section of the answer."""
        self.task: asyncio.Task[None] | None = None
        self.waiters = 0
        self.led = False
        """Whether there is a leader who takes what is for nobody else."""

    async def tell(self, outcome: Outcome) -> None:
        """Say what came of it; without a leader, what was for the leader is given up."""
        if not self.told.done():
            self.told.set_result(outcome)
        if not self.led:
            await _abandon(self)

    def fail(self, error: BaseException) -> None:
        if not self.told.done():
            self.told.set_exception(error)
            self.told.exception()  # marks it as seen: the waiters may all be gone


class Rounds:
    """The exchanges under way, by key.  They belong to the service: a request that is gone takes nothing from others."""

    def __init__(self, *, largest_background: int = 64) -> None:
        self._under_way: dict[str, Round] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._background = 0
        self._largest_background = largest_background

    def __contains__(self, key: str) -> bool:
        return key in self._under_way

    async def outcome(self, key: str | None, work: Callable[[Round], Awaitable[None]]) -> tuple[Outcome, bool]:
        """What comes of *work* for *key* (None: shared with nobody), and whether this caller leads.

        The leader must use up or close what it gets.  Raises what *work* failed with; cancelling leaves the round to
        the others, and ends it where there are none.
        """
        round_ = self._under_way.get(key) if key is not None else None
        leads = round_ is None
        if round_ is None:
            round_ = self._start(key, work)
            round_.led = True
        round_.waiters += 1
        try:
            return await asyncio.shield(round_.told), leads
        except asyncio.CancelledError:
            if leads:
                round_.led = False
                await _abandon(round_)
            raise
        finally:
            round_.waiters -= 1
            if not round_.waiters and not round_.told.done() and round_.task is not None:
                self._leave(key, round_)
                round_.task.cancel()

    def in_background(self, key: str, work: Callable[[Round], Awaitable[None]]) -> bool:
        """Start *work* for nobody, unless it is under way or too much is; whether it is."""
        if key in self._under_way:
            return True
        if self._background >= self._largest_background:
            return False
        self._background += 1
        round_ = self._start(key, work)
        assert round_.task is not None
        round_.task.add_done_callback(lambda _: self._count_down())
        return True

    def _count_down(self) -> None:
        self._background -= 1

    def _start(self, key: str | None, work: Callable[[Round], Awaitable[None]]) -> Round:
        round_ = Round()

        async def run() -> None:
            try:
                await work(round_)
            except asyncio.CancelledError:
                round_.fail(OriginUnavailable("given up"))
                raise
            except Exception as error:
                round_.fail(error)

        round_.task = asyncio.ensure_future(run())
        if key is not None:
            self._under_way[key] = round_
        self._tasks.add(round_.task)
        round_.task.add_done_callback(self._tasks.discard)
        # Later requests find what is kept, or start another one.
        round_.task.add_done_callback(lambda _: self._leave(key, round_))
        return round_

    def _leave(self, key: str | None, round_: Round) -> None:
        if key is not None and self._under_way.get(key) is round_:
            del self._under_way[key]

    async def aclose(self, grace_s: float) -> None:
        """Wait up to *grace_s* for what is under way, then cancel the rest."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(set(self._tasks), timeout=grace_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def _abandon(round_: Round) -> None:
    """The leader is gone: what only it could use is given up."""
    if not round_.told.done() or round_.told.exception() is not None:
        return
    outcome = round_.told.result()
    if isinstance(outcome, Own):
        await outcome.answer.aclose()
    elif isinstance(outcome, Fresh):
        outcome.receiving.leave()
