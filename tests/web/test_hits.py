"""Hits below the application say what the application would say, byte for byte, and as long as it would.

Every request goes to two connections of one web worker, of which one answers what is ready and the other knows nothing of
that.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from two_ways import Worker

from proxy.connections.plain_heads import FOR_THE_SERVER, INDIFFERENT, PICKING
from proxy.web.request import READ

WEBP = "/a.jpg?imageMogr2/thumbnail/100x/format/webp"
AUTO = "/a.jpg?imageMogr2/thumbnail/100x/format/auto"
CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
TAG = '"0123456789abcdef"'
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
"""That of everything in FakeOrigin."""


def etag_of(answer: bytes) -> str:
    found = re.search(rb'\r\nETag: ("[0-9a-f]+")', answer)
    assert found is not None
    return found[1].decode()


async def test_the_second_request_is_answered_at_once():
    worker = Worker()
    assert [await worker.is_ready(WEBP) for _ in range(3)] == [False, True, True]
    assert worker.meter.answers == [("rendition", 200, worker.meter.answers[0][2])] * 6
    assert worker.meter.hits == ["memory"] * 5


PLAIN: list[dict[str, Any]] = [
    {},
    {"method": "HEAD"},
    {"version": "1.0"},
    {"connection": "close"},
    {"connection": "Keep-Alive", "cookie": "a=b", "user_agent": "x", "referer": "http://y/", "x_forwarded_for": "1.2.3.4"},
    {"cache_control": "no-cache", "pragma": "no-cache"},
    {"method": "HEAD", "connection": "close"},
    {"if_none_match": "ETAG"},
    {"if_none_match": "W/ETAG"},
    {"if_none_match": "ETAG", "if_modified_since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"if_none_match": "ETAG", "method": "HEAD"},
    {"if_none_match": "ETAG", "version": "1.0"},
    {"if_modified_since": DATE},
    {"range": "bytes=0-3"},
    {"range": "BYTES=-4", "if_none_match": "ETAG"},
    {"range": "bytes=2-900000"},
    {"range": "bytes=-900000"},
    {"range": "bytes=3-", "method": "HEAD"},
    {"range": "bytes=3-3", "version": "1.0"},
    {"range": "bytes=0-1, 3-4"},
    {"range": "items=0-1"},
    {"range": "bytes=4-3", "connection": "close"},
]  # fmt: skip
"""Requests that are answered at once."""

OTHERS: list[dict[str, Any]] = [
    {"if_none_match": TAG},
    {"if_none_match": f"{TAG}, ETAG"},
    {"if_none_match": "*"},
    {"if_none_match": "etag"},
    {"if_modified_since": "Tue, 14 Nov 2023 22:13:21 GMT"},
    {"if_modified_since": "Tue, 14 Nov 2023 22:13:19 GMT"},
    {"if_modified_since": "nonsense"},
    {"if_match": TAG},
    {"if_unmodified_since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"range": "bytes=0-3", "if_none_match": TAG},
    {"range": "bytes=0-3", "if_range": TAG},
    {"range": "bytes=900000-"},
    {"range": "bytes=-0"},
    {"authorization": "Basic x"},
    {"authorization": "q-sign-algorithm=sha1&q-ak=x", "if_none_match": "ETAG"},
    {"connection": "upgrade", "upgrade": "h2c"},
    {"connection": "close, x"},
    {"proxy_connection": "close"},
    {"content_length": "0"},
    {"expect": "100-continue"},
    {"host": "H:80"},
    {"method": "POST", "content_length": "0"},
    {"method": "DELETE"},
    {"x": "\xe4".encode("latin-1")},
    {"x": b"\t"},
    {"x": b"\x01"},
    {"b c": "d"},
    {"host": "a b"},
]  # fmt: skip
"""Requests that are not, though the URL is ready."""


@pytest.mark.parametrize("target", [WEBP, AUTO, "/a.jpg?imageSlim"])
@pytest.mark.parametrize("asked", [*PLAIN, *OTHERS], ids=str)
async def test_every_request_gets_the_same_answer_ready_or_not(target: str, asked: dict[str, Any]) -> None:
    worker = Worker()
    tag = etag_of(await worker.warm(target, accept=CHROME))
    worker.clock.advance(3.5)
    asked = {"accept": CHROME, **asked}
    if "if_none_match" in asked:
        asked["if_none_match"] = asked["if_none_match"].replace("ETAG", tag).replace("etag", tag.upper())
    before = worker.meter.at_once
    await worker.both(target, **asked)
    assert worker.meter.at_once == before + ({**asked} in [{"accept": CHROME, **each} for each in expected(tag)])


def expected(tag: str) -> list[dict[str, Any]]:
    return [
        {name: value.replace("ETAG", tag) if isinstance(value, str) else value for name, value in each.items()}
        for each in PLAIN
    ]


@given(steps=st.lists(st.tuples(st.floats(0, 3), st.sampled_from([WEBP, AUTO])), min_size=4, max_size=40))
async def test_age_date_and_lifetime_are_those_of_the_moment(steps: list[tuple[float, str]]) -> None:
    worker = Worker(ttl_s=9)
    for seconds, target in steps:
        worker.clock.advance(seconds)
        await worker.both(target, settled=False, accept=CHROME)


async def test_a_clock_that_is_set_back_is_followed():
    worker = Worker()
    worker.clock.advance(5)
    await worker.warm(WEBP)
    for seconds in (1.5, -0.9, -1.0, -20, -0.5, 30):
        worker.clock.advance(seconds)
        await worker.both(WEBP)


async def test_a_report_is_answered_at_once_too():
    worker = Worker()
    assert b"application/json" in await worker.warm("/a.jpg?imageInfo&x=1")


async def test_each_kind_of_client_gets_its_own():
    worker = Worker()
    answers = {accept: await worker.warm(AUTO, accept=accept) for accept in (CHROME, "image/webp", "*/*")}
    assert [name for name in (b"avif", b"webp", b"jpeg") for answer in answers.values() if b"image/" + name in answer] \
        == [b"avif", b"webp", b"jpeg"]  # fmt: skip
    for accept, answer in answers.items():
        assert await worker.both(AUTO, accept=accept) == answer
        assert await worker.both(AUTO, accept=accept.upper()) == answer
    assert not await worker.is_ready(AUTO), "nobody was answered who says nothing"
    assert b"image/jpeg" in await worker.warm(AUTO)


@pytest.mark.parametrize("peer", ["192.0.2.1", "198.51.100.1"], ids=["a proxy", "a stranger"])
@given(
    asked=st.lists(
        st.tuples(
            st.sampled_from([CHROME, "image/webp", "*/*"]), st.sampled_from([None, "avif", "webp", "none", "AVIF", ""])
        ),
        min_size=3,
    )
)
async def test_what_a_proxy_says_of_the_client_picks_its_answer(peer: str, asked: list[tuple[str, str | None]]) -> None:
    worker = Worker(server={"trusted_proxies": ["192.0.2.0/24"]})
    worker.at_once.peer = worker.the_long_way.peer = peer
    for accept, told in asked:
        answer = await worker.both(
            AUTO, settled=False, accept=accept, **({} if told is None else {"x_img_accept": told})
        )
        by = accept if told is None or peer != "192.0.2.1" else told.lower()
        assert (b"image/avif" in answer, b"image/webp" in answer) == ("avif" in by, "avif" not in by and "webp" in by)
        assert b"\r\nVary: Accept\r\n" in answer


async def test_a_class_of_clients_is_answered_at_once() -> None:
    worker = Worker(server={"trusted_proxies": ["192.0.2.0/24"]})
    for told in ("avif", "webp", "none"):
        await worker.warm(AUTO, x_img_accept=told)
    worker.at_once.peer = worker.the_long_way.peer = "198.51.100.1"
    for client in (worker.at_once, worker.the_long_way):
        client.connect()
    assert b"image/jpeg" in await worker.both(AUTO, x_img_accept="avif", settled=False)


async def test_what_a_device_says_of_itself_picks_the_answer():
    worker = Worker(client_hints=True)
    target = "/a.jpg?imageMogr2/thumbnail/100x/dpr/auto/format/webp"
    one, two = [await worker.warm(target, sec_ch_dpr=dpr) for dpr in ("1", "2")]
    assert one != two
    assert await worker.both(target, sec_ch_dpr="2") == two
    assert b"\r\naccept-ch: Sec-CH-DPR" in one


async def test_a_style_is_answered_at_once_while_it_is_known_to_be_one():
    worker = Worker(styles={"small": "imageMogr2/thumbnail/!50p"}, style_separators="!", ttl_s=30)
    await worker.warm("/a.jpg!small")
    worker.origin.objects["a.jpg!small"] = b"PIC literal"
    assert await worker.is_ready("/a.jpg!small")
    worker.clock.advance(31)
    for _ in range(3):
        answer = await worker.both("/a.jpg!small", settled=False)
    assert b"literal" in answer


MARK = "/a.jpg?watermark/1/image/aHR0cDovL2ItMS5jb3MueC5teXFjbG91ZC5jb20vYi5qcGc="
"""Of http://b-1.cos.x.myqcloud.com/b.jpg."""


