"""The web workers of one configuration: started together, kept alive, drained together."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterable

from proxy.logs import log
from proxy.supervisor.sockets import StartError
from proxy.supervisor.tally import Tally
from proxy.supervisor.worker import Outfit, WebWorker, ending

READY_WITHIN_S = 60.0
"""A worker that takes longer to accept requests is replaced."""
STEADY_S = 10.0
"""One that died sooner than this after its start waits before it is started again, longer each time."""
LONGEST_PAUSE_S = 10.0
_LAST_WORD_S = 0.25


class Slots:
    """The places of web workers on a board; each has one writer, so a place is free only once its holder is gone."""

    def __init__(self, count: int) -> None:
        self._free = set(range(count))

    @property
    def free(self) -> int:
        return len(self._free)

    def take(self) -> int:
        """The lowest free place.

        Raises:
            StartError: too many workers are still draining.
        """
        if not self._free:
            raise StartError("no place for another web worker: earlier ones are still finishing their requests")
        slot = min(self._free)
        self._free.remove(slot)
        return slot

    def release(self, slot: int) -> None:
        self._free.add(slot)


class Fleet:
    """Web workers that share one outfit."""

    def __init__(self, outfit: Outfit, count: int, slots: Slots, tally: Tally) -> None:
        self._outfit, self._count, self._slots, self._tally = outfit, count, slots, tally
        self._workers: set[WebWorker] = set()
        self._keepers: list[asyncio.Task[None]] = []
        self._exits: set[asyncio.Task[None]] = set()
        self._draining = False
        self.restarts = 0

    @property
    def workers(self) -> Iterable[WebWorker]:
        """Those that are running, ready or not."""
        return tuple(self._workers)

    @property
    def accepting(self) -> int:
        """Workers that accept requests."""
        return 0 if self._draining else sum(worker.accepts for worker in self._workers)

    async def start(self) -> None:
        """Start all and wait until every one accepts requests.  On failure or cancelling none is left.

        Raises:
            StartError: one ended before it was ready, or was too slow.
        """
        try:
            workers = [await self._launch() for _ in range(self._count)]
            await asyncio.gather(*(self._first_ready(worker) for worker in workers))
        except BaseException:
            await self.drain(0)
            raise
        self._keepers = [asyncio.create_task(self._keep(worker), name="keeper") for worker in workers]

    async def report(self, within_s: float) -> None:
        """Bring the tally up to date."""
        await asyncio.gather(*(worker.report(within_s) for worker in self.workers))

    def keep_no_more(self) -> None:
        """From now on the dead are not replaced."""
        self._draining = True
        for keeper in self._keepers:
            keeper.cancel()

    async def drain(self, within_s: float) -> int:
        """Let every worker finish its requests and end; how many had to be killed after *within_s*."""
        self.keep_no_more()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        running = self.workers
        for worker in running:
            worker.signal(signal.SIGTERM)
        exits = [worker.exit for worker in running]
        if exits and within_s > 0:
            await asyncio.wait(exits, timeout=within_s)
        late = [worker for worker in running if not worker.exit.done()]
        if within_s > 0:
            await asyncio.gather(*(worker.report(_LAST_WORD_S) for worker in late))
        for worker in late:
            worker.signal(signal.SIGKILL)
        await asyncio.gather(*exits, *self._exits)
        return len(late)

    async def _launch(self) -> WebWorker:
        slot = self._slots.take()
        try:
            worker = await WebWorker.launch(self._outfit, slot, self._tally)
        except OSError as error:
            self._slots.release(slot)
            raise StartError(f"a web worker cannot be started: {error.strerror}") from error
        except BaseException:
            self._slots.release(slot)
            raise
        self._workers.add(worker)
        gone = asyncio.create_task(self._gone(worker))
        self._exits.add(gone)
        gone.add_done_callback(self._exits.discard)
        return worker

    async def _gone(self, worker: WebWorker) -> None:
        await asyncio.shield(worker.exit)
        self._workers.discard(worker)
        self._slots.release(worker.slot)

    async def _first_ready(self, worker: WebWorker) -> None:
        if not await worker.ready(READY_WITHIN_S):
            how = f"ended with {ending(worker.exit.result())}" if worker.exit.done() else "took too long"
            raise StartError(f"a web worker {how} before it accepted requests; its own message stands above")

    async def _keep(self, worker: WebWorker) -> None:
        """Replace *worker* whenever it dies, for ever."""
        early = 0
        while True:
            code = await asyncio.shield(worker.exit)
            early = early + 1 if time.monotonic() - worker.started_s < STEADY_S else 0
            pause_s = min(LONGEST_PAUSE_S, 0.05 * 2 ** min(early, 8)) if early else 0.0
            self.restarts += 1
            log(
                f"A web worker died ({ending(code)}) and is being replaced.",
                level="error", pid=worker.pid, slot=worker.slot, pause_s=pause_s,
            )  # fmt: skip
            worker = await self._replacement(pause_s)
            if not await worker.ready(READY_WITHIN_S) and not worker.exit.done():
                log("A web worker took too long to accept requests.", level="error", pid=worker.pid, slot=worker.slot)
                worker.signal(signal.SIGKILL)

    async def _replacement(self, pause_s: float) -> WebWorker:
        while True:
            await asyncio.sleep(pause_s)
            try:
                return await self._launch()
            except StartError as error:
                log(f"No web worker could be started: {error}.", level="error", pause_s=LONGEST_PAUSE_S)
                pause_s = LONGEST_PAUSE_S
