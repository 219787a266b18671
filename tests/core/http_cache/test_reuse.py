"""When a kept answer may be sent (RFC 9111 §4, §5.2.1; RFC 5861), second by second."""

from __future__ import annotations

import pytest
from caching import NOW, asked, date, entry

from proxy.core.http_cache.reuse import STALE_ON_FAILURE_S, Use, judge, may_stand_in, usable_by

F, S, V, R = Use.FRESH, Use.STALE, Use.VALIDATE, Use.REFUSED


@pytest.mark.parametrize(
    ("told", "age_s", "wanted", "use"),
    [
        ("max-age=10", 0, "", F),
        ("max-age=10", 9, "", F),
        ("max-age=10", 10, "", V),
        ("max-age=10, must-revalidate", 9, "", F),
        ("max-age=10, no-cache", 0, "", V),
        ('max-age=10, no-cache="a"', 0, "", F),
        ("max-age=0", 0, "", V),
        # RFC 5861 §3
        ("max-age=10, stale-while-revalidate=5", 14, "", S),
        ("max-age=10, stale-while-revalidate=5", 15, "", V),
        ("max-age=10, stale-while-revalidate=5, must-revalidate", 12, "", V),
        ("max-age=10, stale-while-revalidate=5, proxy-revalidate", 12, "", V),
        ("s-maxage=10, stale-while-revalidate=5", 12, "", V),
        # §5.2.1
        ("max-age=10", 0, "max-age=0", R),
        ("max-age=10", 3, "max-age=3", F),
        ("max-age=10", 4, "max-age=3", R),
        ("max-age=10", 0, "no-cache", R),
        ("max-age=10", 0, "no-store", R),
        ("max-age=10", 0, "min-fresh=10", F),
        ("max-age=10", 1, "min-fresh=10", R),
        ("max-age=10", 12, "max-stale=2", F),
        ("max-age=10", 13, "max-stale=2", V),
        ("max-age=10", 99, "max-stale", F),
        ("max-age=10", 12, "max-stale=9, max-age=11", V),
        ("max-age=10, must-revalidate", 11, "max-stale", V),
        ("max-age=10, stale-while-revalidate=5", 12, "min-fresh=1", V),
        ("max-age=10", 0, "nothing-to-see-here", F),
        ("max-age=10", 0, "only-if-cached", F),
    ],
)
def test_judgements(told: str, age_s: float, wanted: str, use: Use) -> None:
    assert judge(entry(cache_control=told), asked(cache_control=wanted), NOW + age_s) is use


def test_pragma_means_nothing() -> None:
    assert judge(entry(cache_control="max-age=10", pragma="no-cache"), asked(pragma="no-cache"), NOW) is F


@pytest.mark.parametrize(
    ("fields", "request_", "usable"),
    [
        ({"cache_control": "max-age=10"}, {}, True),
        ({"cache_control": "max-age=10"}, {"authorization": "x"}, False),
        ({"cache_control": "max-age=10, public"}, {"authorization": "x"}, True),
        ({"cache_control": "s-maxage=10"}, {"authorization": "x"}, True),
        ({"cache_control": "max-age=10"}, {"cookie": "x"}, True),
        ({"last_modified": date(-1000)}, {"cookie": "x"}, False),
        ({"last_modified": date(-1000)}, {}, True),
    ],
)
def test_who_may_be_given_it(fields: dict[str, str], request_: dict[str, str], usable: bool) -> None:
    kept = entry(**fields)
    assert usable_by(kept, asked(**request_)) is usable
    assert (judge(kept, asked(**request_), NOW) is F) is usable


@pytest.mark.parametrize(
    ("told", "stale_s", "wanted", "on_error", "on_silence"),
    [
        ("max-age=10", 0, "", True, True),
        ("max-age=10", 1, "", False, True),
        ("max-age=10", STALE_ON_FAILURE_S, "", False, True),
        ("max-age=10", STALE_ON_FAILURE_S + 1, "", False, False),
        ("max-age=10, stale-if-error=5", 5, "", True, True),
        ("max-age=10, stale-if-error=5", 6, "", False, False),
        ("max-age=10, stale-if-error=0", 1, "", False, False),
        ("max-age=10", 5, "stale-if-error=5", True, True),
        ("max-age=10", 1, "no-cache", False, False),
        ("max-age=10, must-revalidate, stale-if-error=5", 1, "", False, False),
        ("max-age=10, proxy-revalidate", 1, "", False, False),
        ("s-maxage=10", 1, "", False, False),
        ("max-age=10, no-cache", 1, "", False, False),
    ],
)
def test_standing_in_for_an_origin_that_fails(
    told: str, stale_s: float, wanted: str, on_error: bool, on_silence: bool
) -> None:
    kept, request, now_s = entry(cache_control=told), asked(cache_control=wanted), NOW + 10 + stale_s
    assert may_stand_in(kept, request, now_s, reached=True) is on_error
    assert may_stand_in(kept, request, now_s, reached=False) is on_silence