@pytest.mark.parametrize("target", [WEBP, AUTO, MARK])
@pytest.mark.parametrize(
    "change",
    [
        lambda w: w.purge(source="a.jpg"),
        lambda w: w.purge(prefix="a"),
        lambda w: w.purge(tag="b-1"),
        lambda w: w.purge(prefix="", refresh=True),
        lambda w: w.purge(source="another"),
    ],
)
async def test_after_a_purge_nothing_is_answered_at_once(target: str, change: Any) -> None:
    worker = Worker()
    await worker.warm(target)
    await change(worker)
    worker.clock.advance(1)
    assert not await worker.is_ready(target)
    await worker.warm(target)


async def test_a_mark_that_is_purged_takes_the_picture_with_it():
    worker = Worker()
    await worker.warm(MARK)
    worker.origin.objects["b.jpg"] = b"PIC new mark"
    await worker.purge(source="b.jpg")
    worker.clock.advance(1)
    assert b"new mark" in await worker.both(MARK, settled=False)


async def test_a_picture_is_answered_at_once_as_long_as_it_is_fresh():
    worker = Worker(ttl_s=10)
    await worker.warm(WEBP)
    worker.origin.objects["a.jpg"] = b"PIC changed"
    worker.clock.advance(9)
    assert await worker.is_ready(WEBP)
    worker.clock.advance(1.5)
    assert b"changed" in await worker.both(WEBP, settled=False)


