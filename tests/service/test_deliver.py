"""From a question to its artifact: what is asked of whom, how often, and what is kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest
from delivery import World, settle
from fakes import DictCache, LateDisk

from proxy.core.model import Frame, Preset, Source, Traits
from proxy.errors import (
    CodecDeadline,
    CodecLost,
    DecoderCrashed,
    ImageTooLarge,
    InvalidImageFormat,
    NoSuchKey,
    OriginUnavailable,
    Overloaded,
)

pytestmark = pytest.mark.usefixtures("disk")


async def test_a_miss_is_made_once_and_then_found_in_memory_disk_and_bucket():
    world = World(persist=True)
    made = await world.ask()
    assert made.tier is None
    assert made.artifact.body == b"jpeg|imageMogr2/thumbnail/100x|PIC one"
    assert (await world.ask()).tier == "memory"
    world.restart()
    assert (await world.ask()).tier == "disk"
    assert (await world.ask()).tier == "memory"
    world.disk.entries.clear()
    world.disk_originals.entries.clear()
    world.restart()
    found = await world.ask()
    assert found.tier == "bucket"
    assert found.artifact == made.artifact
    assert len(world.codec.jobs) == 1
    assert world.codec.probed == 1
    assert world.meter.hits == ["memory", "disk", "memory", "bucket"]
    assert world.meter.misses == 1
    assert world.origin.unchanged == 1, "the bucket's copy was confirmed with the origin, not fetched again"


async def test_what_is_at_hand_on_disk_is_answered_without_waiting(monkeypatch):
    monkeypatch.setattr(DictCache, "near", True)
    world = World()
    made = await world.ask()
    world.restart()
    found = [world.deliver.hit(world.bucket, world.question()) for _ in range(2)]
    assert [(each.artifact, each.tier) for each in found] == [(made.artifact, "disk"), (made.artifact, "memory")]
    assert world.meter.hits == ["disk", "memory"]


async def test_looking_for_what_is_at_hand_never_raises(monkeypatch):
    monkeypatch.setattr(DictCache, "near", True)
    world = World()
    with pytest.raises(NoSuchKey):
        await world.ask(key="nothing")
    assert world.deliver.hit(world.bucket, world.question(key="nothing")) is None


async def test_six_widths_cost_one_fetch_and_one_probe():
    world = World()
    for width in range(100, 700, 100):
        await world.ask(f"imageMogr2/thumbnail/{width}x")
    assert world.origin.opened == ["a"]
    assert world.codec.probed == 1
    assert len(world.codec.jobs) == 6


async def test_who_looked_for_an_original_on_disk_before_it_was_fetched_is_given_that():
    w, late = World(), LateDisk()
    await w.ask("imageMogr2/thumbnail/10x")
    late.entries = {key: each for key, each in w.disk_originals.entries.items() if not each.body}
    w.disk_originals = late
    w.restart()
    await w.originals.learn(w.bucket, Source("b", "a"))
    early, tardy = late.gates = [asyncio.Event(), asyncio.Event()]
    tasks = [asyncio.create_task(w.ask(f"imageMogr2/thumbnail/{width}x")) for width in (20, 30)]
    await settle()
    early.set()
    await tasks[0]
    tardy.set()
    await tasks[1]
    assert w.origin.opened == ["a", "a"]


async def test_offers_that_end_in_one_format_share_one_encode_even_at_the_same_time():
    world = World()
    world.codec.gate = asyncio.Event()
    text = "imageMogr2/thumbnail/100x/format/auto"
    asking = [
        asyncio.create_task(world.ask(text, accept))
        for accept in ("image/avif", "image/avif,image/webp", "image/avif,*/*")
    ]
    await settle()
    world.codec.gate.set()
    answers = await asyncio.gather(*asking)
    assert {answer.artifact.format for answer in answers} == {"avif"}
    assert len(world.codec.jobs) == 1
    assert world.meter.joins >= 2


async def test_a_picture_with_traits_a_format_cannot_carry_is_sent_in_one_that_can():
    world = World()
    world.codec.traits = Traits(format="gif", frame=Frame(width_px=10, height_px=10, frames=3))
    assert (await world.ask("imageMogr2/format/auto", "image/avif,image/webp")).artifact.format == "avif"
    assert (await world.ask("imageMogr2/format/auto", "image/jxl")).artifact.format == "gif"
    world.codec.traits = Traits(format="gif", frame=Frame(width_px=1000, height_px=1000, frames=30))
    world.restart()
    assert (await world.ask("imageMogr2/format/auto", "image/avif,image/webp", "b")).artifact.format == "webp"


async def test_stale_facts_are_confirmed_and_the_rendition_kept():
    world = World(ttl_s=60)
    await world.ask()
    world.clock.advance(61)
    assert (await world.ask()).tier == "memory"
    assert world.origin.unchanged == 1
    assert len(world.codec.jobs) == 1


async def test_a_changed_source_is_made_anew():
    world = World(ttl_s=60)
    first = await world.ask()
    world.origin.objects["a"] = b"PIC two"
    assert (await world.ask()).artifact == first.artifact, "still fresh"
    world.clock.advance(61)
    second = await world.ask()
    assert second.tier is None
    assert second.artifact.body.endswith(b"PIC two")
    assert second.artifact.etag != first.artifact.etag


async def test_a_source_that_changes_between_its_facts_and_its_bytes_is_looked_at_again():
    world = World()
    await world.ask()
    world.restart()
    world.disk.entries.clear()
    for key in [key for key, entry in world.disk_originals.entries.items() if entry.body]:
        del world.disk_originals.entries[key]
    world.origin.objects["a"] = b"PIC two"
    answer = await world.ask()
    assert answer.artifact.body.endswith(b"PIC two")
    assert answer.artifact.source == answer.facts.validators


@pytest.mark.parametrize("field", ["no-store", "private", "private, max-age=60"])
async def test_what_its_origin_keeps_private_is_stored_nowhere(field: str):
    world = World(persist=True, headers={"cache-control": field})
    for _ in range(2):
        answer = await world.ask()
        assert answer.tier is None
    assert not world.disk.entries
    assert not world.disk_originals.entries
    assert world.meter.writes == []
    assert world.origin.opened == ["a", "a"], "and fetched once for each answer"


async def test_a_missing_object_is_asked_for_once_in_a_while():
    world = World()
    for _ in range(3):
        with pytest.raises(NoSuchKey):
            await world.ask(key="none")
    assert world.origin.opened == ["none"]
    world.clock.advance(11)
    with pytest.raises(NoSuchKey):
        await world.ask(key="none")
    assert world.origin.opened == ["none", "none"]


async def test_an_origin_that_fails_is_left_alone_for_the_error_lifetime():
    world = World()
    world.origin.error = OriginUnavailable()
    for _ in range(3):
        with pytest.raises(OriginUnavailable):
            await world.ask()
    assert len(world.origin.opened) == 1
    world.origin.error = None
    world.clock.advance(11)
    assert (await world.ask()).tier is None


@pytest.mark.parametrize("verdict", [DecoderCrashed, CodecDeadline])
async def test_a_source_that_kills_or_overruns_a_codec_is_refused_whatever_is_asked_of_it(verdict):
    world = World()
    world.codec.error = verdict()
    with pytest.raises(verdict):
        await world.ask()
    with pytest.raises(verdict):
        await world.ask("imageMogr2/thumbnail/7x")
    assert len(world.codec.jobs) == 1
    world.codec.error = None
    world.clock.advance(11)
    assert (await world.ask("imageMogr2/thumbnail/7x")).tier is None


async def test_a_failure_of_one_rendition_is_held_against_that_rendition_alone():
    world = World()
    world.codec.error = InvalidImageFormat()
    for _ in range(2):
        with pytest.raises(InvalidImageFormat):
            await world.ask()
    assert len(world.codec.jobs) == 1
    world.codec.error = None
    assert (await world.ask("imageMogr2/thumbnail/7x")).tier is None


@pytest.mark.parametrize("passing", [Overloaded, CodecLost])
async def test_overload_is_never_remembered(passing):
    world = World()
    world.codec.error = passing()
    with pytest.raises(passing):
        await world.ask()
    world.codec.error = None
    assert (await world.ask()).tier is None


@pytest.mark.parametrize("declared", [True, False])
async def test_an_original_over_the_limit_is_not_read_to_its_end(declared: bool):
    world = World()
    limits = replace(world.bucket.rules.limits, max_source_bytes=10)
    world.bucket = replace(world.bucket, rules=replace(world.bucket.rules, limits=limits))
    world.origin.declared = declared
    world.origin.objects["a"] = b"PIC" + b"x" * 1000
    with pytest.raises(ImageTooLarge):
        await world.ask()
    assert world.origin.streams[0].closed
    assert world.codec.probed == 0


async def test_leaving_before_a_codec_has_begun_cancels_the_work():
    world = World()
    world.codec.gate = asyncio.Event()
    asking = asyncio.create_task(world.ask())
    await settle()
    asking.cancel()
    await settle()
    world.codec.gate.set()
    await settle()
    assert world.codec.jobs == []


async def test_what_a_codec_has_begun_is_finished_and_kept_although_everyone_left():
    world = World()
    world.codec.gate = asyncio.Event()
    world.codec.start_first = True
    asking = asyncio.create_task(world.ask())
    await settle()
    asking.cancel()
    await settle()
    world.codec.gate.set()
    await settle()
    assert (await world.ask()).tier == "memory"
    assert len(world.codec.jobs) == 1


async def test_only_a_conversion_by_auto_may_fall_back_to_the_original():
    world = World()
    await world.ask("imageMogr2/format/auto", "image/avif")
    await world.ask("imageMogr2/format/auto/thumbnail/10x", "image/avif")
    await world.ask("imageMogr2/format/webp", "image/webp")
    await world.ask("imageMogr2/format/auto/strip", "image/avif")
    assert [job.or_original for job in world.codec.jobs] == [True, False, False, False]


@pytest.mark.parametrize(("text", "again"), [("strip", True), ("format/auto", True), ("thumbnail/9x", False)])
async def test_keeping_copyright_makes_other_renditions_where_metadata_is_dropped(text: str, again: bool):
    world = World()
    await world.ask(f"imageMogr2/{text}", "image/avif")
    world.bucket = replace(world.bucket, rules=replace(world.bucket.rules, keep_copyright=True))
    world.restart()
    delivered = await world.ask(f"imageMogr2/{text}", "image/avif")
    assert (delivered.tier is None) is again
    assert [job.keep_copyright for job in world.codec.jobs] == ([False, True] if again else [False])


@pytest.mark.parametrize("preset", ["balanced", "best"])
async def test_another_preset_makes_other_renditions(preset: Preset):
    world = World()
    await world.ask()
    for _ in range(2):
        world.bucket = replace(world.bucket, rules=replace(world.bucket.rules, preset=preset))
        world.restart()
        await world.ask()
    assert [job.preset for job in world.codec.jobs] == ["realtime", preset]


async def test_an_unusable_record_on_disk_or_in_the_bucket_is_a_miss():
    world = World(persist=True)
    await world.ask()
    for cache in (world.disk, world.disk_originals):
        for key, entry in cache.entries.items():
            cache.entries[key] = replace(entry, meta={"other": 1})
    assert world.store is not None
    for path in list(world.store._objects):
        await world.store.put(path, b"{broken", metadata={"mogr-record": "{broken"})
    world.restart()
    assert (await world.ask()).tier is None


async def test_a_source_served_stale_is_asked_about_once_behind_the_answer():
    world = World(headers={"cache-control": "max-age=10, stale-while-revalidate=60"})
    await world.ask()
    world.clock.advance(20)
    world.origin.gate = asyncio.Event()
    for _ in range(5):
        assert (await world.ask()).tier == "memory"
    await settle()
    assert len(world.origin.opened) == 2
    assert world.deliver.hit(world.bucket, world.question()) is not None, "no waiting for a stale one either"
    world.origin.gate.set()
    await settle()
    world.clock.advance(5)
    assert world.deliver.hit(world.bucket, world.question()) is not None, "its freshness was confirmed meanwhile"
    await settle()
    assert world.origin.unchanged == 1


@pytest.mark.parametrize(("told", "stands_in"), [("max-age=10, stale-if-error=60", True), ("max-age=10", False)])
async def test_a_source_that_cannot_be_asked_is_served_stale_where_it_allowed_that(told, stands_in):
    world = World(headers={"cache-control": told})
    await world.ask()
    world.clock.advance(20)
    world.origin.error = OriginUnavailable("down")
    for _ in range(2):  # the second time the failure is remembered
        if stands_in:
            assert (await world.ask()).tier == "memory"
        else:
            with pytest.raises(OriginUnavailable):
                await world.ask()
    assert len(world.origin.opened) == 2
    world.clock.advance(60)
    with pytest.raises(OriginUnavailable):
        await world.ask()


async def test_a_failing_refresh_is_not_repeated_for_every_request():
    world = World(headers={"cache-control": "max-age=10, stale-while-revalidate=600"})
    await world.ask()
    world.clock.advance(20)
    world.origin.error = OriginUnavailable("down")
    for _ in range(5):
        assert (await world.ask()).tier == "memory"
        await settle()
    assert len(world.origin.opened) == 2
    world.clock.advance(10)
    await world.ask()
    await settle()
    assert len(world.origin.opened) == 3


async def test_fetching_and_probing_are_told_among_the_timings_and_a_hit_has_none(monkeypatch):
    world, clock = World(), SimpleNamespace(monotonic=lambda: now_s)
    monkeypatch.setattr("proxy.service.fetching.time", clock)
    monkeypatch.setattr("proxy.service.making.time", clock)
    now_s = 0.0

    def slow(call, seconds):
        async def slowly(*given, **asked):
            nonlocal now_s
            now_s += seconds
            return await call(*given, **asked)

        return slowly

    monkeypatch.setattr(world.origin, "open", slow(world.origin.open, 3.0))
    monkeypatch.setattr(world.codec, "probe", slow(world.codec.probe, 2.0))
    monkeypatch.setattr(world.codec, "render", slow(world.codec.render, 5.0))
    told_s = (await world.ask()).timings_s
    assert {name: told_s[name] for name in ("fetch", "probe", "codec")} == {"fetch": 3.0, "probe": 2.0, "codec": 5.0}
    assert (await world.ask()).timings_s == {}
