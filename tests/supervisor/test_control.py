"""What supervisor and web worker say to each other, and who notices whose end."""

from __future__ import annotations

import asyncio
import socket

import pytest

from proxy.metrics import CountingMeter
from proxy.supervisor import control
from proxy.supervisor.control import ControlClient
from proxy.supervisor.tally import Tally

WITHIN_S = 10


@pytest.fixture(name="ends")
def _ends():
    ours, theirs = control.pair()
    yield ours, theirs
    ours.close()
    if theirs.fileno() >= 0:
        theirs.close()


def client_of(theirs: socket.socket, meter: CountingMeter, **more) -> ControlClient:
    return ControlClient(theirs.detach(), meter.snapshot, **more)


async def test_a_worker_says_ready_answers_for_its_totals_and_says_them_last(ends):
    ours, theirs = ends
    meter = CountingMeter()
    client = client_of(theirs, meter)
    await client.ready()
    assert await control.receive(ours) == {"event": "ready"}
    meter.cache_hit("disk")
    await control.send(ours, {"ask": "totals"})
    assert await control.receive(ours) == {"event": "totals", "totals": meter.snapshot()}
    meter.cache_hit("disk")
    await client.finish()
    assert await control.receive(ours) == {"event": "totals", "totals": meter.snapshot()}
    assert await control.receive(ours) is None


async def test_a_worker_notices_that_its_supervisor_is_gone(ends):
    ours, theirs = ends
    lost = asyncio.Event()
    client = client_of(theirs, CountingMeter(), on_lost=lost.set)
    await client.ready()
    ours.close()
    async with asyncio.timeout(WITHIN_S):
        await lost.wait()
    await client.finish()


async def test_a_worker_that_finishes_is_not_told_that_it_lost_its_supervisor(ends):
    _, theirs = ends
    client = client_of(theirs, CountingMeter(), on_lost=lambda: pytest.fail("it was there all the time"))
    await client.ready()
    await client.finish()


@pytest.mark.parametrize("message", [b"{", b"[]", b"null", b"\xff", b'{"ask": "the way"}', b"[" * 100_000])
async def test_a_message_that_means_nothing_is_ignored(ends, message):
    ours, theirs = ends
    client = client_of(theirs, CountingMeter())
    await client.ready()
    await control.receive(ours)
    ours.send(message)
    await control.send(ours, {"ask": "totals"})
    async with asyncio.timeout(WITHIN_S):
        assert (await control.receive(ours))["event"] == "totals"
    await client.finish()


def counted(hits: int) -> object:
    meter = CountingMeter()
    for _ in range(hits):
        meter.cache_hit("disk")
    return meter.snapshot()


def hits(tally: Tally) -> float:
    return tally.total()["counters"].get("mogr_cache_hits", {}).get("disk", 0)


def test_the_total_is_that_of_the_living_and_the_dead():
    tally = Tally()
    assert hits(tally) == 0
    assert tally.heard("a", counted(2))
    assert tally.heard("b", counted(3))
    assert tally.heard("a", counted(5))
    assert hits(tally) == 8
    tally.died("a")
    assert hits(tally) == 8
    tally.died("a")
    tally.died("never heard of")
    assert tally.heard("c", counted(1))
    assert hits(tally) == 9


@pytest.mark.parametrize(
    "totals",
    [
        None,
        [],
        {},
        "text",
        {"counters": {}},
        {"counters": [], "histograms": {}},
        {"counters": {"mogr_cache_hits": {"disk": "many"}}, "histograms": {}},
        {"counters": {}, "histograms": {"mogr_request_seconds": {"": {"buckets": [1], "sum": 1}}}},
    ],
)
def test_what_is_no_snapshot_is_refused_and_changes_nothing(totals):
    tally = Tally()
    tally.heard("a", counted(2))
    before = tally.total()
    assert not tally.heard("b", totals)
    assert not tally.heard("a", totals)
    assert tally.total() == before


async def test_a_worker_does_what_it_is_called_for_beside_other_things(ends):
    ours, theirs = ends
    gate = asyncio.Event()

    async def slow(argument: object) -> object:
        await gate.wait()
        return {"got": argument}

    async def broken(_: object) -> object:
        raise ValueError("no")

    client = client_of(theirs, CountingMeter(), calls={"slow": slow, "broken": broken})
    await client.ready()
    await control.receive(ours)
    for number, name in enumerate(("slow", "broken", "unknown")):
        await control.send(ours, {"call": name, "id": number, "argument": [1]})
    assert await control.receive(ours) == {"event": "result", "id": 1, "error": "ValueError: no"}
    assert await control.receive(ours) == {"event": "result", "id": 2, "error": "KeyError: 'unknown'"}
    gate.set()
    assert await control.receive(ours) == {"event": "result", "id": 0, "result": {"got": [1]}}
    await client.finish()
