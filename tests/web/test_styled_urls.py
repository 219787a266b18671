"""What a URL that may mean a style comes to, and what it costs: fakes behind the edge."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace

import httpx
import pytest
from caching import Caching
from fakes import FakeCodec, FakeOrigin, ManualClock, TallyMeter

from proxy.caches.memory import MemoryCache
from proxy.core.styles import Styles
from proxy.errors import OriginTimeout
from proxy.service.admission import ByteBudget
from proxy.service.bucket import Bucket, BucketRules
from proxy.service.deliver import Deliver
from proxy.service.drawing import Drawing
from proxy.service.literals import Literals
from proxy.service.originals import Originals
from proxy.service.shelf import Shelf
from proxy.web.access_log import AccessLog
from proxy.web.ask import Asker
from proxy.web.edge import Edge
from proxy.web.hosts import Buckets

ENCODABLE = frozenset({"jpeg", "png", "gif", "webp", "avif"})
SMALL = "imageMogr2/thumbnail/!50p"
TEXTS = {
    "small": SMALL, "auto": "imageMogr2/format/auto", "safe": "imageMogr2/ignore-error/1/strip",
    "nine": "|".join(f"imageMogr2/thumbnail/{n}x" for n in range(1, 10)),
}  # fmt: skip


class CountingOrigin(FakeOrigin):
    def __init__(self) -> None:
        super().__init__({"a.jpg": b"PIC a", "lit.jpg!small": b"PIC literal", "t.txt": b"text"})
        self.heads: list[str] = []

    async def head(self, key):
        self.heads.append(key)
        if self.error is not None:
            raise self.error
        return await super().head(key)


class Worker:
    def __init__(self, separators: str = "!", **rules: object) -> None:
        self.clock, self.codec, self.origin = ManualClock(), FakeCodec(), CountingOrigin()
        meter = TallyMeter()
        shelf = Shelf(meter)
        originals = Originals(
            codec=self.codec, clock=self.clock, meter=meter, budget=ByteBudget(1 << 20),
            facts=MemoryCache(1 << 20, size_of=lambda _: 1), bodies=MemoryCache(1 << 20, size_of=len), disk=None, shelf=shelf,
        )  # fmt: skip
        deliver = Deliver(
            originals=originals, codec=self.codec, meter=meter, disk=None, shelf=shelf, encodable=ENCODABLE,
            memory=MemoryCache(1 << 20, size_of=lambda artifact: len(artifact.body)), policy="p", versions="v",
        )  # fmt: skip
        drawing = Drawing(self.codec, meter)
        own = BucketRules(name="b", styles=Styles(TEXTS, separators), ttl_s=60, error_ttl_s=10)
        self.edge = Edge(
            buckets=Buckets([(Bucket(rules=replace(own, **rules), origin=self.origin), [], True)]), deliver=deliver,
            shared_cache=Caching().cache, literals=Literals(originals, self.clock), drawing=drawing, asker=Asker(ENCODABLE), clock=self.clock,
            meter=meter, log=AccessLog(self.clock, requests=False, stream=io.StringIO()),
        )  # fmt: skip

    async def get(self, target: str, method: str = "GET", **headers: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.edge, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://h") as client:
            return await client.request(method, target, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def plans(self) -> list[str]:
        return [job.plan_text for job in self.codec.jobs]


@pytest.mark.parametrize(("target", "plan"), [
    ("/a.jpg!small", SMALL),
    ("/a.jpg%21small", SMALL),
    ("/a.jpg?small", SMALL),
    ("/a.jpg?small=", SMALL),
    ("/a.jpg?v=7&small", SMALL),
    ("/a.jpg?style/small", SMALL),
    ("/a.jpg?style%2Fsmall=", SMALL),
    ("/a.jpg!small?imageMogr2/rotate/90", f"{SMALL}|imageMogr2/rotate/90"),
    ("/a.jpg?small&imageMogr2/rotate/90", f"{SMALL}|imageMogr2/rotate/90"),
    ("/a.jpg?imageMogr2/rotate/90&small", f"{SMALL}|imageMogr2/rotate/90"),
    ("/a.jpg?style/small|imageMogr2/rotate/90", f"{SMALL}|imageMogr2/rotate/90"),
    ("/a.jpg?imageMogr2/rotate/90|style/small", f"imageMogr2/rotate/90|{SMALL}"),
    ("/a.jpg!small?small", f"{SMALL}|{SMALL}"),
    ("/a.jpg!nine?imageMogr2/rotate/90", TEXTS["nine"] + "|imageMogr2/rotate/90"),
])  # fmt: skip
async def test_a_style_is_asked_for_in_many_ways(target: str, plan: str):
    worker = Worker()
    answer = await worker.get(target)
    assert answer.status_code == 200, answer.text
    assert worker.plans() == [plan]
    assert answer.content.endswith(b"PIC a")


@pytest.mark.parametrize(("target", "status", "code", "errno"), [
    ("/a.jpg!Small", 404, "NoSuchKey", "-6101"),
    ("/a.jpg!nosuch", 404, "NoSuchKey", "-6101"),
    ("/a.jpg-small", 404, "NoSuchKey", "-6101"),
    ("/gone.jpg!small", 404, "NoSuchKey", "-6101"),
    ("/gone.jpg?small", 404, "NoSuchKey", "-6101"),
    ("/a.jpg?style/nosuch", 400, "InvalidArgument", "-105"),
    ("/a.jpg?style/Small", 400, "InvalidArgument", "-105"),
    ("/a.jpg?style", 400, "InvalidArgument", "-105"),
    ("/a.jpg?small&auto", 400, "InvalidArgument", "-60998"),
    ("/a.jpg!nine?imageMogr2/rotate/90|imageMogr2/strip", 400, "InvalidArgument", "-60998"),
    ("/a.jpg!small?imageMogr2/rotate/400", 400, "InvalidArgument", "-60998"),
    ("/t.txt!small", 400, "InvalidImageFormat", "-441"),
    ("/!small", 404, "NoSuchKey", "-6101"),
])  # fmt: skip
async def test_what_is_no_style_says_what_is_wrong(target: str, status: int, code: str, errno: str):
    answer = await Worker().get(target)
    assert (answer.status_code, answer.headers["x-errno"]) == (status, errno), answer.text
    assert f"<Code>{code}</Code>" in answer.text


async def test_a_bare_name_that_is_no_style_is_ignored():
    answer = await Worker().get("/a.jpg?v2")
    assert (answer.status_code, answer.content) == (200, b"PIC a")


async def test_the_object_of_that_very_key_wins():
    worker = Worker()
    answer = await worker.get("/lit.jpg!small")
    assert (answer.content, worker.plans()) == (b"PIC literal", [])
    turned = await worker.get("/lit.jpg!small?imageMogr2/rotate/90")
    assert turned.content.endswith(b"PIC literal")
    assert worker.plans() == ["imageMogr2/rotate/90"]
    assert worker.origin.heads == ["lit.jpg!small"], "once asked, it is known"


async def test_a_hit_on_a_style_asks_the_origin_nothing():
    worker = Worker()
    await worker.get("/a.jpg!small")
    assert (worker.origin.heads, worker.origin.opened) == (["a.jpg!small"], ["a.jpg"])
    hit = await worker.get("/a.jpg!small")
    assert hit.headers["cache-status"] == "mogr; hit; detail=memory"
    assert hit.headers["etag"] == (await worker.get("/a.jpg?small")).headers["etag"], "one rendition under every name"
    assert (worker.origin.heads, worker.origin.opened) == (["a.jpg!small"], ["a.jpg"])
    head = await worker.get("/a.jpg!small", method="HEAD")
    assert (head.status_code, head.content) == (200, b"")


async def test_many_at_once_ask_once_and_make_one():
    worker = Worker()
    answers = await asyncio.gather(*(worker.get("/a.jpg!small") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert (worker.origin.heads, worker.origin.opened, len(worker.codec.jobs)) == (["a.jpg!small"], ["a.jpg"], 1)


async def test_an_object_that_comes_or_goes_is_seen_when_the_answer_is_stale():
    worker = Worker()
    assert (await worker.get("/a.jpg!small")).content.endswith(b"PIC a")
    worker.origin.objects["a.jpg!small"] = b"PIC own"
    worker.clock.advance(61)
    assert (await worker.get("/a.jpg!small")).content == b"PIC own"
    del worker.origin.objects["a.jpg!small"]
    assert (await worker.get("/a.jpg!small")).content.endswith(b"PIC a"), "its absence shows at once"


async def test_an_error_that_is_answered_is_not_remembered_longer_than_it_says():
    worker = Worker()
    missing = await worker.get("/new.jpg!small")
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "public, max-age=10")
    worker.origin.objects["new.jpg!small"] = b"PIC own"
    assert (await worker.get("/new.jpg!small")).content == b"PIC own"


async def test_every_status_of_a_style_that_negotiates_varies():
    worker = Worker()
    made = await worker.get("/a.jpg!auto", accept="image/webp,*/*")
    assert (made.headers["content-type"], made.headers["vary"]) == ("image/webp", "Accept")
    assert (await worker.get("/gone.jpg!auto")).headers["vary"] == "Accept"
    worker.origin.error = OriginTimeout()
    failed = await worker.get("/other.jpg!auto")
    assert (failed.status_code, failed.headers["vary"]) == (504, "Accept")
    worker.origin.error = None
    worker.origin.objects["lit.jpg!auto"] = b"own"
    assert "vary" not in (await worker.get("/lit.jpg!auto")).headers


async def test_ignore_error_of_a_style_holds_for_what_follows():
    worker = Worker()
    answer = await worker.get("/t.txt!safe")
    assert (answer.status_code, answer.content) == (200, b"text")
    assert (await worker.get("/a.jpg!safe?imageMogr2/rotate/400")).status_code == 400, (
        "an object of that key would not be spared"
    )


@pytest.mark.parametrize("separator", list("-_/!"))
async def test_any_of_four_separators_may_be_set(separator: str):
    worker = Worker(separators=separator)
    assert (await worker.get(f"/a.jpg{separator}small")).status_code == 200
    other = next(each for each in "-_!" if each != separator)
    assert (await worker.get(f"/a.jpg{other}small")).status_code == 404
    assert (await worker.get("/a.jpg?small")).status_code == 200


async def test_a_style_does_not_open_what_is_hidden():
    worker = Worker(persist_prefix=".mogr/")
    worker.origin.objects[".mogr"] = worker.origin.objects[".mogr/x"] = b"PIC secret"
    for target in ("/.mogr/x!small", "/.mogr!small", "/.mogr/x?small"):
        assert (await worker.get(target)).status_code == 404


async def test_styles_go_with_automatic_formats():
    worker = Worker(auto_format=True)
    answer = await worker.get("/a.jpg!small", accept="image/webp,*/*")
    assert (answer.headers["content-type"], answer.headers["vary"]) == ("image/webp", "Accept")
    original = await worker.get("/a.jpg?ci-process=originImage", accept="image/webp,*/*")
    assert (original.content, original.headers["content-type"]) == (b"PIC a", "image/fake")


@pytest.mark.parametrize(("target", "status", "code"), [
    ("/a.jpg?ci-process=AISuperResolution", 501, "NotImplemented"),
    ("/a.jpg?ci-process=NoSuch", 400, "InvalidArgument"),
    ("/a.jpg?ci-process=ImageInspect&imageMogr2/strip", 400, "InvalidArgument"),
    ("/gone.jpg?ci-process=originImage", 404, "NoSuchKey"),
])  # fmt: skip
async def test_processes_of_ci_that_answer_no_picture(target: str, status: int, code: str):
    answer = await Worker().get(target)
    assert answer.status_code == status
    assert f"<Code>{code}</Code>" in answer.text
