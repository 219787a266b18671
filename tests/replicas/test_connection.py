"""A Redis that is away costs one bounded question a period, and is told from one that answers "no"."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from fakes import TallyMeter
from servers.redis import RedisServer

from proxy.ports import Turn
from proxy.replicas import RedisConnection, RedisLeases
from proxy.replicas.breaker import Breaker


class Counting(TallyMeter):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def redis(self, operation: str, outcome: str) -> None:
        self.asked.append(outcome)


class Time:
    now_s = 1000.0


def connected(url: str, time: Time, **more: Any) -> tuple[RedisConnection, Counting, list[str]]:
    meter, complaints = Counting(), []
    connection = RedisConnection(
        url, prefix="t:", retry_s=5, meter=meter, complain=lambda event, why: complaints.append(why),
        breaker=Breaker(5, lambda: time.now_s), **more,
    )  # fmt: skip
    return connection, meter, complaints


def test_after_a_failure_one_asks_again_and_the_others_follow_its_success() -> None:
    time = Time()
    breaker = Breaker(5, lambda: time.now_s)
    assert [breaker.lets_through() for _ in range(3)] == [True] * 3
    breaker.failed()
    assert not breaker.lets_through()
    time.now_s += 5
    assert [breaker.lets_through() for _ in range(3)] == [True, False, False]
    breaker.failed()
    time.now_s += 4.9
    assert not breaker.lets_through()
    time.now_s += 0.1
    assert breaker.lets_through()
    breaker.succeeded()
    assert [breaker.lets_through() for _ in range(3)] == [True] * 3


async def test_who_swallows_everything_is_asked_once_a_period() -> None:
    """The kernel accepts, and nobody ever answers."""
    time = Time()
    with socket.create_server(("127.0.0.1", 0)) as hole:
        url = f"redis://127.0.0.1:{hole.getsockname()[1]}"
        connection, meter, complaints = connected(url, time, timeout_s=0.05)
        leases = RedisLeases(connection)
        for _ in range(3):
            assert [await leases.take("a", "me", 3) for _ in range(50)] == [Turn("unknown")] * 50
            time.now_s += 5
        await connection.aclose()
    assert (meter.asked.count("failed"), meter.asked.count("skipped")) == (3, 147)
    assert complaints == ["TimeoutError"], "said once, not every few seconds"


async def test_leases_are_of_one_until_given_back() -> None:
    with RedisServer() as server:
        connection, _, complaints = connected(server.url, Time(), timeout_s=20)
        leases = RedisLeases(connection)
        turns = await asyncio.gather(*(leases.take("a", f"token{n}", 60) for n in range(30)))
        assert sorted(turn.state for turn in turns) == ["ours", *["theirs"] * 29]
        (winner,) = (n for n, turn in enumerate(turns) if turn.state == "ours")
        for n in range(30):
            if n != winner:
                await leases.release("a", f"token{n}", done=True)
        assert (await leases.take("a", "late", 60)).state == "theirs", "others cannot give it back"
        await leases.release("a", f"token{winner}", done=True)
        done = await leases.take("a", "late", 60)
        assert done.state == "done"
        assert (await leases.take("a", "late", 60, past=done.mark)).state == "ours"
        assert (await leases.take("a", "later", 60, past=done.mark)).state == "theirs"
        await leases.renew("a", "late", 600)
        await leases.renew("a", "later", 6000)
        with server.client() as client:
            assert 60_000 < client.pttl("t:lease:a") <= 600_000
        await leases.release("a", "late", done=False)
        assert (await leases.take("a", "later", 60)).state == "ours"
        assert complaints == []
        await connection.aclose()
