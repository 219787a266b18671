"""``quality/auto``: answered by the table at once, measured behind it, remembered from then on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from delivery import World

from proxy.core.model import Frame, Traits
from proxy.core.purges import Ledger, Purge
from proxy.errors import InvalidImageFormat, Overloaded
from proxy.ports import Job
from proxy.service.deliver import Delivered
from proxy.service.measuring import TENTATIVE_S

pytestmark = pytest.mark.usefixtures("disk")

TEXT = "imageMogr2/thumbnail/100x/format/webp/quality/auto"
AVERAGE, HARDER = b"webp@80|", b"webp@87|"
"""What the table says for 77, and what a picture takes that scores 70 there (``FakeCodec``)."""


def measurements(world: World) -> list[Job]:
    return [job for job in world.codec.jobs if job.tune == "measure"]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def learned(world: World, text: str = TEXT, **options: str) -> Delivered:
    """The answer as soon as what was measured counts."""
    async with asyncio.timeout(5):
        while (found := await world.ask(text, **options)).interim_s is not None:
            await asyncio.sleep(0)
    return found


async def test_the_table_answers_at_once_and_a_measurement_corrects_it_from_then_on() -> None:
    world = World()
    first = await world.ask(TEXT)
    assert first.artifact.body.startswith(AVERAGE)
    assert (first.interim_s, first.tier) == (TENTATIVE_S, None)
    last = await learned(world)
    assert last.artifact.body.startswith(HARDER)
    assert last.tier == "memory", "nobody waits for the correction"
    assert last.artifact.etag != first.artifact.etag
    assert [(job.tune, job.quality) for job in world.codec.jobs] == [("given", 80), ("measure", 80), ("given", 87)]


async def test_until_then_hits_are_short_lived_too_and_start_nothing_twice() -> None:
    world = World()
    world.codec.gate = asyncio.Event()
    world.codec.tunes_wait = True
    await world.ask(TEXT)
    for _ in range(20):
        found = world.deliver.hit(world.bucket, world.question(TEXT))
        assert found is not None
        assert (found.interim_s, found.tier) == (TENTATIVE_S, "memory")
        await asyncio.sleep(0)
    world.codec.gate.set()
    await learned(world)
    assert len(measurements(world)) == 1


async def test_a_picture_as_the_average_stays_what_it_is() -> None:
    world = World()
    world.codec.measures = lambda job: json.dumps({"quality": 80, "score": 76.9}).encode()
    first = await world.ask(TEXT)
    last = await learned(world)
    assert last.artifact.etag == first.artifact.etag
    assert [job.tune for job in world.codec.jobs] == ["given", "measure"]


async def test_it_is_remembered_across_restarts() -> None:
    world = World()
    await learned(world)
    world.restart()
    found = await world.ask(TEXT)
    assert found.artifact.body.startswith(HARDER)
    assert (found.interim_s, found.tier) == (None, "disk")
    assert len(measurements(world)) == 1


async def test_replicas_agree_through_the_bucket() -> None:
    world = World(persist=True)
    last = await learned(world)
    await world.shelf.drain(5)
    world.disk.entries.clear()
    world.disk_originals.entries.clear()
    world.restart()
    found = await world.ask(TEXT)
    assert (found.artifact.etag, found.interim_s, found.tier) == (last.artifact.etag, None, "bucket")
    assert len(measurements(world)) == 1


async def test_targets_nearby_share_a_measurement_and_far_ones_do_not() -> None:
    world = World()
    await learned(world)
    for target in (73, 75, 80, 81):
        assert (await world.ask(f"{TEXT}:{target}")).interim_s is None
    assert len(measurements(world)) == 1
    await learned(world, f"{TEXT}:50")
    assert len(measurements(world)) == 2


async def test_any_number_of_targets_are_measured_seven_times_at_most() -> None:
    world = World()
    for target in range(30, 91):
        await learned(world, f"{TEXT}:{target}")
    assert len(measurements(world)) == 7


@pytest.mark.parametrize("other", ["imageMogr2/thumbnail/90x/format/webp/quality/auto", TEXT.replace("webp", "avif")])
async def test_other_pictures_and_formats_have_their_own(other: str) -> None:
    world = World()
    await learned(world)
    assert (await world.ask(other)).interim_s == TENTATIVE_S


async def test_a_changed_source_has_its_own() -> None:
    world = World(ttl_s=0)
    await learned(world)
    world.origin.objects["a"] += b" changed"
    assert (await world.ask(TEXT)).interim_s == TENTATIVE_S
    await learned(world)
    assert len(measurements(world)) == 2


@pytest.mark.parametrize("kind", ["source", "url"])
@pytest.mark.parametrize("refresh", [False, True])
@pytest.mark.parametrize("forgotten", [False, True], ids=["in memory", "elsewhere"])
async def test_a_purge_forgets_it(kind, refresh: bool, forgotten: bool) -> None:
    world = World()
    world.ledger = Ledger()
    world.restart()
    text = f"{TEXT}:75"
    await learned(world, text)
    world.clock.advance(5)
    purge = Purge(
        id="p", kind=kind, at_s=world.clock.now_s(), bucket="b", value="a", refresh=refresh,
        plan_text=world.question(text).plan_text if kind == "url" else None,
    )  # fmt: skip
    world.ledger.add(purge)
    world.clock.advance(5)
    if forgotten:
        world.restart()
    assert (await world.ask(text)).interim_s == TENTATIVE_S
    await learned(world, text)
    assert len(measurements(world)) == 2


async def test_a_busy_codec_is_tried_again_but_not_for_every_request() -> None:
    world = World()
    refused = 0

    def refuse(job: Job) -> bytes:
        nonlocal refused
        refused += 1
        raise Overloaded("busy")

    measures, world.codec.measures = world.codec.measures, refuse
    for _ in range(50):
        assert (await world.ask(TEXT)).interim_s == TENTATIVE_S
        await asyncio.sleep(0)
    assert refused == 1
    world.codec.measures = measures
    world.clock.advance(20)
    assert (await learned(world)).artifact.body.startswith(HARDER)


@pytest.mark.parametrize("said", [b"", b"{}", b'{"quality": 80, "score": 1e999}', b"\xff" * 5000, b"[" * 5000])
async def test_what_cannot_be_measured_stays_with_the_table_for_good(said: bytes) -> None:
    world = World()
    world.codec.measures = lambda job: said
    await world.ask(TEXT)
    found = await learned(world)
    assert found.artifact.body.startswith(AVERAGE)
    assert len(measurements(world)) == 1


async def test_what_the_codec_refuses_to_measure_stays_with_the_table() -> None:
    world = World()

    def refuse(job: Job) -> bytes:
        raise InvalidImageFormat("no decoder")

    world.codec.measures = refuse
    await world.ask(TEXT)
    assert (await learned(world)).artifact.body.startswith(AVERAGE)


@pytest.mark.parametrize(
    "traits",
    [
        Traits(format="gif", frame=Frame(width_px=200, height_px=100, frames=3)),
        Traits(format="jpeg", frame=Frame(width_px=7, height_px=300)),
    ],
)
async def test_animations_and_the_smallest_pictures_are_answered_by_the_table_for_good(traits: Traits) -> None:
    world = World()
    world.codec.traits = traits
    found = await world.ask("imageMogr2/format/webp/quality/auto")
    assert found.interim_s is None
    assert b"webp@" in found.artifact.body
    await world.deliver.aclose(5)
    assert not measurements(world)


@pytest.mark.parametrize(
    "text", ["imageMogr2/format/png/quality/auto", f"{TEXT}|imageMogr2/quality/40!", TEXT[:-5] + "80"]
)
async def test_where_it_means_nothing_nothing_is_measured(text: str) -> None:
    world = World()
    assert (await world.ask(text)).interim_s is None
    await world.deliver.aclose(5)
    assert [job.quality for job in world.codec.jobs] == [None]


async def test_what_nobody_may_keep_is_not_measured() -> None:
    world = World(headers={"cache-control": "no-store"})
    assert (await world.ask(TEXT)).interim_s is None
    await world.deliver.aclose(5)
    assert not measurements(world)


async def test_shutting_down_leaves_off() -> None:
    world = World()
    world.codec.gate = asyncio.Event()
    world.codec.tunes_wait = True
    await world.ask(TEXT)
    await until(lambda: world.codec.waiting == 1)
    await world.deliver.aclose(0)
    assert world.codec.waiting == 0
    assert not measurements(world)


async def test_measuring_and_correcting_are_done_in_the_background_and_one_at_a_time() -> None:
    world = World()
    seen = []
    render = world.codec.render

    async def watched(*args, background: bool = False, **options):
        seen.append((args[2].tune, args[2].quality, background))
        return await render(*args, background=background, **options)

    world.codec.render = watched  # type: ignore[method-assign]
    await learned(world)
    assert seen == [("given", 80, False), ("measure", 80, True), ("given", 87, True)]


@pytest.mark.parametrize("negotiate", ["accept", "exact"])
async def test_buckets_that_do_not_negotiate_have_it_too(negotiate: str) -> None:
    world = World()
    world.bucket = replace(world.bucket, rules=replace(world.bucket.rules, negotiate=negotiate))
    await world.ask(TEXT)
    assert (await learned(world)).artifact.body.startswith(HARDER)


@pytest.mark.parametrize(("text", "or_original"), [
    ("imageMogr2/format/webp/quality/auto", True),
    ("imageMogr2/quality/auto:60", True),
    ("imageMogr2/quality/80", False),
    ("imageMogr2/thumbnail/50x/quality/auto", False),
    ("imageMogr2/strip/quality/auto", False),
])  # fmt: skip
async def test_of_the_same_size_it_never_has_more_bytes_than_the_original(text: str, or_original: bool) -> None:
    world = World()
    await learned(world, text)
    assert {job.or_original for job in world.codec.jobs if job.tune == "given"} == {or_original}


async def test_an_original_that_nobody_may_be_able_to_show_is_converted() -> None:
    world = World()
    world.codec.traits = Traits(format="heif", frame=Frame(width_px=200, height_px=100))
    await learned(world, "imageMogr2/format/webp/quality/auto")
    assert not any(job.or_original for job in world.codec.jobs)