async def test_a_stale_answer_that_is_being_asked_about_is_not_made_ready():
    worker = Worker()
    worker.origin.headers = {"cache-control": "max-age=5, stale-while-revalidate=60"}
    worker.origin.gate = asyncio.Event()
    worker.origin.gate.set()
    await worker.warm(WEBP)
    worker.origin.gate.clear()
    worker.clock.advance(6)
    assert [await worker.is_ready(WEBP) for _ in range(4)] == [False] * 4
    worker.origin.gate.set()


async def test_a_picture_that_memory_gave_up_is_not_kept_by_what_was_ready():
    worker = Worker()
    await worker.warm(WEBP)
    for width in range(200):  # of a fake picture, whose bytes are its recipe
        await worker.both(f"/a.jpg?imageMogr2/thumbnail/{width + 200}x/format/webp&{'x' * 1500}", settled=False)
    worker.origin.objects["a.jpg"] = b"PIC " + b"x" * 3_000_000
    worker.clock.advance(61)
    for width in range(8):
        await worker.both(f"/a.jpg?imageMogr2/thumbnail/{width + 200}x/format/webp", settled=False)
    worker.clock.advance(-61)
    assert not await worker.is_ready(WEBP)


NEVER: list[dict[str, Any]] = [
    {"blocked": ["a.jpg"]},
    {"public": "private"},
    {"styles_only": True, "styles": {"small": "imageMogr2/thumbnail/!50p"}, "style_separators": "!"},
    {"referers": {"allow": ["example.com"], "empty": True}},
    {"rate": {"requests_per_s": 1_000_000, "burst": 1_000_000}},
    {"cors": [{"origins": ["*"], "methods": ["GET"]}]},  # and not HEAD
    {"url_signature": {"type": "A", "key": "abcdef123456", "ttl_s": 1800}},
]


