"""Who is next, and who has to go: no processes, no clock."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.codec.turns import PushedOutError, Turns


async def order(jobs: Sequence[tuple[str, float]], *, ahead: int = 1) -> list[tuple[str, float]]:
    """The order in which *jobs*, all waiting already, are sent."""
    turns, sent = Turns(ahead), []
    for _ in range(ahead):
        await turns.take("somebody", 0.0)

    async def job(bucket: str, predicted_s: float) -> None:
        await turns.take(bucket, predicted_s)
        sent.append((bucket, predicted_s))
        turns.give_back()

    tasks = [asyncio.ensure_future(job(*each)) for each in jobs]
    await asyncio.sleep(0)
    turns.give_back()
    await asyncio.gather(*tasks)
    return sent


async def test_jobs_of_one_bucket_and_size_keep_their_order() -> None:
    jobs = [("a", 0.01 + number / 1000) for number in range(20)]
    assert await order(jobs) == jobs


async def test_a_bucket_that_floods_does_not_hold_up_another() -> None:
    sent = await order([*(("flood", 5.0) for _ in range(50)), ("quiet", 5.0), ("quiet", 5.0)])
    assert [bucket for bucket, _ in sent[:5]].count("quiet") == 2


async def test_shares_are_of_work_not_of_jobs() -> None:
    sent = await order([*(("large", 0.9) for _ in range(10)), *(("small", 0.3) for _ in range(30))])
    done = Counter[str]()
    for bucket, predicted_s in sent[:20]:
        done[bucket] += round(10 * predicted_s)
    assert abs(done["large"] - done["small"]) <= 9


async def test_small_jobs_go_beside_large_ones_of_the_same_bucket() -> None:
    sent = await order([*(("a", 10.0) for _ in range(20)), *(("a", 0.05) for _ in range(20))])
    assert [predicted_s for _, predicted_s in sent[:21]].count(0.05) == 20


async def test_large_jobs_are_not_starved_either() -> None:
    sent = await order([("a", 10.0), *(("a", 0.1) for _ in range(1000))])
    assert sent.index(("a", 10.0)) < 150


async def test_who_rested_has_no_claim_on_the_past() -> None:
    turns, sent = Turns(1), []
    for _ in range(100):
        await turns.take("busy", 1.0)
        turns.give_back()
    await turns.take("busy", 1.0)

    async def job(bucket: str) -> None:
        await turns.take(bucket, 1.0)
        sent.append(bucket)
        turns.give_back()

    tasks = [asyncio.ensure_future(job(bucket)) for bucket in ("busy", "busy", "late", "late", "late")]
    await asyncio.sleep(0)
    turns.give_back()
    await asyncio.gather(*tasks)
    assert sent[:4].count("busy") == 2


async def test_no_more_than_allowed_are_ahead() -> None:
    turns = Turns(2)
    jobs = [asyncio.ensure_future(turns.take("a", 1.0)) for _ in range(3)]
    await asyncio.sleep(0)
    assert [job.done() for job in jobs] == [True, True, False]
    turns.give_back()
    await jobs[2]


async def test_cancelling_leaves_the_line_and_loses_no_turn() -> None:
    turns = Turns(1)
    await turns.take("a", 1.0)
    first, second, third = (asyncio.ensure_future(turns.take("a", 1.0)) for _ in range(3))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    turns.give_back()
    second.cancel()  # while its turn is on the way
    await asyncio.gather(second, return_exceptions=True)
    await asyncio.wait_for(third, 5)


async def test_who_waits_for_most_makes_room() -> None:
    turns = Turns(1)
    await turns.take("flood", 5.0)
    flood = [asyncio.ensure_future(turns.take("flood", 5.0)) for _ in range(3)]
    await asyncio.sleep(0)
    assert turns.make_room("quiet", 5.0) == 5.0
    with pytest.raises(PushedOutError):
        await flood[2]
    assert turns.make_room("flood", 5.0) is None
    assert turns.make_room("flood", 0.01) == 5.0  # its large jobs take more than its small ones
    with pytest.raises(PushedOutError):
        await flood[1]
    assert turns.make_room("quiet", 5.0) is None  # by now nobody waits for more
    flood[0].cancel()
    await asyncio.gather(*flood, return_exceptions=True)
    assert turns.make_room("quiet", 0.01) is None


async def test_a_job_pushed_out_while_its_requester_leaves_is_gone_once() -> None:
    turns = Turns(1)
    await turns.take("a", 1.0)
    waiting = [asyncio.ensure_future(turns.take("a", 1.0)) for _ in range(2)]
    await asyncio.sleep(0)
    assert turns.make_room("b", 0.01) == 1.0
    waiting[1].cancel()
    await asyncio.gather(waiting[1], return_exceptions=True)
    turns.give_back()
    await asyncio.wait_for(waiting[0], 5)


async def test_what_nobody_waits_for_goes_when_nothing_else_does() -> None:
    turns, sent = Turns(1), []
    await turns.take("a", 1.0)

    async def job(bucket: str, *, background: bool) -> None:
        await turns.take(bucket, 1.0, background=background)
        sent.append((bucket, background))
        turns.give_back()

    jobs = [("idle", True), ("a", False), ("idle", True), ("b", False), ("a", False)]
    tasks = [asyncio.ensure_future(job(bucket, background=background)) for bucket, background in jobs]
    await asyncio.sleep(0)
    turns.give_back()
    await asyncio.gather(*tasks)
    assert [background for _, background in sent] == [False, False, False, True, True]


async def test_what_nobody_waits_for_makes_room_first_and_may_be_given_up() -> None:
    turns = Turns(1)
    await turns.take("a", 1.0, background=True)
    flood = asyncio.ensure_future(turns.take("flood", 50.0))
    idle = [asyncio.ensure_future(turns.take("a", each, background=True)) for each in (1.0, 2.0, 3.0)]
    await asyncio.sleep(0)
    assert turns.make_room("flood", 50.0) == 3.0
    with pytest.raises(PushedOutError):
        await idle[2]
    idle[0].cancel()
    await asyncio.gather(idle[0], return_exceptions=True)
    turns.give_back()
    await asyncio.wait_for(flood, 5)
    assert not idle[1].done()
    turns.give_back()
    await asyncio.wait_for(idle[1], 5)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0.01, 0.5, 3.0])), max_size=60), st.integers(1, 4))
def test_every_job_gets_its_turn(jobs: list[tuple[str, float]], ahead: int) -> None:
    assert Counter(asyncio.run(order(jobs, ahead=ahead))) == Counter(jobs)
