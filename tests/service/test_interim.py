"""A picture that takes long: another format at once, the asked one from then on."""

from __future__ import annotations

import asyncio

import pytest
from delivery import World

from proxy.errors import CodecDeadline, CodecLost
from proxy.service.interim import quicker, shown_for_s

pytestmark = pytest.mark.usefixtures("disk")

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
AVIF = "imageMogr2/thumbnail/100x/format/avif"


def slow_world(**costs_s: float) -> World:
    world = World()
    world.codec.costs_s = {"avif": 4.0, "webp": 0.2, "jpeg": 0.1, **costs_s}
    world.codec.gate, world.codec.slow = asyncio.Event(), frozenset({"avif"})
    return world


def formats(world: World) -> list[str]:
    return [job.format for job in world.codec.jobs]


async def until(world: World, count: int) -> None:
    async with asyncio.timeout(5):
        while len(world.codec.jobs) < count:
            await asyncio.sleep(0)


async def test_the_best_format_that_fits_is_sent_meanwhile_and_the_asked_one_from_then_on() -> None:
    world = slow_world()
    question = world.question(AVIF, CHROME)
    first = await world.deliver.rendition(world.bucket, question)
    assert (first.artifact.format, first.interim_s, first.tier) == ("webp", 8, None)
    again = await world.deliver.rendition(world.bucket, question)
    assert (again.artifact.format, again.interim_s, again.tier) == ("webp", 8, "memory")
    world.codec.gate.set()
    await until(world, 2)
    await world.deliver.aclose(5)
    last = await world.deliver.rendition(world.bucket, question)
    assert (last.artifact.format, last.interim_s, last.tier) == ("avif", None, "memory")
    assert formats(world) == ["webp", "avif"]


async def test_what_is_stored_already_is_sent_however_long_it_took() -> None:
    world = slow_world()
    world.codec.gate.set()
    question = world.question(AVIF, CHROME)
    await world.deliver.rendition(world.bucket, question)
    await until(world, 2)
    await world.deliver.aclose(5)
    world.restart()
    found = await world.deliver.rendition(world.bucket, question)
    assert (found.artifact.format, found.tier, found.interim_s) == ("avif", "disk", None)
    assert formats(world) == ["webp", "avif"]


@pytest.mark.parametrize(
    ("text", "accept"),
    [
        (AVIF, None),
        (AVIF, "*/*"),
        (AVIF, "image/avif"),  # names nothing else
        ("imageMogr2/thumbnail/100x/format/webp", CHROME),  # quick as it is
        ("imageMogr2/thumbnail/100x/format/png", CHROME),  # asked by a name that everyone can show
    ],
)
async def test_who_has_not_named_an_alternative_waits(text: str, accept: str | None) -> None:
    world = slow_world(png=4.0)
    world.codec.gate.set()
    found = await world.deliver.rendition(world.bucket, world.question(text, accept))
    assert (found.artifact.format, found.interim_s) == (text.rpartition("/")[2], None)
    await world.deliver.aclose(5)
    assert len(formats(world)) == 1


async def test_at_sizes_where_everything_is_slow_the_fastest_is_sent() -> None:
    world = slow_world(webp=3.9, jpeg=0.4)
    found = await world.deliver.rendition(world.bucket, world.question(AVIF, CHROME))
    assert (found.artifact.format, found.interim_s) == ("jpeg", 8)


async def test_what_a_thorough_preset_takes_long_for_is_shown_in_realtime_meanwhile() -> None:
    from dataclasses import replace

    world = World()
    world.bucket = replace(world.bucket, rules=replace(world.bucket.rules, preset="best"))
    predicted_s = {"best": 4.0, "realtime": 0.2}
    world.codec.predict_s = lambda traits, job: predicted_s[job.preset]  # type: ignore[method-assign]
    found = await world.deliver.rendition(world.bucket, world.question(AVIF, CHROME))
    assert (found.artifact.format, found.interim_s) == ("avif", 8)
    await until(world, 2)
    await world.deliver.aclose(5)
    assert [(job.format, job.preset) for job in world.codec.jobs] == [("avif", "realtime"), ("avif", "best")]
    found = await world.deliver.rendition(world.bucket, world.question(AVIF, CHROME))
    assert (found.artifact.format, found.interim_s, found.tier) == ("avif", None, "memory")


async def test_a_bucket_may_let_every_client_wait() -> None:
    from dataclasses import replace

    world = slow_world()
    world.codec.gate.set()
    world.bucket = replace(world.bucket, rules=replace(world.bucket.rules, first_answer_s=0))
    found = await world.deliver.rendition(world.bucket, world.question(AVIF, CHROME))
    assert found.artifact.format == "avif"


async def test_a_format_that_cannot_be_made_leaves_its_stand_in() -> None:
    world = slow_world()
    question = world.question(AVIF, CHROME)
    await world.deliver.rendition(world.bucket, question)
    error = CodecDeadline()
    error.condemns = False
    world.codec.error = error
    world.codec.gate.set()
    await until(world, 2)
    await world.deliver.aclose(5)
    for _ in range(3):
        found = await world.deliver.rendition(world.bucket, question)
        assert (found.artifact.format, found.interim_s) == ("webp", 8)
    await world.deliver.aclose(5)
    assert formats(world) == ["webp", "avif"]  # the verdict holds: it is not tried again for every request


async def test_if_the_stand_in_fails_the_client_waits_for_what_it_asked() -> None:
    world = slow_world()

    class Refusing(type(world.codec)):  # type: ignore[misc]
        async def render(self, body, traits, job, **options):
            if job.format == "webp":
                raise CodecLost
            return await super().render(body, traits, job, **options)

    world.codec.__class__ = Refusing
    world.codec.gate.set()
    found = await world.deliver.rendition(world.bucket, world.question(AVIF, CHROME))
    assert (found.artifact.format, found.interim_s) == ("avif", None)


@pytest.mark.parametrize(
    ("costs_s", "asked_s", "chosen"),
    [
        ({"webp": 0.2, "jpeg": 0.1}, 4.0, "webp"),
        ({"webp": 0.5, "jpeg": 0.1}, 4.0, "jpeg"),
        ({"webp": 1.5, "jpeg": 0.8}, 4.0, "jpeg"),
        ({"webp": 3.0, "jpeg": 2.5}, 4.0, None),
        ({}, 4.0, None),
    ],
)
def test_which_is_worth_making(costs_s: dict[str, float], asked_s: float, chosen: str | None) -> None:
    assert quicker(costs_s, asked_s, 0.3) == chosen


@pytest.mark.parametrize(("asked_s", "shown_s"), [(0.4, 2), (4.0, 8), (100.0, 30)])
def test_how_long_it_is_shown(asked_s: float, shown_s: int) -> None:
    assert shown_for_s(asked_s) == shown_s