@pytest.mark.parametrize("rules", NEVER, ids=lambda rules: next(iter(rules)))
async def test_a_bucket_that_asks_who_may_have_an_answer_is_asked_each_time(rules: dict[str, Any]) -> None:
    worker, target = Worker(**rules), "/a.jpg!small" if "styles" in rules else WEBP
    assert [await worker.is_ready(target) for _ in range(5)] == [False] * 5


PAGES: list[list[dict[str, Any]]] = [
    [{"origins": ["*"], "expose": ["ETag"]}],
    [{"origins": ["https://a.example", "https://*.b.example"], "credentials": True}, {"origins": ["*"]}],
    [{"origins": ["https://a.example"], "methods": ["PUT"]}],
    [{"origins": ["https://a.example"], "methods": ["GET"]}, {"origins": ["*"], "methods": ["HEAD"]}],
]


@pytest.mark.parametrize("rules", PAGES, ids=str)
@given(
    asked=st.lists(
        st.tuples(
            st.sampled_from(["GET", "HEAD", "OPTIONS"]),
            st.sampled_from(
                ["https://a.example", "https://A.example", "https://x.b.example", "https://evil.example", "null", None]
            ),
            st.sampled_from([{}, {"if_modified_since": DATE}, {"access_control_request_method": "GET"}]),
        ),
        min_size=4,
    )
)
async def test_pages_of_other_origins_are_told_the_same_at_once(
    rules: list[dict[str, Any]], asked: list[tuple[str, str | None, dict[str, str]]]
) -> None:
    worker = Worker(cors=rules)
    for method, origin, fields in asked:
        await worker.both(WEBP, method, settled=False, **({"origin": origin} if origin else {}), **fields)


@pytest.mark.parametrize("rules", PAGES[:3], ids=str)
async def test_a_bucket_that_pages_may_read_is_answered_at_once(rules: list[dict[str, Any]]) -> None:
    worker = Worker(cors=rules)
    answers = [await worker.warm(WEBP, origin=f"https://{name}.example") for name in ("a", "x.b")]
    assert (answers[0] == answers[1]) is (len(rules) == 1)


async def test_a_default_image_is_never_ready_for_what_it_stands_in_for():
    worker = Worker(default_image={"key": "b.jpg", "as_200": True})
    missing = "/missing.jpg?imageMogr2/thumbnail/100x/format/webp"
    answers = [await worker.both(missing, settled=False) for _ in range(5)]
    assert b"PIC two" in answers[-1]
    assert worker.meter.at_once == 0
    worker.origin.objects["missing.jpg"] = b"PIC found"
    worker.clock.advance(61)
    assert b"PIC found" in await worker.warm(missing)


async def test_the_access_log_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    worker = Worker(server={"access_log": "json", "trusted_proxies": ["127.0.0.0/8"]})
    fields = {"user_agent": "Mozilla/5.0 (X)", "referer": "http://E.example/?q", "x_forwarded_for": "192.0.2.7"}
    secret = WEBP + "&sign=abc"
    await worker.warm(secret, **fields)
    await worker.application.aclose(1)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    same = [{k: v for k, v in line.items() if k not in ("id", "seconds", "time_s")} for line in lines[-2:]]
    assert same[0] == same[1]
    assert (same[0]["user_agent"], same[0]["referer"]) == ("Mozilla/5.0 (X)", "http://E.example/?q")
    assert len({line["id"] for line in lines}) == len(lines)


def test_every_field_that_the_edge_reads_is_known_below_it():
    """Who adds one there has to say here what it is to a hit that is answered without the edge."""
    known = FOR_THE_SERVER | PICKING | INDIFFERENT
    assert known >= READ


async def test_a_picture_of_average_quality_is_not_ready_before_its_own_is_known():
    worker = Worker()
    target = "/a.jpg?imageMogr2/thumbnail/100x/format/webp/quality/auto"
    for _ in range(6):
        before = worker.meter.at_once
        answer = await worker.both(target, settled=False)
        assert worker.meter.at_once == before or b"detail=interim" not in answer
        await asyncio.sleep(0)
