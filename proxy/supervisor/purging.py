"""A purge of the whole node: understood by one web worker, written down, carried out by all of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from proxy.caches import purge_file
from proxy.logs import log
from proxy.supervisor.worker import CallError, WebWorker

RESOLVE_WITHIN_S = 5.0
PURGE_WITHIN_S = 60.0
"""What deleting many stored renditions may take; no copy is sent any more long before that."""


class Purger:
    """Used from one event loop's thread.

    Args:
        web_workers: those that may hold something, now.
    """

    def __init__(self, web_workers: Callable[[], Sequence[WebWorker]]) -> None:
        self._web_workers = web_workers
        self._one_at_a_time = asyncio.Lock()

    async def purge(self, request: Mapping[str, object], path: Path | None) -> tuple[int, dict[str, object]]:
        """The status and the answer to what a POST to ``/purge`` says; *path*: the disk tier's directory."""
        workers = [worker for worker in self._web_workers() if worker.accepts]
        if not workers:
            return 503, {"error": "no web worker is up"}
        try:
            resolved = await workers[0].call("resolve purge", dict(request), RESOLVE_WITHIN_S)
        except CallError as error:
            log("A purge could not be resolved.", level="error", error=str(error))
            return 503, {"error": "no web worker could resolve the purge"}
        if "problem" in resolved:
            return 400, {"error": resolved["problem"]}
        record = resolved["purge"]
        if path is not None:
            async with self._one_at_a_time:
                await asyncio.to_thread(purge_file.append, path, record)
        # Also those that came up meanwhile, or finish their last requests.
        results = await asyncio.gather(
            *(self._told(worker, record, n == 0) for n, worker in enumerate(self._ordered(workers[0])))
        )
        removed = Counter[str]()
        for counts in results:
            removed.update(counts or {})
        failed = sum(counts is None for counts in results)
        log("Purged.", kind=record["kind"], refresh=record["refresh"], removed=dict(removed), failed=failed)
        answer: dict[str, object] = {"purge": record, "removed": dict(removed)}
        if failed:  # those workers may still send what was meant to be gone
            return 500, {**answer, "error": f"{failed} web workers did not answer"}
        return 200, answer

    def _ordered(self, first: WebWorker) -> list[WebWorker]:
        return [first, *(each for each in self._web_workers() if each is not first)]

    async def _told(self, worker: WebWorker, record: Mapping[str, object], leads: bool) -> Mapping[str, int] | None:
        try:
            found: Mapping[str, int] = await worker.call("purge", {"purge": record, "leads": leads}, PURGE_WITHIN_S)
        except CallError as error:
            if not worker.alive:
                return {}
            log("A web worker did not purge.", level="error", slot=worker.slot, error=str(error))
            return None
        return found
