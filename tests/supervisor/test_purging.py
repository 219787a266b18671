"""A purge of the node: every web worker is told, it is written down first, and what failed is said."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from proxy.caches import purge_file
from proxy.core.purges import Purge
from proxy.supervisor.purging import Purger
from proxy.supervisor.worker import CallError

RECORD = Purge(id="1", kind="source", at_s=5.0, bucket="b", value="a").to_json()


class Worker:
    """Answers calls as it is told to."""

    def __init__(self, slot: int, purge: object = None, resolve: object = None, *, alive: bool = True) -> None:
        self.slot, self.alive, self.accepts = slot, alive, True
        self.answers = {"resolve purge": resolve or {"purges": [RECORD]}, "purge": purge or {"memory": 1}}
        self.leads: list[bool] = []

    async def call(self, name: str, argument: Mapping[str, Any], within_s: float) -> Any:
        if name == "purge":
            self.leads.append(argument["leads"])
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def purged(path: Path | None, *workers: Worker) -> tuple[int, dict[str, Any]]:
    return await Purger(lambda: workers).purge({"source": "a"}, path)  # type: ignore[arg-type,return-value]


async def test_all_are_told_and_the_first_leads(tmp_path: Path) -> None:
    workers = (
        Worker(0, {"memory": 2, "disk": 3, "persisted": 4, "unfinished": 0, "unpublished": 0}),
        Worker(1),
        Worker(2),
    )
    status, answer = await purged(tmp_path, *workers)
    assert (status, answer["copies"], answer["unfinished"]) == (200, {"memory": 4, "disk": 3, "persisted": 4}, False)
    assert [worker.leads for worker in workers] == [[True], [False], [False]]
    written = await asyncio.to_thread(purge_file.read, tmp_path)
    assert [each.to_json() for each in written] == [RECORD]


@pytest.mark.parametrize(
    ("workers", "status", "said"),
    [
        ((), 503, "no web worker"),
        ((Worker(0, resolve=CallError("late")),), 503, "could resolve"),
        ((Worker(0, resolve={"problem": "url: no"}),), 400, "url: no"),
        ((Worker(0), Worker(1, CallError("late"))), 500, "1 calls"),
        ((Worker(0), Worker(1, CallError("gone"), alive=False)), 200, None),
        ((Worker(0, {"memory": 0, "unpublished": 1}),), 500, "replicas"),
    ],
)
async def test_what_went_wrong_is_said(workers: tuple[Worker, ...], status: int, said: str | None) -> None:
    got, answer = await purged(None, *workers)
    assert got == status
    assert said is None or said in answer["error"]


async def test_what_cannot_be_written_down_is_done_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    worker = Worker(0)
    status, answer = await purged(tmp_path / "file", worker)
    assert (status, worker.leads) == (500, [True])
    assert "written down" in answer["error"]
