"""What a bucket passes through, answered below the application: as the application would, byte for byte, as long as it would."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from caching import ScriptedAnswer
from hypothesis import given
from hypothesis import strategies as st
from two_ways import Worker

from proxy.core.fields.dates import format_date
from proxy.ports import ForwardRequest

NOW = 1_800_000_000.25
MODIFIED = format_date(NOW - 86_400)
FRESH = {"cache_control": "max-age=60", "etag": '"one"', "last_modified": MODIFIED, "content_type": "text/css"}


class Site:
    """An origin that says the same to everybody but for what of the request it is told to repeat; counts."""

    def __init__(
        self, body: bytes = b"body { color: red }", repeats: Sequence[bytes] = (), status: int = 200, **told: Any
    ) -> None:
        self.body, self.repeats, self.status, self.told = body, repeats, status, told or dict(FRESH)
        self.requests: list[ForwardRequest] = []

    async def forward(self, request: ForwardRequest) -> ScriptedAnswer:
        self.requests.append(request)
        body = self.body + b"".join(b";%b=%b" % line for line in request.lines if line[0] in self.repeats)
        return ScriptedAnswer(self.status, body, **self.told)

    async def aclose(self) -> None: ...


def worker(site: Site | None = None, cors: Sequence[dict[str, Any]] = (), **server: Any) -> Worker:
    return Worker(
        server=server, origin=site or Site(), store="http://origin.example/", pass_through=True, default=True, cors=cors
    )


async def test_the_third_request_is_answered_at_once() -> None:
    w = worker()
    assert [await w.is_ready("/a.css") for _ in range(3)] == [False, False, True]
    assert {kind for kind, _, _ in w.meter.answers} == {"object"}
    assert w.meter.hits == ["memory"] * 5
    assert len(w.origin.requests) == 1


PLAIN: list[dict[str, Any]] = [
    {},
    {"method": "HEAD"},
    {"version": "1.0"},
    {"connection": "close"},
    {"cookie": "who=me", "user_agent": "x", "referer": "http://y/", "x_forwarded_for": "1.2.3.4", "priority": "u=1"},
    {"pragma": "no-cache", "te": "trailers", "upgrade_insecure_requests": "1"},
    {"accept_encoding": "gzip, br", "accept_language": "de"},
    {"if_none_match": '"one"'},
    {"if_none_match": 'W/"one"', "if_modified_since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"if_none_match": '"one"', "method": "HEAD"},
    {"if_modified_since": MODIFIED},
    {"range": "bytes=1-2"},
    {"range": "bytes=-2", "cookie": "who=me"},
    {"range": "bytes=1-", "if_none_match": '"one"'},
    {"range": "bytes=1-", "method": "HEAD"},
    {"range": "bytes=0-0,2-2"},
    {"x_forwarded_proto": "https", "x_forwarded_host": "evil.example"},
    {"X_Forwarded-For": "1.2.3.4", "X-Forwarded-Client-Cert": "x"},
]  # fmt: skip
"""Requests that are answered at once."""

OTHERS: list[dict[str, Any]] = [
    {"if_none_match": '"two"'},
    {"if_none_match": '"two", "one"'},
    {"if_none_match": "*"},
    {"if_none_match": "one"},
    {"if_none_match": ""},
    {"if_modified_since": format_date(NOW)},
    {"if_modified_since": "nonsense"},
    {"range": "bytes=900000-"},
    {"range": "bytes=1-2", "if_range": '"one"'},
    {"range": "bytes=1-2", "cache_control": "no-cache"},
    {"cache_control": "no-cache"},
    {"cache_control": "max-age=0"},
    {"cache_control": "only-if-cached"},
    {"Cache-Control": "no-store"},
    {"via": "1.1 proxy"},
    {"via": "1.1 mogr"},
    {"authorization": "Basic x"},
    {"x_original_url": "/admin"},
    {"X_Rewrite_URL": "/admin"},
    {"x_forwarded_port": "444"},
    {"X_Original_URL": "/admin"},
    {"X_Forwarded_Port": "444"},
    {"forwarded": "host=evil.example"},
    {"content_length": "0"},
    {"method": "OPTIONS"},
    {"method": "PURGE"},
]  # fmt: skip
"""Requests that are not, though the URL is ready."""


@pytest.mark.parametrize("asked", [*PLAIN, *OTHERS], ids=str)
async def test_every_request_gets_the_same_answer_ready_or_not(asked: dict[str, Any]) -> None:
    w = worker()
    await w.warm("/a.css?v=1")
    w.clock.advance(3.5)
    before = w.meter.at_once
    await w.both("/a.css?v=1", **asked)
    assert (w.meter.at_once == before + 1) is (asked in PLAIN)


_FIELDS = {
    "accept": ["text/html", "image/webp,*/*"], "accept-encoding": ["gzip", "br", "GZIP"], "accept-language": ["de", "en"],
    "origin": ["http://a.example", "http://A.example"], "cookie": ["a=1", "b=2"], "cache-control": ["no-cache", "max-age=1", "max-stale"],
    "via": ["1.1 x", "1.1 mogr"], "x-forwarded-host": ["a.example", "h"], "x-forwarded-proto": ["https", "http"],
    "X_Forwarded_Proto": ["https"], "x-forwarded-prefix": ["/x"], "forwarded": ["proto=https", "for=1.2.3.4"],
    "x-original-url": ["/admin"], "x-http-method-override": ["PUT"], "if-none-match": ['"one"', '"two"'],
    "if-modified-since": [MODIFIED, format_date(NOW)], "range": ["bytes=1-2", "bytes=-1", "bytes=9000-"], "if-range": ['"one"', '"two"'], "user-agent": ["x"], "referer": ["y"],
    "save-data": ["on", "ON"], "authorization": ["Basic x"], "host": ["h", "H", "i"], "connection": ["close"],
}  # fmt: skip
_ASKED = st.dictionaries(st.sampled_from(sorted(_FIELDS)), st.integers(0, 2), max_size=4).map(
    lambda picked: {name: _FIELDS[name][n % len(_FIELDS[name])] for name, n in picked.items()}
)


_VARY = ["", "Accept", "Accept-Encoding, Origin", "Cookie", "X-Forwarded-Proto", "User-Agent", "Save-Data", "Via"]


@pytest.mark.parametrize("trusted", [[], ["192.0.2.0/24"]], ids=["nobody", "the peer"])
@given(
    vary=st.sampled_from(_VARY),
    steps=st.lists(st.tuples(st.floats(0, 2), st.sampled_from(["GET", "HEAD"]), _ASKED), min_size=4, max_size=24),
)
async def test_whatever_is_asked_in_whatever_order_both_ways_say_the_same(
    trusted: list[str], vary: str, steps: list[tuple[float, str, dict[str, str]]]
) -> None:
    told = {**FRESH, "cache_control": "max-age=9", **({"vary": vary} if vary else {})}
    names = [name.strip().lower().encode() for name in vary.split(",") if vary]
    w = worker(
        Site(repeats=[*names, b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-prefix"], **told),
        trusted_proxies=trusted,
    )
    for seconds, method, fields in steps:
        w.clock.advance(seconds)
        await w.both("/a", method, settled=False, **fields)


@pytest.mark.parametrize(
    "told",
    [
        {"cache_control": "max-age=60", "vary": "Cookie"},
        {"cache_control": "max-age=60", "vary": "User-Agent"},
        {"cache_control": "max-age=60", "vary": "X-Own"},
        {"cache_control": "no-cache", "etag": '"one"'},
        {"cache_control": "private, max-age=60"},
        {"last_modified": format_date(NOW - 864_000)},
    ],
    ids=str,
)
async def test_what_depends_on_more_is_asked_for_each_time(told: dict[str, str]) -> None:
    w = worker(Site(**told))
    assert [await w.is_ready("/a") for _ in range(4)] == [False] * 4


@pytest.mark.parametrize(
    "told",
    [
        {"cache_control": "max-age=60"},
        {"cache_control": "max-age=60", "etag": "bare", "last_modified": "nonsense"},
        {"cache_control": "max-age=60", "etag": 'W/"one"'},
        {"cdn_cache_control": "max-age=60", "cache_control": "no-store"},
        {"cache_control": "max-age=60", "x_cos_request_id": "NWQ1", "cache_status": "mogr; hit; ttl=60; detail=memory"},
        {"expires": format_date(NOW + 60)},
        {"cache_control": "max-age=60", "age": "20", "set_cookie": ["a=1", "b=2"], "date": format_date(NOW)},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "asked", [{}, {"if_none_match": "bare"}, {"if_none_match": 'W/"one"'}, {"if_modified_since": "nonsense"}]
)
async def test_whatever_an_origin_says_comes_out_alike(told: dict[str, Any], asked: dict[str, Any]) -> None:
    w, own_id = worker(Site(**told)), "x_cos_request_id" in told
    for seconds in (0, 0, 0.5, 3, 7.25, 30, 30):
        for fields in ({}, asked):
            await w.both("/a", settled=False, own_id=own_id, **fields)
        w.clock.advance(seconds)
    assert w.meter.at_once >= 4


async def test_rules_for_pages_take_the_place_of_what_the_origin_says_of_them() -> None:
    told = {**FRESH, "access_control_allow_origin": "https://evil.example"}
    w = worker(Site(**told), [{"origins": ["https://a.example"]}])
    for name in ("a", "b", "evil"):
        answer = await w.warm("/a", origin=f"https://{name}.example")
        assert (b"access-control-allow-origin: https://a.example\r\n" in answer) is (name == "a")
        assert b"evil" not in answer


async def test_after_an_unsafe_request_it_is_asked_for_again() -> None:
    w = worker()
    await w.warm("/a")
    before = len(w.origin.requests)
    await w.the_long_way.ask(b"POST /a HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n")
    assert not await w.is_ready("/a")
    assert len(w.origin.requests) == before + 2


async def test_after_a_purge_too() -> None:
    w = worker()
    await w.warm("/a")
    before = len(w.origin.requests)
    await w.purge(source="a")
    w.clock.advance(1)
    assert not await w.is_ready("/a")
    assert len(w.origin.requests) == before + 1


async def test_it_is_answered_at_once_as_long_as_it_is_fresh() -> None:
    w = worker()
    await w.warm("/a")
    w.clock.advance(59.5)
    assert await w.is_ready("/a")
    w.clock.advance(0.5)
    assert not await w.is_ready("/a")


async def test_what_a_stranger_says_of_the_url_picks_nothing_and_what_a_proxy_says_does() -> None:
    w = worker(Site(repeats=[b"x-forwarded-proto"]), trusted_proxies=["192.0.2.0/24"])
    w.at_once.peer = w.the_long_way.peer = "198.51.100.1"
    assert b"x-forwarded-proto=http\r" not in await w.warm("/a", x_forwarded_proto="https")
    for client in (w.at_once, w.the_long_way):
        client.peer = "192.0.2.1"
        client.connect()
    assert (await w.warm("/a", x_forwarded_proto="https")).endswith(b";x-forwarded-proto=https")
    assert (await w.warm("/a", x_forwarded_proto="http")).endswith(b";x-forwarded-proto=http")


async def test_the_access_log_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    w = worker(access_log="json")
    await w.warm("/a", user_agent="x")
    w.clock.advance(2)
    await w.both("/a", user_agent="x")
    await w.application.aclose(1)
    rows = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    same = [{k: v for k, v in row.items() if k not in ("id", "seconds", "time_s")} for row in rows[-2:]]
    assert same[0] == same[1]
    assert "ttl=57" in str(same[0])
