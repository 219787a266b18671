"""Bytes in flight are bounded, first come first served, and nothing is lost when somebody leaves the line."""

from __future__ import annotations

import asyncio

import pytest

from proxy.errors import Overloaded
from proxy.service.admission import ByteBudget


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def hold(budget: ByteBudget, size_bytes: int, until: asyncio.Event, log: list[int]) -> None:
    async with budget.reserve(size_bytes):
        log.append(size_bytes)
        await until.wait()


async def test_what_does_not_fit_waits_its_turn():
    budget, until, log = ByteBudget(10), asyncio.Event(), []
    tasks = [asyncio.create_task(hold(budget, size, until, log)) for size in (6, 6, 2)]
    await settle()
    assert log == [6], "the small one does not overtake: a large original would starve"
    until.set()
    await asyncio.gather(*tasks)
    assert log == [6, 6, 2]
    assert budget.free_bytes == 10


async def test_more_than_the_whole_budget_takes_all_of_it_instead_of_waiting_for_ever():
    budget = ByteBudget(10)
    async with budget.reserve(1000):
        assert budget.free_bytes == 0
    assert budget.free_bytes == 10


async def test_leaving_the_line_gives_up_the_place_and_lets_the_next_one_in():
    budget, until, log = ByteBudget(10), asyncio.Event(), []
    first = asyncio.create_task(hold(budget, 6, until, log))
    await settle()
    large = asyncio.create_task(hold(budget, 9, until, log))
    small = asyncio.create_task(hold(budget, 4, until, log))
    await settle()
    large.cancel()
    await settle()
    assert log == [6, 4]
    until.set()
    await asyncio.gather(first, small)
    assert budget.free_bytes == 10


async def test_a_place_granted_to_somebody_who_is_leaving_is_given_back():
    budget, until = ByteBudget(10), asyncio.Event()
    first = asyncio.create_task(hold(budget, 10, until, []))
    await settle()
    second = asyncio.create_task(hold(budget, 10, asyncio.Event(), []))
    await settle()
    until.set()
    await first  # its end has granted the budget to the second, which has not run yet
    second.cancel()
    await settle()
    assert budget.free_bytes == 10


async def test_a_line_that_is_too_long_is_refused():
    budget, until = ByteBudget(1, max_waiting=1), asyncio.Event()
    tasks = [asyncio.create_task(hold(budget, 1, until, [])) for _ in range(2)]
    await settle()
    with pytest.raises(Overloaded):
        async with budget.reserve(1):
            pass
    until.set()
    await asyncio.gather(*tasks)
