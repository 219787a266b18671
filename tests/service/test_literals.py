"""Does an object stand under that key: asked once per lifetime, whoever wants to know."""

from __future__ import annotations

import asyncio

import pytest
from fakes import FakeCodec, FakeOrigin, ManualClock, TallyMeter

from proxy.caches.memory import MemoryCache
from proxy.core.model import Source
from proxy.errors import MogrError, OriginForbidden, OriginRefused, OriginTimeout, OriginUnavailable
from proxy.service.admission import ByteBudget
from proxy.service.bucket import Bucket, BucketRules
from proxy.service.literals import Literals
from proxy.service.originals import Originals
from proxy.service.shelf import Shelf

HERE, ABSENT = Source("b", "here"), Source("b", "absent")


class HeadOrigin(FakeOrigin):
    """Counts what is asked of it by ``head``."""

    def __init__(self) -> None:
        super().__init__({"here": b"PIC"})
        self.heads: list[str] = []

    async def head(self, key):
        self.heads.append(key)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return await super().head(key)


class World:
    def __init__(self, max_entries: int = 100) -> None:
        self.clock, self.origin = ManualClock(), HeadOrigin()
        self.originals = Originals(
            codec=FakeCodec(), clock=self.clock, meter=TallyMeter(), budget=ByteBudget(1 << 20),
            facts=MemoryCache(1 << 20, size_of=lambda _: 1), bodies=MemoryCache(1 << 20, size_of=len), disk=None,
            shelf=Shelf(TallyMeter()),
        )  # fmt: skip
        self.bucket = Bucket(rules=BucketRules(name="b", ttl_s=60, error_ttl_s=10), origin=self.origin)
        self.literals = Literals(self.originals, self.clock, max_entries=max_entries)

    async def stands(self, source: Source) -> bool:
        return await self.literals.stands(self.bucket, source)


async def test_what_was_learned_is_known_until_it_is_stale():
    world = World()
    assert world.literals.known(HERE) is None
    assert await world.stands(HERE) is True
    assert await world.stands(ABSENT) is False
    assert (world.literals.known(HERE), world.literals.known(ABSENT)) == (True, False)
    assert (await world.stands(HERE), await world.stands(ABSENT)) == (True, False)
    assert world.origin.heads == ["here", "absent"]
    world.clock.advance(60)
    assert (world.literals.known(HERE), world.literals.known(ABSENT)) == (None, None)
    assert await world.stands(HERE) is True
    assert world.origin.heads == ["here", "absent", "here"]


async def test_many_who_want_to_know_ask_once():
    world = World()
    world.origin.gate = asyncio.Event()
    asking = [asyncio.ensure_future(world.stands(ABSENT)) for _ in range(20)]
    await asyncio.sleep(0)
    world.origin.gate.set()
    assert await asyncio.gather(*asking) == [False] * 20
    assert world.origin.heads == ["absent"]


async def test_a_picture_that_is_known_is_not_asked_for():
    world = World()
    await world.originals.learn(world.bucket, HERE)
    assert await world.stands(HERE) is True
    assert world.origin.heads == []


async def test_what_the_origin_refuses_counts_as_absent():
    world = World()
    world.origin.error = OriginRefused()
    assert await world.stands(HERE) is False


@pytest.mark.parametrize("error", [OriginUnavailable(), OriginTimeout(), OriginForbidden()])
async def test_an_origin_that_does_not_answer_says_nothing(error: MogrError):
    world = World()
    world.origin.error = error
    with pytest.raises(type(error)):
        await world.stands(HERE)
    assert world.literals.known(HERE) is None


async def test_while_an_origin_does_not_answer_its_last_word_holds():
    world = World()
    await world.stands(ABSENT)
    world.clock.advance(61)
    world.origin.error = OriginTimeout()
    assert await world.stands(ABSENT) is False
    assert await world.stands(ABSENT) is False
    assert world.origin.heads == ["absent"] * 2, "it is asked again after error_ttl_s, not for every request"
    world.clock.advance(11)
    world.origin.error = None
    world.origin.objects["absent"] = b"not any more"
    assert await world.stands(ABSENT) is True


async def test_what_is_forgotten_is_asked_again():
    world = World()
    await world.stands(HERE)
    world.literals.forget(HERE)
    assert world.literals.known(HERE) is None
    world.literals.forget(ABSENT)


async def test_memory_is_bounded():
    world = World(max_entries=3)
    for n in range(10):
        await world.stands(Source("b", str(n)))
    known = [n for n in range(10) if world.literals.known(Source("b", str(n))) is not None]
    assert known == [7, 8, 9]
