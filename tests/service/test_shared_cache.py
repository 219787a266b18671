"""The shared HTTP cache over an origin that follows a script: who is asked, when, with what, and what is sent."""

from __future__ import annotations

import asyncio

import pytest
from caching import Caching, ScriptedAnswer, date, read, settle
from fakes import DictCache, LateDisk

from proxy.core.http_cache.ending import Ending
from proxy.errors import InvalidRange, NotInCache, OriginTimeout, OriginUnavailable, RequestTooSlow
from proxy.service.epochs import LocalEpochs

FRESH = {"cache_control": "max-age=10"}
A = ScriptedAnswer


async def test_what_is_fresh_is_not_asked_for_again() -> None:
    c = Caching(A(x="1", **FRESH))
    first = await c.get()
    assert (first.body, first.cache) == (b"body", "mogr; fwd=uri-miss; stored")
    c.clock.advance(9)
    again = await c.get()
    assert (again.status, again.body, again.cache) == (200, b"body", "mogr; hit; ttl=1; detail=memory")
    assert (again.fields["x"], again.fields["age"], again.fields["date"]) == ("1", "9", date())
    assert (len(c.origin.requests), c.meter.hits, c.meter.misses) == (1, ["memory"], 1)


async def test_a_hit_needs_no_waiting() -> None:
    c = Caching(A(**FRESH))
    assert c.cache.hit(c.ask()) is None
    await c.get()
    hit = c.cache.hit(c.ask())
    assert hit is not None
    assert (hit.status, hit.body, hit.size_bytes) == (200, b"body", 4)
    head = c.cache.hit(c.ask(method="HEAD"))
    assert head is not None
    assert head.size_bytes == 4


@pytest.mark.parametrize(
    "answer",
    [
        A(),
        A(cache_control="no-store"),
        A(cache_control="max-age=10, private"),
        A(vary="*", **FRESH),
        A(body=b"x" * 1001, **FRESH),
        A(body=b"x" * 1001, declared=False, **FRESH),
        A(ending=Ending.DOUBTFUL, **FRESH),
        A(status=206, content_range="bytes 0-3/9", **FRESH),
        A(status=429, **FRESH),
        A(x="y" * 40_000, **FRESH),
    ],
)
async def test_what_may_not_be_kept_is_passed_on_every_time(answer: ScriptedAnswer) -> None:
    c = Caching(answer, answer, disk=DictCache())
    for _ in range(2):
        got = await c.get()
        assert got.status == answer.status
        assert got.body == b"".join([chunk async for chunk in answer])
        assert "hit" not in got.cache
    assert len(c.origin.requests) == 2
    assert c.disk is not None
    assert c.disk.entries == {}
    assert answer.closed >= 2


async def test_a_body_that_breaks_off_is_an_error_and_is_not_kept() -> None:
    c = Caching(A(error=OriginUnavailable("cut"), **FRESH), A(**FRESH), disk=DictCache())
    with pytest.raises(OriginUnavailable):
        await c.get()
    assert (await c.get()).cache == "mogr; fwd=uri-miss; stored"
    assert len(c.origin.requests) == 2


async def test_what_is_kept_survives_a_restart_on_disk() -> None:
    disk = DictCache()
    first = Caching(A(x="1", etag='"e"', **FRESH), disk=disk)
    await first.get()
    second = Caching(disk=disk)
    got = await second.get()
    assert (got.body, got.fields["x"], got.cache) == (b"body", "1", "mogr; hit; ttl=10; detail=disk")
    assert (await second.get()).cache.endswith("detail=memory")


@pytest.mark.parametrize("lost", ["page", "body"])
async def test_half_of_an_entry_is_none(lost: str) -> None:
    disk = DictCache()
    await Caching(A(**FRESH), disk=disk).get()
    for key in [key for key in disk.entries if key.startswith("body:") is (lost == "body")]:
        del disk.entries[key]
    assert "fwd=" in (await Caching(A(**FRESH), disk=disk).get()).cache


