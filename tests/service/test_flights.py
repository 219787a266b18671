"""One piece of work per key, whoever wants it and whoever leaves."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref

import pytest

from proxy.service.flights import Flight, Flights


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_work_that_many_want_is_done_once():
    flights, started, gate = Flights(), [], asyncio.Event()

    async def work(_: Flight) -> str:
        started.append(1)
        await gate.wait()
        return "done"

    tasks = [asyncio.create_task(flights.run("k", work)) for _ in range(20)]
    await settle()
    gate.set()
    results = await asyncio.gather(*tasks)
    assert [result for result, _ in results] == ["done"] * 20
    assert sorted(joined for _, joined in results) == [False] + [True] * 19
    assert len(started) == 1
    assert len(flights) == 0


async def test_the_first_to_ask_may_leave_without_harm_to_the_others():
    flights, gate = Flights(), asyncio.Event()

    async def work(_: Flight) -> str:
        await gate.wait()
        return "done"

    first = asyncio.create_task(flights.run("k", work))
    await settle()
    second = asyncio.create_task(flights.run("k", work))
    await settle()
    first.cancel()
    await settle()
    gate.set()
    assert await second == ("done", True)


async def test_work_that_nobody_wants_any_more_is_cancelled_and_a_newcomer_starts_afresh():
    flights, started, cancelled, gate = Flights(), [], [], asyncio.Event()

    async def work(_: Flight) -> str:
        started.append(1)
        try:
            await gate.wait()
        except asyncio.CancelledError:
            cancelled.append(1)
            raise
        return "done"

    only = asyncio.create_task(flights.run("k", work))
    await settle()
    only.cancel()
    await settle()
    assert cancelled == [1]
    gate.set()
    assert await flights.run("k", work) == ("done", False)
    assert len(started) == 2


async def test_committed_work_is_finished_although_everyone_left():
    flights, gate, finished = Flights(), asyncio.Event(), []

    async def work(flight: Flight) -> str:
        flight.commit()
        await gate.wait()
        finished.append(1)
        return "done"

    only = asyncio.create_task(flights.run("k", work))
    await settle()
    only.cancel()
    await settle()
    late = asyncio.create_task(flights.run("k", work))
    await settle()
    gate.set()
    assert await late == ("done", True)
    assert finished == [1]


async def test_an_error_reaches_everyone_who_waits():
    flights, gate = Flights(), asyncio.Event()

    async def work(_: Flight) -> str:
        await gate.wait()
        raise LookupError("no")

    tasks = [asyncio.create_task(flights.run("k", work)) for _ in range(3)]
    await settle()
    gate.set()
    for task in tasks:
        with pytest.raises(LookupError):
            await task
    assert len(flights) == 0


async def test_closing_waits_for_the_grace_and_cancels_the_rest():
    flights = Flights()

    async def work(flight: Flight) -> str:
        flight.commit()
        await asyncio.Event().wait()
        return "never"

    task = asyncio.create_task(flights.run("k", work))
    await settle()
    await flights.aclose(0.01)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_failed_leaves_nothing_to_the_garbage_collector():
    class FailedError(Exception):
        pass

    async def work(_: Flight) -> str:
        raise FailedError

    flights = Flights()
    gc.disable()
    try:
        with contextlib.suppress(FailedError):
            try:
                await flights.run("k", work)
            except FailedError as error:
                failed = weakref.ref(error)
                raise
        await settle()
        assert failed() is None
    finally:
        gc.enable()
