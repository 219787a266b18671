"""How long an answer lives in a shared cache: RFC 9111 §4.2, RFC 9213 §2.2."""

from __future__ import annotations

import pytest
from caching import NOW, date, entry


@pytest.mark.parametrize(
    ("fields", "ttl_s", "explicit"),
    [
        ({}, 0, False),
        ({"cache_control": "max-age=60"}, 60, True),
        ({"cache_control": "max-age=60, s-maxage=5"}, 5, True),
        ({"cache_control": "max-age=60", "age": "20"}, 40, True),
        ({"cache_control": "max-age=60", "age": "20, 40"}, 40, True),
        ({"cache_control": "max-age=60", "age": "2.5"}, 60, True),
        ({"cache_control": "max-age=60", "date": date(-50)}, 10, True),  # apparent age
        ({"cache_control": "max-age=60", "expires": date(-50)}, 60, True),
        ({"expires": date(60), "date": date()}, 60, True),
        ({"expires": "0"}, 0, True),
        ({"expires": [date(60), date(60)]}, 0, True),
        ({"cdn_cache_control": "max-age=9", "cache_control": "no-store", "expires": date(60)}, 9, True),
        ({"cdn_cache_control": "max-age=9", "date": date(-4)}, 5, True),
        ({"cdn_cache_control": "foo", "cache_control": "max-age=60", "expires": date(60)}, 0, False),
        ({"cdn_cache_control": "Max-Age=9", "cache_control": "max-age=60"}, 60, True),
        # a tenth of the time since it changed, and never more than a day
        ({"last_modified": date(-1000), "date": date()}, 100, False),
        ({"last_modified": date(-1000)}, 100, False),
        ({"last_modified": date(1000)}, 0, False),
        ({"last_modified": date(-(10**8))}, 86_400, False),
        ({"last_modified": "yesterday"}, 0, False),
        ({"last_modified": date(-1000), "cache_control": "max-age=x"}, 0, True),
    ],
)
def test_lifetimes(fields: dict[str, str], ttl_s: float, explicit: bool) -> None:
    policy = entry(**fields).policy
    assert (policy.ttl_s(NOW), policy.explicit) == (ttl_s, explicit)


@pytest.mark.parametrize(
    "status", [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501, 201, 202, 302, 403, 502, 599]
)
@pytest.mark.parametrize("told", ["", "public"])
def test_who_may_be_guessed_about(status: int, told: str) -> None:
    """RFC 9110 §15.1 lists them; ``public`` stands for any other (RFC 9111 §5.2.2.9)."""
    policy = entry(status=status, last_modified=date(-1000), cache_control=told).policy
    guessed = status in {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501} or bool(told)
    assert (policy.ttl_s(NOW) > 0) is guessed


def test_time_passes() -> None:
    policy = entry(cache_control="max-age=60", age="10").policy
    assert [policy.age_s(NOW + s) for s in (0, 5, -5)] == [10, 15, 10]
    assert policy.ttl_s(NOW + 55) == -5


@pytest.mark.parametrize(
    ("told", "never_stale", "for_authorized"),
    [
        ("max-age=1", False, False),
        ("must-revalidate", True, True),
        ("proxy-revalidate", True, False),
        ("s-maxage=1", True, True),
        ("no-cache", True, False),
        ("public", False, True),
    ],
)
def test_permissions(told: str, never_stale: bool, for_authorized: bool) -> None:
    policy = entry(cache_control=told).policy
    assert (policy.never_stale, policy.for_authorized) == (never_stale, for_authorized)
