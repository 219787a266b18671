"""How long answers live: RFC 9111 §4.2 read, and said again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.fields.cache_control import MAX_DELTA_S, ResponseDirectives
from proxy.core.fields.dates import format_date
from proxy.core.freshness import Said, age_for, cache_fields_for, error_cache_control, may_be_stale, response_freshness
from proxy.core.model import Freshness

_NOW_S = 1_795_000_000.0
_DEFAULT_S = 3600


def at(offset_s: int) -> str:
    return format_date(_NOW_S + offset_s)


def read(headers: dict[str, str], *, requested_at_s: float | None = None) -> Freshness:
    return response_freshness(headers, now_s=_NOW_S, default_ttl_s=_DEFAULT_S, requested_at_s=requested_at_s)


@pytest.mark.parametrize(
    ("headers", "left_s"),
    [
        ({}, _DEFAULT_S),
        ({"date": at(-7200)}, _DEFAULT_S),  # our own lifetime begins here
        ({"age": "9999"}, _DEFAULT_S),
        ({"cache-control": "public"}, _DEFAULT_S),
        ({"cache-control": "must-revalidate"}, _DEFAULT_S),
        ({"cache-control": "max-age=60"}, 60),
        ({"cache-control": "max-age=0"}, 0),
        ({"cache-control": "max-age=-1"}, 0),
        ({"cache-control": "max-age=99999999999"}, MAX_DELTA_S),
        ({"cache-control": "max-age=60, s-maxage=600"}, 600),
        ({"cache-control": "s-maxage=1, max-age=60"}, 1),
        ({"cache-control": "max-age=0, s-maxage=60", "expires": at(-10)}, 60),
        ({"cache-control": "max-age=60", "expires": at(-7200), "date": at(0)}, 60),
        ({"cache-control": "max-age=60", "expires": "0"}, 60),
        ({"cache-control": "max-age=0", "expires": at(3600)}, 0),
        ({"cache-control": "no-cache, max-age=60"}, 0),
        ({"cache-control": 'no-cache="set-cookie", max-age=60'}, 60),  # we forward no such field
        ({"expires": at(60), "date": at(0)}, 60),
        ({"expires": at(60)}, 60),
        ({"expires": at(10), "date": "foo"}, 10),
        ({"expires": at(0), "date": at(0)}, 0),
        ({"expires": at(-60), "date": at(0)}, 0),
        ({"expires": at(300), "date": at(400)}, 0),
        ({"expires": "0"}, 0),
        ({"expires": "-1"}, 0),
        ({"expires": f"{at(60)}, {at(61)}"}, 0),
        # ages
        ({"cache-control": "max-age=3600", "age": "7200"}, -3600),
        ({"cache-control": "max-age=3600", "date": at(-7200)}, -3600),
        ({"cache-control": "max-age=3600", "date": at(7200)}, 3600),  # the origin's clock is ahead
        ({"cache-control": "max-age=3600", "date": at(-100), "age": "50"}, 3500),
        ({"cache-control": "max-age=3600", "date": at(-50), "age": "100"}, 3500),
        ({"expires": at(10), "date": at(-10), "age": "25"}, -5),
        ({"expires": at(20), "date": at(10), "age": "15"}, -5),
        ({"cache-control": "max-age=3600", "age": "abc"}, 3600),
        ({"cache-control": "max-age=3600", "age": "-7200"}, 3600),
        ({"cache-control": "max-age=3600", "age": "7200.0"}, 3600),
        ({"cache-control": "max-age=3600", "age": "7200, 0"}, -3600),
        ({"cache-control": "max-age=3600", "age": "0, 7200"}, 3600),
        ({"cache-control": "max-age=3600", "age": "2147483649"}, 3600 - MAX_DELTA_S),
    ],
    ids=str,
)
def test_a_lifetime_is_read_and_the_age_taken_off(headers: dict[str, str], left_s: float) -> None:
    fresh = read(headers)
    assert fresh.storable
    assert fresh.lifetime_s - fresh.age_s(_NOW_S) == left_s
    assert fresh.is_fresh(_NOW_S) == (left_s > 0)


@pytest.mark.parametrize(
    "headers",
    [
        {"cache-control": "no-store"},
        {"cache-control": "max-age=60, No-Store"},
        {"cache-control": "private, max-age=60"},
        {"cache-control": 'private="set-cookie"'},
        {"cache-control": 'x="unfinished, private'},
        {"set-cookie": "a=b", "cache-control": "public, max-age=60"},
        {"vary": "*"},
        {"vary": "Accept, Cookie"},
        {"vary": "authorization"},
    ],
    ids=str,
)
def test_what_is_somebody_s_own_is_not_stored(headers: dict[str, str]) -> None:
    fresh = read(headers)
    assert not fresh.storable
    assert not fresh.is_fresh(_NOW_S)
    assert cache_fields_for(fresh, _NOW_S, Said()) == [("cache-control", "private, no-store")]


def test_a_vary_that_names_nobody_is_stored() -> None:
    assert read({"vary": "Accept-Encoding, Origin"}).storable


@pytest.mark.parametrize(
    ("value", "must"),
    [
        ("max-age=60", False),
        ("max-age=60, must-revalidate", True),
        ("max-age=60, proxy-revalidate", True),
        ("s-maxage=60", True),
        ("no-cache", True),
        ('no-cache="a"', False),
    ],
)
def test_what_must_be_asked_again_is_known(value: str, must: bool) -> None:
    assert read({"cache-control": value}).must_revalidate is must


def test_a_slow_answer_is_as_old_as_its_request() -> None:
    fresh = read({"cache-control": "max-age=60", "age": "5"}, requested_at_s=_NOW_S - 10)
    assert fresh.age_s(_NOW_S) == 15


@pytest.mark.parametrize(
    ("received", "after_s", "text"),
    [
        (None, 0, "public, max-age=3600"),
        (None, 100, "public, max-age=3600"),  # Age says that 100 are gone
        (None, 3600, "public, max-age=0"),
        ("max-age=60", 0, "public, max-age=60"),
        ("max-age=60, must-revalidate", 0, "public, max-age=60, must-revalidate"),
        ("max-age=60, must-revalidate", 61, "public, max-age=0, must-revalidate"),
        ("max-age=60, s-maxage=600", 0, "public, max-age=60, s-maxage=600"),
        ("s-maxage=600", 0, "public, max-age=600, must-revalidate"),
        ("no-cache", 0, "public, max-age=0, must-revalidate"),
        ("max-age=60, stale-while-revalidate=30, stale-if-error=90, immutable", 0,
         "public, max-age=60, stale-while-revalidate=30, stale-if-error=90, immutable"),
        ("max-age=99999999999", 0, "public, max-age=2147483648"),
    ],
)  # fmt: skip
def test_the_lifetime_is_said_again(received: str | None, after_s: float, text: str) -> None:
    fresh = read({} if received is None else {"cache-control": received})
    assert cache_fields_for(fresh, _NOW_S + after_s, Said(received)) == [("cache-control", text)]


@pytest.mark.parametrize(
    ("received", "targeted", "after_s", "lifetime_s", "fields"),
    [
        ("max-age=60", "max-age=600", 0, 600, ("max-age=60", "max-age=600")),
        ("max-age=60", "max-age=600, stale-if-error=9", 100, 600, ("max-age=60", "max-age=600, stale-if-error=9")),
        ("max-age=60", "max-age=600", 600, 600, ("public, max-age=0", None)),
        ("private, max-age=60", "max-age=600", 0, 600, ("private, max-age=60", "max-age=600")),
        ("no-store", "max-age=600", 0, 600, ("no-store", "max-age=600")),
        (None, "max-age=600", 0, 600, ("public, max-age=0", "max-age=600")),
        (None, "s-maxage=600", 0, 600, ("public, max-age=0", "max-age=600")),
        ("max-age=60", "must-revalidate", 0, 3600, ("max-age=60", "max-age=3600, must-revalidate")),
        ("max-age=60", "no-store", 0, 0, ("private, no-store", None)),
        ("max-age=60", "max-age=broken", 0, 60, ("public, max-age=60", None)),
        ("max-age=60", "", 0, 60, ("public, max-age=60", None)),
    ],
)  # fmt: skip
def test_cdns_may_be_told_another_lifetime(received, targeted, after_s, lifetime_s, fields) -> None:
    """RFC 9213: it holds for us, is passed on, and leaves browsers what they were told."""
    headers = {"cdn-cache-control": targeted, "expires": at(5)} | ({"cache-control": received} if received else {})
    fresh = read(headers)
    assert fresh.lifetime_s == lifetime_s
    said = dict(cache_fields_for(fresh, _NOW_S + after_s, Said.of(headers)))
    assert (said.pop("cache-control"), said.pop("cdn-cache-control", None)) == fields
    assert not said


@pytest.mark.parametrize(("after_s", "age"), [(0, "0"), (0.9, "0"), (59.9, "59"), (-5, "0"), (1e12, str(MAX_DELTA_S))])
def test_age_is_whole_seconds(after_s: float, age: str) -> None:
    assert age_for(read({"cache-control": "max-age=60"}), _NOW_S + after_s) == age


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "public, max-age=10"),
        (404, "public, max-age=10"),
        (410, "public, max-age=10"),
        (405, "public, max-age=10"),
        (501, "public, max-age=10"),
        (403, "no-store"),
        (412, "no-store"),
        (416, "no-store"),
        (500, "no-store"),
        (503, "no-store"),
        (502, "public, max-age=0"),
        (504, "public, max-age=0"),
    ],
)
def test_errors_have_lifetimes_of_their_own(status: int, text: str) -> None:
    assert error_cache_control(status, 10) == text


_FIELDS = st.dictionaries(
    st.sampled_from(["cache-control", "expires", "date", "age", "vary"]),
    st.text(max_size=40)
    | st.sampled_from(["max-age=60", "s-maxage=9, max-age=1", "no-cache", at(0), at(60), at(-60), "30", "accept"]),
)


@given(_FIELDS, st.floats(0, 1e10))
def test_whatever_an_origin_says_has_a_lifetime_and_an_age(headers: dict[str, str], after_s: float) -> None:
    fresh = read(headers)
    assert fresh.lifetime_s >= 0
    assert fresh.initial_age_s >= 0
    assert 0 <= int(age_for(fresh, _NOW_S + after_s)) <= MAX_DELTA_S
    assert fresh.storable or fresh.lifetime_s == 0


@given(_FIELDS, st.floats(0, 1e6))
def test_caches_after_us_never_keep_longer_than_we_do(headers: dict[str, str], after_s: float) -> None:
    now_s = _NOW_S + after_s
    fresh = read(headers)
    ((_, said),) = cache_fields_for(fresh, now_s, Said())
    again = response_freshness(
        {"cache-control": said, "age": age_for(fresh, now_s)}, now_s=now_s, default_ttl_s=_DEFAULT_S
    )
    assert again.storable == fresh.storable
    assert again.lifetime_s - again.age_s(now_s) <= max(0, fresh.lifetime_s - fresh.age_s(now_s)) + 1
    assert ResponseDirectives.parse(said).format() == said


@pytest.mark.parametrize(
    ("received", "stale_s", "while_asking", "on_failure"),
    [
        (None, 0, False, False),
        ("max-age=10", 0, False, False),
        ("max-age=10, stale-while-revalidate=5", 4, True, False),
        ("max-age=10, stale-while-revalidate=5", 5, False, False),
        ("max-age=10, stale-if-error=5", 4, False, True),
        ("max-age=10, stale-if-error=5, must-revalidate", 1, False, False),
        ("s-maxage=10, stale-while-revalidate=5", 1, False, False),
        ("max-age=10, stale-if-error=5, no-store", 1, False, False),
    ],
)
def test_a_source_may_be_used_stale_where_it_says_so(received, stale_s, while_asking, on_failure):
    """RFC 5861 §3, §4."""
    freshness = response_freshness({"cache-control": received} if received else {}, now_s=_NOW_S, default_ttl_s=10)
    now_s = _NOW_S + 10 + stale_s
    assert may_be_stale(freshness, now_s, said=Said(received), failed=False) is while_asking
    assert may_be_stale(freshness, now_s, said=Said(received), failed=True) is on_failure


def test_what_is_said_to_cdns_decides_whether_it_may_be_stale():
    said = Said("max-age=1, stale-if-error=99", "max-age=10, stale-while-revalidate=5")
    freshness = response_freshness(
        {"cache-control": "max-age=1, stale-if-error=99", "cdn-cache-control": said.targeted or ""},
        now_s=_NOW_S, default_ttl_s=0,
    )  # fmt: skip
    assert may_be_stale(freshness, _NOW_S + 12, said=said, failed=False)
    assert not may_be_stale(freshness, _NOW_S + 12, said=said, failed=True)
