"""Cache-Control as a value; the cases of cache-tests' cc-parse and cc-freshness among others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.fields.cache_control import MAX_DELTA_S, RequestDirectives, ResponseDirectives, parse_delta_s

_NAMES = st.frozensets(st.text("abcxyz-", min_size=1, max_size=6), max_size=3)
_SECONDS = st.none() | st.integers(0, MAX_DELTA_S)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, {}),
        ("", {}),
        ("max-age=3600", {"max_age_s": 3600}),
        ("MaX-aGe=3600, No-StOrE", {"max_age_s": 3600, "no_store": True}),
        ("max-age=003600", {"max_age_s": 3600}),
        ('max-age="3600"', {"max_age_s": 3600}),
        ("max-age='3600'", {"max_age_s": 0}),
        ("max-age=-3600", {"max_age_s": 0}),
        ("max-age=3600.5", {"max_age_s": 0}),
        ("max-age=3600a", {"max_age_s": 0}),
        ("max-age", {"max_age_s": 0}),
        ("max-age=", {"max_age_s": 0}),
        ("max-age =3600", {"max_age_s": 0}),
        ("max-age= 3600", {"max_age_s": 0}),
        ("max-age=\u0663", {"max_age_s": 0}),
        ("max-age=2147483649", {"max_age_s": 2**31}),
        ("max-age=" + "9" * 5000, {"max_age_s": 2**31}),
        ("max-age=1800, max-age=1", {"max_age_s": 1800}),
        ("max-age=1, max-age=1800", {"max_age_s": 1}),
        ('extension="max-age=3600", max-age=1', {"max_age_s": 1}),
        ('max-age=1, extension="max-age=3600"', {"max_age_s": 1}),
        ("foobar, max-age=3600,, ,", {"max_age_s": 3600}),
        ("s-maxage=10, max-age=1", {"s_maxage_s": 10, "max_age_s": 1}),
        ("s-maxage=x, max-age=1", {"s_maxage_s": 0, "max_age_s": 1}),
        ("stale-while-revalidate=30, stale-if-error=60", {"stale_while_revalidate_s": 30, "stale_if_error_s": 60}),
        ("stale-while-revalidate=x", {}),
        ("no-cache", {"no_cache": True}),
        ('no-cache="Set-Cookie, A"', {"no_cache_fields": frozenset({"set-cookie", "a"})}),
        ('no-cache="a", no-cache="b"', {"no_cache_fields": frozenset("ab")}),
        ('no-cache="a", no-cache', {"no_cache": True}),
        ('no-cache=""', {"no_cache": True}),
        ('no-cache="a b"', {"no_cache": True}),
        ("private=x", {"private_fields": frozenset("x")}),
        ('extension="unfinished, no-store', {"no_store": True}),  # a broken quote hides nothing
        ("public, must-revalidate, proxy-revalidate, must-understand, no-transform, immutable, private",
         {"public": True, "must_revalidate": True, "proxy_revalidate": True, "must_understand": True,
          "no_transform": True, "immutable": True, "private": True}),
        ("no-store" + " " * 9000, {"no_store": True}),
        ("max-age=60, x=" + "y" * 9000, {"no_store": True}),  # too long to be read: nothing is kept
    ],
    ids=lambda value: repr(value)[:50],
)  # fmt: skip
def test_response_directives_are_read(text: str | None, expected: dict[str, Any]) -> None:
    assert ResponseDirectives.parse(text) == ResponseDirectives(**expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, {}),
        ("no-cache", {"no_cache": True}),
        ("max-age=0, no-store", {"max_age_s": 0, "no_store": True}),
        ("max-stale", {"max_stale_s": MAX_DELTA_S}),
        ("max-stale=5, min-fresh=6", {"max_stale_s": 5, "min_fresh_s": 6}),
        ("max-stale=x, min-fresh=x", {}),
        ("only-if-cached, no-transform, stale-if-error=9",
         {"only_if_cached": True, "no_transform": True, "stale_if_error_s": 9}),
        ("no-cache, " * 2000, {}),
    ],
    ids=lambda value: repr(value)[:50],
)  # fmt: skip
def test_request_directives_are_read(text: str | None, expected: dict[str, Any]) -> None:
    assert RequestDirectives.parse(text) == RequestDirectives(**expected)


@given(
    st.builds(
        ResponseDirectives,
        max_age_s=_SECONDS,
        s_maxage_s=_SECONDS,
        stale_while_revalidate_s=_SECONDS,
        stale_if_error_s=_SECONDS,
        no_cache_fields=_NAMES,
        private=st.booleans(),
        no_store=st.booleans(),
        public=st.booleans(),
        must_revalidate=st.booleans(),
        immutable=st.booleans(),
    )
)
def test_parsing_inverts_formatting_of_a_response(directives: ResponseDirectives) -> None:
    assert ResponseDirectives.parse(directives.format()) == directives


@given(
    st.builds(
        RequestDirectives,
        max_age_s=_SECONDS,
        max_stale_s=_SECONDS,
        min_fresh_s=_SECONDS,
        stale_if_error_s=_SECONDS,
        no_cache=st.booleans(),
        no_store=st.booleans(),
        only_if_cached=st.booleans(),
    )
)
def test_parsing_inverts_formatting_of_a_request(directives: RequestDirectives) -> None:
    assert RequestDirectives.parse(directives.format()) == directives


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    RequestDirectives.parse(text)
    assert ResponseDirectives.parse(f"no-store,{text}").no_store


@given(st.text(max_size=20))
def test_delta_seconds_are_bounded(text: str) -> None:
    value_s = parse_delta_s(text)
    assert value_s is None or 0 <= value_s <= MAX_DELTA_S
