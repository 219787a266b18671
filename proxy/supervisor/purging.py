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
        records = resolved["purges"]
        forgettable = False
        if path is not None:
            try:
                async with self._one_at_a_time:
                    await asyncio.to_thread(self._write_down, path, records)
            except OSError as error:  # all the more reason to delete what can be
                log("A purge could not be written down.", level="error", error=str(error))
                forgettable = True
        # Also those that came up meanwhile, or finish their last requests.
        told = [
            self._told(worker, record, leads=number == 0)
            for record in records
            for number, worker in enumerate(self._ordered(workers[0]))
        ]
        results = await asyncio.gather(*told)
        copies = Counter[str]()
        for counts in results:
            copies.update(counts or {})
        failed = sum(counts is None for counts in results)
        unfinished, unpublished = bool(copies.pop("unfinished", 0)), copies.pop("unpublished", 0)
        kinds = [f"{record['kind']}{' refresh' * record['refresh']}" for record in records]
        log("Purged.", kinds=kinds, copies=dict(copies), unfinished=unfinished, failed=failed)
        answer: dict[str, object] = {"purges": records, "copies": dict(copies), "unfinished": unfinished}
        if failed:  # those workers may still send what was meant to be gone
            return 500, {**answer, "error": f"{failed} calls of web workers failed"}
        if unpublished:
            return 500, {**answer, "error": "replicas could not be told: the bucket, or Redis, did not take it"}
        if forgettable:
            return 500, {**answer, "error": "it could not be written down, so a restart forgets it"}
        return 200, answer

    @staticmethod
    def _write_down(path: Path, records: Sequence[Mapping[str, object]]) -> None:
        for record in records:
            purge_file.append(path, record)

    def _ordered(self, first: WebWorker) -> list[WebWorker]:
        return [first, *(each for each in self._web_workers() if each is not first)]

    async def _told(self, worker: WebWorker, record: Mapping[str, object], *, leads: bool) -> Mapping[str, int] | None:
        try:
            found: Mapping[str, int] = await worker.call("purge", {"purge": record, "leads": leads}, PURGE_WITHIN_S)
        except CallError as error:
            if not worker.alive:
                return {}
            log("A web worker did not purge.", level="error", slot=worker.slot, error=str(error))
            return None
        return found
