"""Our member of Cache-Status."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.fields.cache_status import CacheStatus


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"detail": "memory"}, "mogr; hit; detail=memory"),
        ({}, "mogr; hit"),
        ({"ttl_s": -3, "detail": "disk"}, "mogr; hit; ttl=-3; detail=disk"),
        ({"fwd": "miss"}, "mogr; fwd=miss"),
        ({"fwd": "miss", "stored": True}, "mogr; fwd=miss; stored"),
        ({"fwd": "miss", "collapsed": True}, "mogr; fwd=miss; collapsed"),
        ({"fwd": "stale", "fwd_status": 304, "ttl_s": 60}, "mogr; fwd=stale; fwd-status=304; ttl=60"),
        ({"fwd": "bypass", "detail": "not stored"}, 'mogr; fwd=bypass; detail="not stored"'),
        ({"detail": '9"\\'}, r'mogr; hit; detail="9\"\\"'),
    ],
    ids=str,
)
def test_a_member_is_written(fields: dict[str, Any], text: str) -> None:
    assert CacheStatus(**fields).format() == text


@pytest.mark.parametrize(
    "fields",
    [
        {"fwd": "because"},
        {"stored": True},
        {"collapsed": True},
        {"fwd_status": 200},
        {"detail": "é"},
        {"detail": "a\r\nb"},
    ],
    ids=str,
)
def test_what_the_field_cannot_say_cannot_be_made(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not"):
        CacheStatus(**fields)


def test_the_cache_nearest_to_the_origin_stands_first() -> None:
    assert CacheStatus(fwd="miss").after("origin-cache; hit") == "origin-cache; hit, mogr; fwd=miss"
    assert CacheStatus(fwd="miss").after(None) == "mogr; fwd=miss"
