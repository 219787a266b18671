"""Pictures that go into another one: had first, by the same way, and weighed in what is said of the result."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from fakes import DictCache, FakeCodec, FakeOrigin, ManualClock, TallyMeter

from proxy.caches.memory import MemoryCache
from proxy.core.grammar import format_plan, parse_plan
from proxy.core.model import Artifact, Frame, Freshness, ImageLimits, Offer, Source, Traits, Validators
from proxy.errors import InvalidMark, MogrError, NoSuchKey, OriginRefused, OriginTimeout, Overloaded
from proxy.service.admission import ByteBudget
from proxy.service.bucket import Bucket, BucketRules
from proxy.service.deliver import Deliver, Delivered, Ingredient, Question
from proxy.service.originals import Originals
from proxy.service.questions import joined
from proxy.service.records import Facts
from proxy.service.shelf import Shelf
from proxy.stores.memory import MemoryStore

pytestmark = pytest.mark.usefixtures("disk")

PLAN = "watermark/1/image_key/bQ|watermark/1/image_key/bg"
ENCODABLE = frozenset({"jpeg", "png"})


class World:
    """A bucket with pictures, another with marks, and a service between fakes."""

    def __init__(self, *, persist: bool = False, mark_headers: dict[str, str] | None = None, **rules: object) -> None:
        self.clock, self.meter, self.codec = ManualClock(), TallyMeter(), FakeCodec()
        self.pictures = FakeOrigin({"a": b"PIC a"})
        self.marks = FakeOrigin({"m": b"PIC m", "n": b"PIC n"}, mark_headers)
        store = MemoryStore(self.clock) if persist else None
        self.bucket = Bucket(
            rules=replace(BucketRules(name="b", ttl_s=60), **rules), origin=self.pictures, persist=store
        )
        self.logos = Bucket(rules=BucketRules(name="logos", ttl_s=20), origin=self.marks)
        self.disk, self.disk_originals = DictCache(), DictCache()
        self.restart()

    def restart(self) -> None:
        self.shelf = Shelf(self.meter)
        originals = Originals(
            codec=self.codec, clock=self.clock, meter=self.meter, budget=ByteBudget(1 << 30),
            facts=MemoryCache(1 << 20, size_of=lambda _: 1), bodies=MemoryCache(1 << 20, size_of=len),
            disk=self.disk_originals, shelf=self.shelf,
        )  # fmt: skip
        self.deliver = Deliver(
            originals=originals, codec=self.codec, meter=self.meter, disk=self.disk, shelf=self.shelf,
            memory=MemoryCache(1 << 20, size_of=lambda artifact: len(artifact.body)), encodable=ENCODABLE, policy="p",
            versions="v",
        )  # fmt: skip

    def mark(self, key: str) -> Ingredient:
        plan = parse_plan("imageMogr2/thumbnail/9x")
        return Ingredient(
            self.logos,
            Question(source=Source("logos", key), plan=plan, plan_text=format_plan(plan), offer=Offer(forced="png")),
        )

    @property
    def question(self) -> Question:
        return Question(
            source=Source("b", "a"), plan=parse_plan(PLAN), plan_text=PLAN, offer=Offer(forced="jpeg"),
            inputs=(self.mark("m"), self.mark("n")),
        )  # fmt: skip

    async def ask(self) -> Delivered:
        delivered = await self.deliver.rendition(self.bucket, self.question)
        await self.shelf.drain(5)
        return delivered


MADE = f"jpeg|{PLAN}|PIC a+png|imageMogr2/thumbnail/9x|PIC m+png|imageMogr2/thumbnail/9x|PIC n".encode()


async def test_marks_are_made_as_png_first_and_go_to_the_codec_in_order():
    world = World()
    made = await world.ask()
    assert made.artifact.body == MADE
    assert made.tier is None
    assert [job.format for job in world.codec.jobs] == ["png", "png", "jpeg"]
    assert world.marks.opened == ["m", "n"]


async def test_everything_is_found_again_in_memory_disk_and_bucket():
    world = World(persist=True)
    first = await world.ask()
    assert (await world.ask()).tier == "memory"
    assert world.deliver.hit(world.bucket, world.question) is not None
    world.restart()
    assert (await world.ask()).tier == "disk"
    world.disk.entries.clear()
    world.restart()
    again = await world.ask()
    assert again.tier == "bucket"
    assert again.artifact == first.artifact
    assert [job.format for job in world.codec.jobs].count("jpeg") == 1


async def test_a_hit_counts_once_whatever_went_into_it():
    world = World()
    await world.ask()
    world.meter.hits.clear()
    assert world.deliver.hit(world.bucket, world.question) is not None
    assert world.meter.hits == ["memory"]


async def test_a_changed_mark_makes_a_new_rendition_as_soon_as_the_old_one_is_stale():
    world = World()
    first = await world.ask()
    world.marks.objects["n"] = b"PIC new"
    assert (await world.ask()).artifact == first.artifact, "the mark is fresh for 20 seconds"
    world.clock.advance(21)
    assert world.deliver.hit(world.bucket, world.question) is None
    second = await world.ask()
    assert second.artifact.body == MADE.replace(b"PIC n", b"PIC new")
    assert second.artifact.etag != first.artifact.etag
    assert world.pictures.opened == ["a"], "the picture itself is fresh for a minute"
    world.marks.objects["n"] = b"PIC n"
    world.clock.advance(21)
    assert (await world.ask()).artifact == first.artifact, "the old one is still known"


async def test_the_answer_lives_as_long_as_the_first_of_its_parts():
    world = World()
    assert (await world.ask()).facts.freshness.lifetime_s == 20
    world.clock.advance(15)
    held = world.deliver.hit(world.bucket, world.question)
    assert held is not None
    assert held.facts.freshness.age_s(world.clock.now_s()) == 15


async def test_with_a_mark_that_may_not_be_kept_nothing_is():
    world = World(mark_headers={"cache-control": "no-store"})
    assert (await world.ask()).facts.freshness.storable is False
    assert (await world.ask()).tier is None
    assert world.disk.entries == {}


@pytest.mark.parametrize("error", [NoSuchKey(), OriginRefused(), InvalidMark(public="no.")])
async def test_a_mark_that_cannot_be_had_is_the_marks_fault_not_the_pictures(error: MogrError):
    world = World()
    world.marks.error = error
    with pytest.raises(InvalidMark) as caught:
        await world.ask()
    assert (caught.value.status, caught.value.code) == (400, "InvalidImageSource")


@pytest.mark.parametrize("error", [OriginTimeout(), Overloaded()])
async def test_what_passes_stays_what_it_is(error: MogrError):
    world = World()
    world.marks.error = error
    with pytest.raises(type(error)):
        await world.ask()


async def test_a_missing_picture_counts_before_a_missing_mark():
    world = World()
    world.marks.error = NoSuchKey()
    world.pictures.objects.clear()
    with pytest.raises(NoSuchKey):
        await world.ask()


async def test_an_animated_mark_is_refused():
    world = World()
    await world.deliver.rendition(world.bucket, replace(world.question, inputs=()))
    world.codec.traits = Traits(format="gif", frame=Frame(width_px=8, height_px=8, frames=2))
    with pytest.raises(InvalidMark, match="animated"):
        await world.ask()


async def test_marks_are_bounded_in_bytes_together():
    limit = len(b"png|imageMogr2/thumbnail/9x|PIC m")
    world = World(limits=ImageLimits(max_source_bytes=2 * limit - 1))
    with pytest.raises(InvalidMark, match="more bytes"):
        await world.ask()


async def test_marks_are_got_at_the_same_time():
    world = World()
    world.marks.gate = asyncio.Event()
    asking = asyncio.create_task(world.ask())
    async with asyncio.timeout(5):
        while len(world.marks.opened) < 2:
            await asyncio.sleep(0)
    world.marks.gate.set()
    assert (await asking).artifact.body == MADE


FRESH = Freshness(fetched_at_s=100, lifetime_s=50)


def delivered(freshness: Freshness, last_modified_s: int | None) -> Delivered:
    facts = Facts(
        validators=Validators(etag='"m"', last_modified_s=last_modified_s),
        traits=Traits(format="png", frame=Frame(width_px=1, height_px=1)),
        freshness=freshness,
    )
    artifact = Artifact(
        body=b"", media_type="image/png", etag='"m"', source=facts.validators, format="png", frame=facts.traits.frame
    )
    return Delivered(artifact=artifact, facts=facts, tier=None)


@pytest.mark.parametrize(("others", "expires_s", "modified_s", "storable", "strict"), [
    ([], 150, 7, True, False),
    ([delivered(FRESH, 5)], 150, 7, True, False),
    ([delivered(FRESH, 9)], 150, 9, True, False),
    ([delivered(FRESH, None)], 150, None, True, False),
    ([delivered(Freshness(fetched_at_s=90, lifetime_s=55), 9)], 145, 9, True, False),
    ([delivered(Freshness(fetched_at_s=100, lifetime_s=55, initial_age_s=20), 9)], 135, 9, True, False),
    ([delivered(Freshness(fetched_at_s=100, lifetime_s=999, must_revalidate=True), 9)], 150, 9, True, True),
    ([delivered(Freshness(fetched_at_s=100, lifetime_s=0, storable=False), 9), delivered(FRESH, 8)], 100, 9, False, False),
])  # fmt: skip
def test_facts_join_by_the_strictest_of_all(
    others: list[Delivered], expires_s: float, modified_s: int | None, storable: bool, strict: bool
):
    own = Facts(
        validators=Validators(etag='"own"', last_modified_s=7, size_bytes=3),
        traits=Traits(format="jpeg", frame=Frame(width_px=1, height_px=1)),
        freshness=FRESH,
        lifetime={"cache-control": "max-age=9, immutable"},
    )
    all_in_all = joined(own, others)
    freshness = all_in_all.freshness
    assert freshness.fetched_at_s - freshness.initial_age_s + freshness.lifetime_s == expires_s
    assert (freshness.storable, freshness.must_revalidate) == (storable, strict)
    assert all_in_all.validators == replace(own.validators, last_modified_s=modified_s)
    assert all_in_all.said.cache_control == (None if others else "max-age=9, immutable")
