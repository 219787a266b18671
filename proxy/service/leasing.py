"""One replica of all makes a rendition, where they share a bucket and something tells them whose turn it is.

The others wait for it within bounds and look into the bucket.  Nothing rests on it: whoever does not learn whose turn it
is, or waited long enough, makes the rendition itself, and two equal results are one.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Generic, TypeVar

from proxy.ports import Leases, Meter, Turn

T = TypeVar("T")

TTL_S = 3.0
"""What a holder that was killed costs those who wait."""
RENEW_S = 1.0
PATIENCE_S = 5.0
"""What is waited for a holder at least: it is alive, or its lease would end."""
_PAUSES_S = (0.02, 0.25)
_OUTCOMES = {"ours": "made", "theirs": "late", "done": "late", "unknown": "unknown"}


class Hold:
    """Leave to do the work; ended once, whatever becomes of it."""

    def __init__(self, end: Callable[[Awaitable[bool] | bool], None] | None = None) -> None:
        self._end = end
        self._writing: asyncio.Task[bool] | None = None

    def kept(self, writing: asyncio.Task[bool] | None) -> None:
        """The result is being written where the others look; None: nobody will find it there."""
        self._writing = writing

    def end(self, *, done: bool = False) -> None:
        """The work has failed, or is *done* when what is being written is: then the others learn it."""
        if self._end is not None:
            self._end(done if self._writing is None else self._writing)


class Found(Generic[T]):
    """Somebody else's result."""

    def __init__(self, result: T) -> None:
        self.result = result


class Leasing:
    """Whose turn it is, for one web worker.

    Args:
        longest_s: nobody waits longer than that.
    """

    def __init__(
        self,
        leases: Leases,
        meter: Meter,
        *,
        longest_s: float,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._leases = leases
        self._meter = meter
        self._longest_s = longest_s
        self._now_s = now_s
        self._sleep = sleep
        self._tasks: set[asyncio.Task[None]] = set()

    async def turn(self, name: str, predicted_s: float, look: Callable[[], Awaitable[T | None]]) -> Found[T] | Hold:
        """Leave to do the work *name*, predicted to take *predicted_s*, or what *look* found of somebody who did.

        Cancelling gives back what was taken.
        """
        token = secrets.token_hex(16)
        until_s = self._now_s() + min(PATIENCE_S + 4 * predicted_s, self._longest_s)
        pause_s, longest_pause_s = _PAUSES_S
        waited, past = False, ""
        while True:
            turn = await self._take(name, token, past)
            late = self._now_s() >= until_s
            if turn.state == "theirs" and not late:
                waited = True
                await self._sleep(pause_s)
                pause_s = min(pause_s * 1.5, longest_pause_s)
                continue
            hold = self._held(name, token) if turn.state == "ours" else Hold()
            if waited or turn.state == "done":
                try:
                    found = await look()
                except BaseException:
                    hold.end()
                    raise
                if found is not None:
                    hold.end(done=True)
                    self._meter.leased("served")
                    return Found(found)
            if turn.state == "done" and not late:
                waited, past = False, turn.mark  # it is of no use to us; the next one may be
                continue
            self._meter.leased(_OUTCOMES[turn.state])
            return hold

    async def aclose(self, grace_s: float) -> None:
        """Tell the others, within *grace_s*, what they wait for; the rest they learn when our leases end."""
        tasks = set(self._tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _take(self, name: str, token: str, past: str) -> Turn:
        taking = asyncio.ensure_future(self._leases.take(name, token, TTL_S, past=past))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            self._start(self._let_go(taking, name, token))  # nobody shall wait for somebody who is gone
            raise

    async def _let_go(self, taking: asyncio.Task[Turn], name: str, token: str) -> None:
        if (await taking).state == "ours":
            await self._leases.release(name, token, done=False)

    def _held(self, name: str, token: str) -> Hold:
        ended: asyncio.Future[Awaitable[bool] | bool] = asyncio.get_running_loop().create_future()
        self._start(self._keep(name, token, ended))
        return Hold(lambda outcome: None if ended.done() else ended.set_result(outcome))

    async def _keep(self, name: str, token: str, ended: asyncio.Future[Awaitable[bool] | bool]) -> None:
        """Renew the lease until the work has *ended* and its result is written, then give it back."""
        outcome = asyncio.ensure_future(_outcome(ended))
        try:
            while not (await asyncio.wait({outcome}, timeout=RENEW_S))[0]:
                await self._leases.renew(name, token, TTL_S)
        finally:
            outcome.cancel()
        await self._leases.release(name, token, done=outcome.result())

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _outcome(ended: asyncio.Future[Awaitable[bool] | bool]) -> bool:
    outcome = await ended
    if isinstance(outcome, bool):
        return outcome
    with suppress(asyncio.CancelledError):  # a write that was given up
        return await asyncio.shield(outcome)
    return False
