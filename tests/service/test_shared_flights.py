"""Many requests for one cold URL: one is sent, all are answered, and nobody takes what is another's."""

from __future__ import annotations

import asyncio

import pytest
from caching import Caching, Got, ScriptedAnswer, date, read, settle
from fakes import DictCache, LateDisk

from proxy.errors import OriginUnavailable

FRESH = {"cache_control": "max-age=10"}
A = ScriptedAnswer


def crowd(c: Caching, count: int = 20, **fields: str) -> list[asyncio.Task[Got]]:
    return [asyncio.create_task(c.get(**fields)) for _ in range(count)]


@pytest.mark.parametrize("declared", [True, False])
async def test_one_request_serves_all_who_wait(declared: bool) -> None:
    c = Caching(A(declared=declared, **FRESH))
    c.origin.gate.clear()
    tasks = crowd(c)
    await settle()
    c.origin.gate.set()
    got = [await task for task in tasks]
    assert {g.body for g in got} == {b"body"}
    assert sum("collapsed" in g.cache for g in got) == 19
    assert (len(c.origin.requests), c.meter.joins) == (1, 19)


@pytest.mark.parametrize("kept", [False, True])
async def test_who_looked_on_disk_before_an_answer_came_is_sent_that(kept: bool) -> None:
    disk = LateDisk()
    if kept:
        await Caching(A(body=b"old", etag='"1"', **FRESH), disk=disk).get()
    c = Caching(A(body=b"new", etag='"2"', **FRESH), disk=disk)
    c.clock.advance(20)
    early, late = disk.gates = [asyncio.Event(), asyncio.Event()]
    tasks = crowd(c, 2)
    await settle()
    early.set()
    assert (await tasks[0]).body == b"new"
    late.set()
    got = await tasks[1]
    assert (got.body, got.cache.partition("; detail")[0]) == (b"new", "mogr; hit; ttl=10")
    assert len(c.origin.requests) == 1


async def test_who_comes_while_the_body_does_reads_along() -> None:
    gate = asyncio.Event()
    c = Caching(A(gate=gate, **FRESH))
    first = await c.cache.answer(c.ask())
    late = await c.cache.answer(c.ask(range="bytes=1-2"))
    assert not isinstance(late.body, bytes)
    assert (late.status, await anext(late.body)) == (206, b"o")
    gate.set()
    assert ((await read(late)).body, (await read(first)).body) == (b"d", b"body")
    assert len(c.origin.requests) == 1


async def test_the_first_to_ask_may_leave_without_harm_to_the_others() -> None:
    c = Caching(A(**FRESH))
    c.origin.gate.clear()
    tasks = crowd(c)
    await settle()
    tasks[0].cancel()
    await settle()
    c.origin.gate.set()
    assert {(await task).body for task in tasks[1:]} == {b"body"}
    assert (len(c.origin.requests), c.origin.cancelled) == (1, 0)


async def test_with_nobody_left_before_the_answer_the_request_is_given_up() -> None:
    c = Caching(A(**FRESH))
    c.origin.gate.clear()
    tasks = crowd(c)
    await settle()
    for task in tasks:
        task.cancel()
    await settle()
    assert c.origin.cancelled == 1


async def test_what_is_to_be_kept_is_received_to_the_end_though_nobody_reads() -> None:
    gate = asyncio.Event()
    c = Caching(A(gate=gate, **FRESH))
    answer = await c.cache.answer(c.ask())
    assert answer.close is not None
    await answer.close()
    gate.set()
    await settle()
    assert c.cache.hit(c.ask()) is not None


@pytest.mark.parametrize(
    "fields", [{}, {"cache_control": "private"}, {"set_cookie": "session=1", "last_modified": date(-9999)}]
)
async def test_what_may_not_be_shared_is_the_leaders_alone(fields: dict[str, str]) -> None:
    c = Caching(*[A(body=b"%02d" % n, **fields) for n in range(20)])
    c.origin.gate.clear()
    tasks = crowd(c)
    await settle()
    assert len(c.origin.requests) == 1
    c.origin.gate.set()
    assert len({(await task).body for task in tasks}) == 20
    # and for a while nobody waits for another's answer
    c.origin.script += [A(), A()]
    c.origin.gate.clear()
    tasks = crowd(c, 2)
    await settle()
    assert len(c.origin.requests) == 22
    c.origin.gate.set()
    await asyncio.gather(*tasks)


