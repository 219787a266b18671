"""What a shared cache may keep (RFC 9111 §3), and which lines of it (§3.1)."""

from __future__ import annotations

from typing import Any

import pytest
from caching import NOW, asked, date, lines

from proxy.core.http_cache.ending import Ending
from proxy.core.http_cache.storing import MAX_HEADER_BYTES, MAX_LINES, kept_lines, may_store

FRESH = {"cache_control": "max-age=60"}
GUESSED = {"last_modified": date(-1000)}


def stores(answer: dict[str, Any], request: dict[str, Any] | None = None, status: int = 200, **how: Any) -> bool:
    return may_store(asked(**(request or {})), status, lines(**answer), requested_at_s=NOW, received_at_s=NOW, **how)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (FRESH, True),
        ({"expires": date(60)}, True),
        (GUESSED, True),
        ({"etag": '"a"'}, True),  # to be validated
        ({"cache_control": "no-cache", "etag": '"a"'}, True),
        ({"cache_control": "max-age=0", "etag": '"a"'}, True),
        ({}, False),
        ({"cache_control": "max-age=0"}, False),
        ({"cache_control": "max-age=60, no-store"}, False),
        ({"cache_control": "max-age=60, NO-STORE"}, False),
        ({"cache_control": "max-age=60, private"}, False),
        ({"cache_control": 'max-age=60, private="x"'}, True),
        ({"cache_control": "max-age=60, no-store, must-understand"}, True),
        ({**FRESH, "vary": "*"}, False),
        ({**FRESH, "vary": ["", "*"]}, False),
        ({**FRESH, "vary": "Foo, *"}, False),
        ({**FRESH, "vary": "a b"}, False),
        ({**FRESH, "vary": ", ".join(f"f{n}" for n in range(17))}, False),
        ({**FRESH, "vary": "Foo, Cookie"}, True),
        ({**FRESH, "set_cookie": "a=b"}, True),
        ({**GUESSED, "set_cookie": "a=b"}, False),
        ({"cdn_cache_control": "max-age=60", "cache_control": "private, no-store"}, True),
        ({"cdn_cache_control": "private", **FRESH}, False),
        ({**FRESH, "x": "y" * MAX_HEADER_BYTES}, False),
        ({**FRESH, "x": ["y"] * MAX_LINES}, False),
        ({"cache_control": "max-age=60, " + "x" * 9000}, False),
    ],
)
def test_by_what_the_answer_says(answer: dict[str, Any], kept: bool) -> None:
    assert stores(answer) is kept


@pytest.mark.parametrize(
    ("request_", "answer", "kept"),
    [
        ({"method": "POST"}, FRESH, False),
        ({"method": "HEAD"}, FRESH, False),
        ({"cache_control": "no-store"}, FRESH, False),
        ({"authorization": "x"}, FRESH, False),
        ({"authorization": "x"}, {"cache_control": "max-age=60, public"}, True),
        ({"authorization": "x"}, {"cache_control": "max-age=60, must-revalidate"}, True),
        ({"authorization": "x"}, {"cache_control": "s-maxage=60"}, True),
        ({"authorization": "x"}, {"cache_control": "max-age=60, proxy-revalidate"}, False),
        ({"authorization": "x"}, {"cdn_cache_control": "max-age=60", "cache_control": "public"}, False),
        ({"cookie": "a=b"}, FRESH, True),
        ({"cookie": "a=b"}, GUESSED, False),
    ],
)
def test_by_what_the_request_says(request_: dict[str, Any], answer: dict[str, Any], kept: bool) -> None:
    assert stores(answer, request_) is kept


@pytest.mark.parametrize(
    ("status", "explicitly", "understood"),
    [(s, True, True) for s in (200, 203, 204, 301, 302, 307, 308, 400, 404, 410, 500, 502, 503, 504)]
    + [(s, True, False) for s in (299, 499, 599)]
    + [(s, False, False) for s in (206, 304, 412, 416, 428, 429, 431, 511, 101, 999)],
)
def test_by_status(status: int, explicitly: bool, understood: bool) -> None:
    assert stores(FRESH, status=status) is explicitly
    assert stores({"cache_control": "max-age=60, no-store, must-understand"}, status=status) is understood


def test_a_body_that_ends_with_its_connection_is_kept_if_a_lifetime_is_given() -> None:
    assert stores(FRESH, ending=Ending.CLOSED)
    assert not stores(GUESSED, ending=Ending.CLOSED)
    assert not stores({"etag": '"a"'}, ending=Ending.CLOSED)
    assert not stores(FRESH, ending=Ending.DOUBTFUL)


def test_kept_lines() -> None:
    told = lines(
        date=date(), a="1", content_length="3", b="2", set_cookie=["x", "y"], age="7",
        cache_control='no-cache="a", private="B"',
    )  # fmt: skip
    kept = kept_lines(told, received_at_s=NOW)
    assert [name for name, _ in kept] == [b"date", b"set-cookie", b"set-cookie", b"age", b"cache-control"]
    assert kept_lines([], received_at_s=NOW) == ((b"date", date().encode()),)