async def test_a_foreign_record_is_a_miss() -> None:
    disk = DictCache()
    await Caching(A(**FRESH), disk=disk).get()
    for key, found in list(disk.entries.items()):
        found.meta["schema"] = 99  # type: ignore[index]
        disk.entries[key] = found
    assert "fwd=uri-miss" in (await Caching(A(**FRESH), disk=disk).get()).cache


async def test_a_stale_answer_is_validated_and_updated() -> None:
    c = Caching(
        A(etag='"e"', last_modified=date(-99), x="1", **FRESH),
        A(status=304, etag='"e"', x="2", cache_control="max-age=20"),
        disk=DictCache(),
    )
    await c.get(foo="1", if_none_match='"mine"')
    c.clock.advance(11)
    got = await c.get(foo="2", if_none_match='"mine"', range="bytes=0-1", if_range='"e"')
    sent = c.origin.fields()
    assert (sent[b"if-none-match"], sent[b"if-modified-since"], sent[b"foo"]) == (b'"e"', date(-99).encode(), b"2")
    assert {b"range", b"if-range"}.isdisjoint(sent)
    assert (got.status, got.body, got.fields["x"]) == (206, b"bo", "2")
    assert got.cache == "mogr; fwd=stale; fwd-status=304"
    c.clock.advance(19)
    assert (await c.get()).cache == "mogr; hit; ttl=1; detail=memory"
    assert (await Caching(disk=c.disk).get()).fields["x"] == "2"


async def test_a_client_with_the_current_version_gets_304_after_validation() -> None:
    c = Caching(A(etag='"e"', **FRESH), A(status=304), A(etag='"f"', **FRESH))
    await c.get()
    c.clock.advance(11)
    assert (await c.get(if_none_match='"e"')).status == 304
    c.clock.advance(11)
    # the origin has a new version, and it is the one the client has: it is kept all the same
    assert (await c.get(if_none_match='"f"')).status == 304
    assert (await c.get()).cache.startswith("mogr; hit")


async def test_a_304_about_another_version_is_not_believed() -> None:
    c = Caching(A(etag='"e"', **FRESH), A(status=304, etag='"other"'), A(body=b"new", etag='"other"', **FRESH))
    await c.get()
    c.clock.advance(11)
    assert (await c.get()).body == b"new"
    assert b"if-none-match" not in c.origin.fields()


async def test_a_304_may_forbid_what_was_allowed() -> None:
    c = Caching(A(etag='"e"', **FRESH), A(status=304, cache_control="private"), A(), disk=DictCache())
    await c.get()
    c.clock.advance(11)
    assert (await c.get()).body == b"body"
    await c.get()
    assert len(c.origin.requests) == 3
    assert b"if-none-match" not in c.origin.fields()


async def test_stale_while_revalidate_answers_at_once_and_asks_once() -> None:
    told = {"cache_control": "max-age=10, stale-while-revalidate=60", "etag": '"e"'}
    c = Caching(A(x="1", **told), A(body=b"new", x="2", **told))
    await c.get()
    c.clock.advance(20)
    c.origin.gate.clear()
    for _ in range(5):
        assert (await c.get()).cache == "mogr; hit; ttl=-10; detail=memory"
    assert len(c.origin.requests) == 2
    c.origin.gate.set()
    await settle()
    assert (await c.get()).body == b"new"


async def test_a_failed_refresh_leaves_the_origin_alone_for_a_while() -> None:
    told = {"cache_control": "max-age=10, stale-while-revalidate=600"}
    c = Caching(A(**told), OriginUnavailable(), OriginUnavailable(), A(body=b"new", **told))
    await c.get()
    c.clock.advance(20)
    for _ in range(3):
        assert (await c.get()).body == b"body"
    assert len(c.origin.requests) == 2
    c.clock.advance(6)
    await c.get()
    assert len(c.origin.requests) == 3