async def test_the_leaders_own_answer_is_closed_if_it_left() -> None:
    answer = A()
    c = Caching(answer, A(body=b"next"))
    c.origin.gate.clear()
    first, second = crowd(c, 2)
    await settle()
    c.origin.gate.set()
    first.cancel()
    assert (await second).body == b"next"
    assert answer.closed == 1


async def test_those_whom_vary_tells_apart_ask_once_each() -> None:
    c = Caching(A(body=b"1", vary="Foo", **FRESH), A(body=b"2", vary="Foo", **FRESH))
    c.origin.gate.clear()
    ones = crowd(c, 5, foo="1")
    twos = crowd(c, 5, foo="2")
    await settle()
    c.origin.gate.set()
    assert {(await task).body for task in ones} == {b"1"}
    assert {(await task).body for task in twos} == {b"2"}
    assert len(c.origin.requests) == 2


async def test_credentials_never_wait_for_anybody() -> None:
    c = Caching(A(body=b"all", **FRESH), A(body=b"mine", **FRESH))
    c.origin.gate.clear()
    plain, mine = crowd(c, 1)[0], crowd(c, 1, authorization="x")[0]
    await settle()
    c.origin.gate.set()
    assert ((await plain).body, (await mine).body) == (b"all", b"mine")


async def test_a_failure_reaches_all_who_wait() -> None:
    c = Caching(OriginUnavailable())
    c.origin.gate.clear()
    tasks = crowd(c)
    await settle()
    c.origin.gate.set()
    got = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in got] == [OriginUnavailable] * 20
    assert len(c.origin.requests) == 1


async def test_a_stale_answer_is_validated_once_for_all() -> None:
    c = Caching(A(etag='"e"', **FRESH), A(status=304))
    await c.get()
    c.clock.advance(11)
    c.origin.gate.clear()
    tasks = crowd(c)
    await settle()
    c.origin.gate.set()
    assert {(await task).body for task in tasks} == {b"body"}
    assert len(c.origin.requests) == 2


async def test_a_body_that_turns_out_too_long_goes_to_its_leader_in_bounded_memory() -> None:
    body = b"x" * 5000
    c = Caching(A(body=body, declared=False, **FRESH), *[A(body=body, declared=False, **FRESH) for _ in range(3)])
    c.origin.gate.clear()
    tasks = crowd(c, 3)
    await settle()
    c.origin.gate.set()
    assert {(await task).body for task in tasks} == {body}
    assert len(c.origin.requests) == 3
    assert c.cache.hit(c.ask()) is None


async def test_bodies_on_their_way_hold_so_much_memory_and_no_more() -> None:
    gates = [asyncio.Event() for _ in range(3)]
    c = Caching(*[A(body=b"x" * 900, gate=gate, **FRESH) for gate in gates], receiving_bytes=2000)
    answers = [await c.cache.answer(c.ask(b"/%d" % n)) for n in range(3)]
    assert ["stored" in answer.cache_status.format() for answer in answers] == [True, True, False]
    for gate in gates:
        gate.set()
    assert [len((await read(answer)).body) for answer in answers] == [900] * 3
    await settle()
    assert [c.cache.hit(c.ask(b"/%d" % n)) is not None for n in range(3)] == [True, True, False]


async def test_closing_finishes_what_is_under_way_and_gives_up_the_rest() -> None:
    disk = DictCache()
    told = {"cache_control": "max-age=10, stale-while-revalidate=60"}
    c = Caching(A(**told), A(body=b"new", **told), disk=disk)
    await c.get()
    c.clock.advance(20)
    c.origin.gate.clear()
    await c.get()
    closing = asyncio.create_task(c.cache.aclose(10))
    await settle()
    c.origin.gate.set()
    await closing
    assert b"new" in [found.body for found in disk.entries.values()]
    stuck = Caching(A(**FRESH))
    stuck.origin.gate.clear()
    waiting = crowd(stuck, 2)
    await settle()
    await stuck.cache.aclose(0)
    assert [type(each) for each in await asyncio.gather(*waiting, return_exceptions=True)] == [OriginUnavailable] * 2
