"""HTTP dates: three forms in, one out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.fields.dates import format_date, parse_date

_RFC_EXAMPLE_S = 784_111_777  # 1994-11-06 08:49:37
_NOW_S = 1_795_000_000.0  # 2026-11-18


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", _RFC_EXAMPLE_S),
        ("Sunday, 06-Nov-94 08:49:37 GMT", _RFC_EXAMPLE_S),
        ("Sun Nov  6 08:49:37 1994", _RFC_EXAMPLE_S),
        (" Sun, 06 Nov 1994 08:49:37 GMT\t", _RFC_EXAMPLE_S),
        ("SUN, 06 NOV 1994 08:49:37 gMT", _RFC_EXAMPLE_S),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Tue, 30 Jun 2015 23:59:60 GMT", 1_435_708_800),  # a leap second
        ("Tue, 19 Jan 2038 14:14:08 GMT", 2_147_523_248),
        ("Sun, 21 Nov 2286 04:46:39 GMT", 10_000_039_599),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ("Mon, 29 Feb 2024 00:00:00 GMT", 1_709_164_800),  # a wrong weekday changes nothing
    ],
)
def test_the_three_forms_are_read(text: str, seconds: int) -> None:
    assert parse_date(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        None, "", "0", "-1", "garbage",
        "Thu, 18 Aug 2050 02:01:18 UTC", "Thu, 18 Aug 2050 02:01:18 AEST", "Thu, 18 Aug 2050 02:01:18 +0000",
        "Thu, 18 Aug 50 02:01:18 GMT", "Thu 18 Aug 2050 02:01:18 GMT", "Thu, 18  Aug  2050 02:01:18 GMT",
        "Thu, 18-Aug-2050 02:01:18 GMT", "Thu, 18 Aug 2050 02.01.18 GMT", "Thu, 18 Aug 2050 2:01:18 GMT",
        "Thu, 18 Aug 2050 2:01:18 GMT, Thu, 18 Aug 2050 2:01:19 GMT",
        "Thu, 18 Aug 2050 02:01:18 GMT, Thu, 18 Aug 2050 02:01:18 GMT",
        "Xxx, 18 Aug 2050 02:01:18 GMT", "Thu, 18 Xxx 2050 02:01:18 GMT", "Thu, 31 Feb 2050 02:01:18 GMT",
        "Thu, 00 Aug 2050 02:01:18 GMT", "Thu, 18 Aug 2050 24:01:18 GMT", "Thu, 18 Aug 2050 02:60:18 GMT",
        "Thu, 18 Aug 2050 02:01:61 GMT", "Thu, 18 Aug 0000 02:01:18 GMT", "Sun Nov 6 08:49:37 1994",
        "Thu, \u0661\u0668 Aug 2050 02:01:18 GMT", "18 Aug 2050 02:01:18 GMT", "Thu, 18 Aug 2050 02:01:18 GMT" + " " * 65_536,
    ],
    ids=lambda text: repr(text)[:50],
)  # fmt: skip
def test_everything_else_is_no_date(text: str | None) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize(
    ("two_digits", "now_s", "year"),
    [("94", _NOW_S, 1994), ("50", _NOW_S, 2050), ("76", _NOW_S, 2076), ("77", _NOW_S, 1977), ("94", None, 1994),
     ("69", None, 2069), ("70", None, 1970), ("10", 3_000_000_000.0, 2110), ("95", 3_000_000_000.0, 2095)],
)  # fmt: skip
def test_a_two_digit_year_is_never_more_than_fifty_years_ahead(two_digits: str, now_s: float | None, year: int) -> None:
    assert parse_date(f"Sunday, 06-Nov-{two_digits} 08:49:37 GMT", now_s=now_s) == parse_date(
        f"Sun, 06 Nov {year} 08:49:37 GMT"
    )


@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_parsing_inverts_formatting(seconds: int) -> None:
    assert parse_date(format_date(seconds)) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (_RFC_EXAMPLE_S + 0.99, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (-0.5, "Wed, 31 Dec 1969 23:59:59 GMT"),
        (1e30, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (-1e30, "Mon, 01 Jan 0001 00:00:00 GMT"),
    ],
)
def test_any_time_can_be_written(seconds: float, text: str) -> None:
    assert format_date(seconds) == text


@given(st.text(max_size=40))
def test_any_text_is_read_without_an_error(text: str) -> None:
    parse_date(text)
