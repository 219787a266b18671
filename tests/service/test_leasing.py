"""Whose turn it is: one makes, the others wait within bounds, and whoever learns nothing makes it, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from delivery import settle
from fakes import TallyMeter

from proxy.ports import Turn
from proxy.service.leasing import PATIENCE_S, Found, Hold, Leasing


class Agreement:
    """The Leases of a Redis in a dict, which answers at once or is away."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.away = False
        self.asked = 0
        self.renewed = 0

    async def take(self, name: str, token: str, ttl_s: float, *, past: str = "") -> Turn:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            return Turn("unknown")
        value = self.values.get(name)
        if value is None or value == past:
            self.values[name] = f"held:{token}"
            return Turn("ours")
        return Turn("done", value) if value.startswith("done:") else Turn("theirs")

    async def renew(self, name: str, token: str, ttl_s: float) -> None:
        self.renewed += 1

    async def release(self, name: str, token: str, *, done: bool) -> None:
        if self.values.get(name) == f"held:{token}":
            self.values |= {name: f"done:{token}"}
            if not done:
                del self.values[name]


class Replica:
    """One web worker; its time passes while it waits."""

    def __init__(self, agreement: Agreement, bucket: dict[str, str], longest_s: float = 30) -> None:
        self.now_s = 0.0
        self.meter = TallyMeter()
        self.on_wait: Callable[[], object] = lambda: None
        self.bucket = bucket
        self.looked = 0
        self.leasing = Leasing(agreement, self.meter, longest_s=longest_s, now_s=lambda: self.now_s, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.on_wait()
        await settle()

    async def look(self) -> str | None:
        self.looked += 1
        return self.bucket.get("a")

    async def turn(self, predicted_s: float = 0.1) -> Found[str] | Hold:
        return await self.leasing.turn("a", predicted_s, self.look)

    async def made(self, *, written: bool = True) -> None:
        """Have the turn, do the work."""
        hold = await self.turn()
        assert isinstance(hold, Hold)
        self.finish(hold, written=written)
        await settle()

    def finish(self, hold: Hold, *, written: bool = True) -> None:
        async def write() -> bool:
            if written:
                self.bucket["a"] = "picture"
            return written

        hold.kept(asyncio.ensure_future(write()))
        hold.end()


@pytest.fixture
def agreement() -> Agreement:
    return Agreement()


async def test_the_second_is_served_what_the_first_made(agreement: Agreement) -> None:
    bucket: dict[str, str] = {}
    one, other = Replica(agreement, bucket), Replica(agreement, bucket)
    hold = await one.turn()
    assert isinstance(hold, Hold)
    other.on_wait = lambda: one.finish(hold) if other.now_s > 1 else None
    found = await other.turn()
    assert isinstance(found, Found)
    assert (found.result, one.looked, other.looked) == ("picture", 0, 1)


async def test_who_looked_a_moment_too_early_looks_again(agreement: Agreement) -> None:
    bucket: dict[str, str] = {}
    await Replica(agreement, bucket).made()
    other = Replica(agreement, bucket)
    assert isinstance(await other.turn(), Found)
    assert other.now_s == 0, "without waiting"


async def test_nothing_is_given_back_before_it_is_written(agreement: Agreement) -> None:
    one = Replica(agreement, {})
    hold = await one.turn()
    assert isinstance(hold, Hold)
    written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def write() -> bool:
        return await written

    hold.kept(asyncio.ensure_future(write()))
    hold.end()
    await settle()
    assert agreement.values["a"].startswith("held:")
    written.set_result(True)
    await settle()
    assert agreement.values["a"].startswith("done:")


@pytest.mark.parametrize("how", ["not written", "given up", "failed"])
async def test_without_a_result_the_next_makes_it(agreement: Agreement, how: str) -> None:
    one, other = Replica(agreement, {}), Replica(agreement, {})
    hold = await one.turn()
    assert isinstance(hold, Hold)
    if how == "given up":
        writing = asyncio.ensure_future(asyncio.sleep(3600, True))
        hold.kept(writing)
        hold.end()
        writing.cancel()
    elif how == "failed":
        hold.end()
    else:
        one.finish(hold, written=False)
    await settle()
    assert agreement.values == {}
    assert isinstance(await other.turn(), Hold)


async def test_a_result_of_no_use_is_made_anew_by_one_of_all(agreement: Agreement) -> None:
    """It was purged, or is of another version: what says that it is there must not send everybody to work."""
    await Replica(agreement, {}).made()
    rest = [Replica(agreement, {}) for _ in range(5)]  # each looks into a bucket where it is not
    turns = [asyncio.ensure_future(each.turn()) for each in rest]
    await settle()
    held = [task for task in turns if task.done()]
    assert len(held) == 1
    assert isinstance(held[0].result(), Hold)
    for task in turns:
        task.cancel()
    await asyncio.gather(*turns, return_exceptions=True)


async def test_waiting_ends(agreement: Agreement) -> None:
    agreement.values["a"] = "held:somebody who renews for ever"
    other = Replica(agreement, {})
    assert isinstance(await other.turn(predicted_s=1.0), Hold)
    assert PATIENCE_S + 4 <= other.now_s <= PATIENCE_S + 4.3
    assert other.looked == 1
    assert agreement.asked <= 60
    short = Replica(agreement, {}, longest_s=2)
    assert isinstance(await short.turn(predicted_s=100), Hold)
    assert short.now_s <= 2.3


async def test_who_learns_nothing_works_at_once(agreement: Agreement) -> None:
    agreement.away = True
    replica = Replica(agreement, {})
    assert isinstance(await replica.turn(), Hold)
    assert (replica.now_s, replica.looked, agreement.asked) == (0, 0, 1)


async def test_who_learns_nothing_more_while_waiting_looks_once_and_works(agreement: Agreement) -> None:
    agreement.values["a"] = "held:other"
    replica = Replica(agreement, {})
    replica.on_wait = lambda: setattr(agreement, "away", True)
    assert isinstance(await replica.turn(), Hold)
    assert (agreement.asked, replica.looked) == (2, 1)


async def test_a_killed_holder_is_followed_by_one(agreement: Agreement) -> None:
    agreement.values["a"] = "held:killed"
    bucket: dict[str, str] = {}
    rest = [Replica(agreement, bucket) for _ in range(3)]
    rest[0].on_wait = lambda: agreement.values.pop("a", None) if agreement.values["a"] == "held:killed" else None

    async def one(replica: Replica) -> bool:
        turn = await replica.turn()
        if isinstance(turn, Found):
            return False
        await settle()
        replica.finish(turn)
        return True

    assert sorted(await asyncio.gather(*map(one, rest))) == [False, False, True]


async def test_who_is_cancelled_holds_nothing(agreement: Agreement) -> None:
    replica = Replica(agreement, {})
    turn = asyncio.ensure_future(replica.turn())
    for _ in range(2):
        await asyncio.sleep(0)
    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)
    await settle()
    assert agreement.asked == 1
    assert agreement.values == {}


async def test_leases_of_long_work_are_renewed(agreement: Agreement, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.service.leasing.RENEW_S", 0.0)
    replica = Replica(agreement, {})
    hold = await replica.turn()
    assert isinstance(hold, Hold)
    await settle()
    assert agreement.renewed >= 1
    replica.finish(hold)
    await replica.leasing.aclose(5)
    renewed = agreement.renewed
    await settle()
    assert agreement.renewed == renewed
    assert agreement.values["a"].startswith("done:")