async def test_a_refresh_that_finds_what_may_not_be_kept_ends_what_is() -> None:
    c = Caching(A(cache_control="max-age=10, stale-while-revalidate=60"), A(status=404), A(status=404))
    await c.get()
    c.clock.advance(20)
    assert (await c.get()).status == 200
    assert (await c.get()).status == 404


@pytest.mark.parametrize("error", [OriginUnavailable(), OriginTimeout()])
async def test_a_stale_answer_stands_in_for_an_origin_that_is_gone(error: Exception) -> None:
    c = Caching(A(**FRESH), error, error)
    await c.get()
    c.clock.advance(11)
    got = await c.get()
    assert (got.status, got.body, got.cache) == (200, b"body", "mogr; fwd=stale; detail=stale-if-error")
    assert got.fields["age"] == "11"
    await c.get()
    assert len(c.origin.requests) == 2  # left alone for a while
    c.clock.advance(5)
    await c.get()
    assert len(c.origin.requests) == 3


@pytest.mark.parametrize("told", ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=10"])
async def test_unless_the_origin_forbade_it(told: str) -> None:
    c = Caching(A(cache_control=f"max-age=10, {told}", etag='"e"'), OriginUnavailable())
    await c.get()
    c.clock.advance(11)
    with pytest.raises(OriginUnavailable):
        await c.get()


async def test_stale_if_error_stands_in_for_an_error_which_is_not_kept() -> None:
    c = Caching(A(cache_control="max-age=10, stale-if-error=60"), A(status=503, **FRESH), A(status=503, **FRESH))
    await c.get()
    c.clock.advance(20)
    got = await c.get()
    assert (got.status, got.cache) == (200, "mogr; fwd=stale; fwd-status=503; detail=stale-if-error")
    assert c.origin.script[1].closed  # type: ignore[union-attr]
    c.clock.advance(60)
    assert (await c.get()).status == 503


async def test_without_it_the_error_is_the_answer() -> None:
    c = Caching(A(**FRESH), A(status=503, body=b"down"))
    await c.get()
    c.clock.advance(11)
    got = await c.get()
    assert (got.status, got.body) == (503, b"down")


async def test_variants_live_side_by_side() -> None:
    c = Caching(A(body=b"one", vary="Foo", **FRESH), A(body=b"two", vary="Foo", **FRESH), disk=DictCache())
    assert (await c.get(foo="1")).body == b"one"
    assert (await c.get(foo="2")).cache == "mogr; fwd=vary-miss; stored"
    assert [(await c.get(foo=f)).body for f in ("1", "2")] == [b"one", b"two"]
    restarted = Caching(disk=c.disk)
    assert [(await restarted.get(foo=f)).body for f in ("1", "2")] == [b"one", b"two"]


async def test_a_url_has_so_many_variants_and_no_more() -> None:
    c = Caching(*[A(vary="Foo", **FRESH) for _ in range(100)], disk=DictCache())
    for n in range(40):
        await c.get(foo=str(n))
    assert c.disk is not None
    assert len(c.disk.entries) == 17  # their bodies, and the page
    assert (await c.get(foo="39")).cache.startswith("mogr; hit")
    assert "fwd" in (await c.get(foo="0")).cache


async def test_what_another_host_was_told_is_not_sent() -> None:
    c = Caching(A(body=b"evil", **FRESH), A(body=b"good", **FRESH))
    await c.get(site="x-forwarded-host: evil")
    assert (await c.get(site="x-forwarded-host: good")).body == b"good"


@pytest.mark.parametrize(("method", "status", "gone"), [("POST", 200, True), ("X", 302, True), ("PUT", 500, False)])
async def test_an_unsafe_request_makes_urls_obsolete(method: str, status: int, gone: bool) -> None:
    changed = A(status=status, location="/b", content_location="/c")
    c = Caching(*[A(**FRESH) for _ in range(3)], changed, *[A(**FRESH) for _ in range(3)], disk=DictCache())
    for path in (b"/a", b"/b", b"/c"):
        await c.get(path)
    assert (await c.get(b"/a", method)).cache == "mogr; fwd=method"
    for path in (b"/a", b"/b", b"/c"):
        assert ("hit" not in (await Caching(A(), disk=c.disk).get(path)).cache) is gone  # another process
        assert (c.cache.hit(c.ask(path)) is None) is gone


async def test_an_answer_from_before_an_unsafe_request_is_not_kept() -> None:
    gate = asyncio.Event()
    c = Caching(A(body=b"old", gate=gate, **FRESH), A(), A(body=b"new", **FRESH), disk=DictCache())
    early = asyncio.create_task(c.get())
    await settle()
    await c.get(method="POST")
    gate.set()
    assert (await early).body == b"old"
    assert (await c.get()).body == b"new"


async def test_credentials_and_what_was_said_to_them_stay_apart() -> None:
    c = Caching(A(body=b"mine", **FRESH), A(body=b"all", **FRESH), A(body=b"mine", **FRESH))
    assert (await c.get(authorization="x")).body == b"mine"
    assert (await c.get()).body == b"all"
    assert (await c.get(authorization="x")).body == b"mine"
    assert (await c.get()).cache.startswith("mogr; hit")


async def test_only_if_cached_asks_nobody() -> None:
    c = Caching(A(**FRESH))
    with pytest.raises(NotInCache):
        await c.get(cache_control="only-if-cached")
    assert c.origin.requests == []
    await c.get()
    assert (await c.get(cache_control="only-if-cached")).status == 200


async def test_conditions_and_parts_are_answered_from_what_is_kept() -> None:
    c = Caching(A(body=b"0123456789", etag='"e"', **FRESH))
    await c.get()
    assert (await c.get(if_none_match='"e"')).status == 304
    part = await c.get(range="bytes=2-4")
    assert (part.status, part.body, part.fields["content-range"]) == (206, b"234", "bytes 2-4/10")
    with pytest.raises(InvalidRange):
        await c.get(range="bytes=10-")


async def test_on_a_miss_they_are_the_origins_to_judge() -> None:
    c = Caching(A(status=304, etag='"e"'), A(status=206, body=b"34", content_range="bytes 3-4/10", **FRESH), A(**FRESH))
    assert (await c.get(if_none_match='"e"')).status == 304
    assert (await c.get(range="bytes=3-4")).status == 206
    assert c.origin.fields()[b"range"] == b"bytes=3-4"
    assert "fwd=uri-miss" in (await c.get()).cache


async def test_an_origin_that_ignores_a_range_fills_the_cache() -> None:
    c = Caching(A(body=b"0123456789", **FRESH))
    got = await c.get(range="bytes=3-4")
    assert (got.status, got.body) == (206, b"34")
    assert (await c.get()).body == b"0123456789"


async def test_a_head_is_answered_from_a_get_and_otherwise_written_through() -> None:
    c = Caching(
        A(x="1", etag='"e"', **FRESH), A(body=b"body", x="2", etag='"e"', cache_control="max-age=30"), A(body=b"longer")
    )
    await c.get()
    assert (await c.get(method="HEAD")).cache.startswith("mogr; hit")
    c.clock.advance(11)
    head = await c.get(method="HEAD")
    assert (c.origin.requests[-1].method, head.fields["x"], head.fields["cache-control"]) == ("HEAD", "2", "max-age=30")
    assert (await c.get()).fields["x"] == "2"
    c.clock.advance(31)
    await c.get(method="HEAD")  # it has another length now: what we have is no more
    assert c.cache.hit(c.ask()) is None


async def test_a_head_alone_is_not_kept() -> None:
    c = Caching(A(**FRESH), A(**FRESH))
    await c.get(method="HEAD")
    assert "fwd=uri-miss" in (await c.get()).cache


async def test_set_cookie_is_kept_where_a_lifetime_is_given() -> None:
    c = Caching(A(set_cookie=["a=1", "b=2"], **FRESH), A(set_cookie="a=1", last_modified=date(-1000)), A())
    await c.get()
    hit = c.cache.hit(c.ask())
    assert hit is not None
    assert [value for name, value in hit.lines if name == b"set-cookie"] == [b"a=1", b"b=2"]
    await c.get(b"/guessed")
    assert c.cache.hit(c.ask(b"/guessed")) is None


async def test_the_one_who_asks_gets_also_what_is_not_kept_of_an_answer() -> None:
    c = Caching(A(a="1", b="2", cache_control='max-age=10, no-cache="a"'))
    assert (await c.get()).fields["a"] == "1"
    again = await c.get()
    assert ("a" in again.fields, again.fields["b"]) == (False, "2")


async def test_around_the_cache_nothing_is_kept_or_answered() -> None:
    c = Caching(A(**FRESH), A(**FRESH), A(**FRESH))
    assert (await c.get(around=True)).cache == "mogr; fwd=bypass"
    await c.get()
    assert (await c.get(around=True)).cache == "mogr; fwd=bypass"


async def test_errors_about_the_request_are_raised_whatever_is_kept() -> None:
    c = Caching(A(**FRESH), RequestTooSlow())
    await c.get()
    c.clock.advance(11)
    with pytest.raises(RequestTooSlow):
        await c.get()


async def test_another_process_learns_by_its_epoch_what_is_obsolete() -> None:
    """Two web workers with one disk, and epochs that both see."""
    disk, epochs = DictCache(), LocalEpochs()
    one, other = Caching(A(**FRESH), disk=disk, epochs=epochs), Caching(A(), A(**FRESH), disk=disk, epochs=epochs)
    await one.get()
    assert (await other.get()).cache.endswith("detail=disk")
    await other.get(method="DELETE")
    one.origin.script.append(A(body=b"new", **FRESH))
    assert (await one.get()).body == b"new"
    assert (await read(await other.cache.answer(other.ask()))).body == b"new"


async def test_what_another_process_was_told_since_is_not_asked_for_again() -> None:
    disk, epochs = DictCache(), LocalEpochs()
    old, confirming = A(etag='"e"', **FRESH), A(status=304, etag='"e"', x="confirmed", **FRESH)
    one, other = Caching(old, confirming, disk=disk, epochs=epochs), Caching(disk=disk, epochs=epochs)
    await one.get()
    assert (await other.get()).cache.endswith("detail=disk")
    for each in (one, other):
        each.clock.advance(11)
    assert (await one.get()).cache.endswith("fwd=stale; fwd-status=304")
    got = await other.get()
    assert (got.cache, got.fields["x"]) == ("mogr; hit; ttl=10; detail=disk", "confirmed")
    assert (await other.get()).cache == "mogr; hit; ttl=10; detail=memory"
    assert other.origin.requests == []


@pytest.mark.parametrize("told", [{"cache_control": "no-cache, max-age=10"}, {"cache_control": "max-age=0"}, {}])
async def test_what_is_asked_about_each_time_does_not_wait_for_the_disk(told: dict[str, str]) -> None:
    disk, same = LateDisk(), {"etag": '"e"', **told}
    c = Caching(A(**same), A(status=304, **same), disk=disk)
    await c.get()
    disk.gates = [asyncio.Event() for _ in range(3)]
    asking = asyncio.ensure_future(c.cache.answer(c.ask()))
    await settle()
    assert asking.done()
    assert asking.result().cache_status.format() == "mogr; fwd=stale; fwd-status=304"


async def test_variants_that_another_process_keeps_are_found() -> None:
    disk, epochs = DictCache(), LocalEpochs()
    told = {"vary": "foo", **FRESH}
    one, other = (
        Caching(A(body=b"1", **told), A(body=b"2", **told), disk=disk, epochs=epochs),
        Caching(A(body=b"3", **told), disk=disk, epochs=epochs),
    )
    await one.get(foo="1")
    await other.get(foo="1")
    await one.get(foo="2")
    assert (await other.get(foo="2")).body == b"2"
    assert (await other.get(foo="3")).body == b"3"
    for each in (one, other):
        assert [(await each.get(foo=foo)).body for foo in "123"] == [b"1", b"2", b"3"]
    assert (len(one.origin.requests), len(other.origin.requests)) == (2, 1)


async def test_what_only_memory_has_stays_there_whatever_the_disk_has() -> None:
    disk, told = DictCache(), {"vary": "foo", **FRESH}
    c = Caching(A(body=b"1", **told), A(body=b"2", **told), disk=disk)
    await c.get(foo="1")
    disk.entries.clear()
    await c.get(foo="2")
    disk.entries.clear()
    with pytest.raises(IndexError):  # the script is over
        await c.get(foo="3")
    assert [(await c.get(foo=foo)).body for foo in "12"] == [b"1", b"2"]


async def test_what_another_process_was_writing_does_not_outlive_an_unsafe_request() -> None:
    """Writes of one process are in order; one that had begun in another may end after the page was deleted."""
    disk, epochs = LateDisk(), LocalEpochs()
    one, other = Caching(A(body=b"old", **FRESH), disk=disk, epochs=epochs), Caching(A(), disk=disk, epochs=epochs)
    looked, writing = asyncio.Event(), asyncio.Event()
    looked.set()
    disk.gates = [looked, writing]
    await one.get()
    await other.get(method="DELETE")
    during = Caching(A(body=b"new", **FRESH), disk=disk, epochs=epochs)
    assert (await during.get()).body == b"new"
    writing.set()
    await settle()
    for _ in range(2):
        after = Caching(A(body=b"new", **FRESH), disk=disk, epochs=epochs)
        assert (await after.get()).body == b"new"


async def test_nobody_waits_for_what_was_asked_before_an_unsafe_request() -> None:
    gate = asyncio.Event()
    c = Caching(A(body=b"old", gate=gate, **FRESH), A(), A(body=b"new", **FRESH))
    before = await c.cache.answer(c.ask())
    await c.get(method="PUT")
    after = asyncio.ensure_future(c.get())
    await settle()
    gate.set()
    assert ((await read(before)).body, (await after).body) == (b"old", b"new")
    assert (await c.get()).body == b"new"


class TestInterimAnswers:
    """They are for the request that was sent, while it waits, and kept by nobody."""

    class Told(list[int]):
        def __call__(self, status: int, lines: object) -> None:
            self.append(status)

    async def test_one_of_a_crowd_gets_them(self) -> None:
        c, told = Caching(A(**FRESH)), [self.Told() for _ in range(3)]
        c.origin.gate.clear()
        waiting = [asyncio.ensure_future(c.cache.answer(c.ask(inform=each))) for each in told]
        await settle()
        c.origin.gate.set()
        assert [(await read(await each)).body for each in waiting] == [b"body"] * 3
        assert told == [[103], [], []]
        await c.get(inform=told[1])
        assert told == [[103], [], []]

    async def test_who_has_to_ask_for_itself_gets_its_own(self) -> None:
        c, told = Caching(A(), A()), [self.Told(), self.Told()]
        c.origin.gate.clear()
        waiting = [asyncio.ensure_future(c.cache.answer(c.ask(inform=each))) for each in told]
        await settle()
        c.origin.gate.set()
        for each in waiting:
            await read(await each)
        assert told == [[103], [103]]

    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
    async def test_every_forwarded_request_has_its_own(self, method: str) -> None:
        c, told = Caching(A()), self.Told()
        await c.get(method=method, inform=told)
        assert told == [103]

    async def test_a_question_whether_an_answer_still_holds_has_them_too(self) -> None:
        c, told = Caching(A(etag='"e"', cache_control="max-age=0"), A(status=304, etag='"e"')), self.Told()
        await c.get()
        assert (await c.get(inform=told)).status == 200
        assert told == [103]

    async def test_not_while_a_stale_answer_is_being_sent(self) -> None:
        c, told = Caching(A(etag='"e"', cache_control="max-age=1, stale-while-revalidate=9"), A()), self.Told()
        await c.get()
        c.clock.advance(2)
        assert (await c.get(inform=told)).status == 200
        assert len(c.origin.requests) == 2
        assert told == []
