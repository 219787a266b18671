"""HTTP dates (RFC 9110 §5.6.7): three forms are read, one is written.

Strict on purpose: a date that other caches refuse must not make an answer fresh here.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(_MONTHS, start=1)}
_MAX_CHARS = 40
_EARLIEST_S, _LATEST_S = -62_135_596_800, 253_402_300_799
"""Years 1 to 9999: what four digits can say."""

_DAY, _MONTH = "|".join(_DAYS), "|".join(_MONTHS)
_LONG_DAY = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_FORMS = tuple(
    re.compile(form, re.ASCII | re.IGNORECASE)
    for form in (
        rf"(?:{_DAY}), (?P<day>\d\d) (?P<month>{_MONTH}) (?P<year>\d{{4}}) {_TIME} GMT",
        rf"(?:{_LONG_DAY}), (?P<day>\d\d)-(?P<month>{_MONTH})-(?P<year>\d\d) {_TIME} GMT",
        rf"(?:{_DAY}) (?P<month>{_MONTH}) (?P<day>\d\d| \d) {_TIME} (?P<year>\d{{4}})",
    )
)


def parse_date(text: str | None, *, now_s: float | None = None) -> int | None:
    """Seconds since the epoch; None for anything that is not one of the three forms.

    *now_s* settles the century of the obsolete two-digit year (no more than 50 years ahead); without it 70-99 are
    read as 19xx.
    """
    if text is None or len(text) > _MAX_CHARS:
        return None
    match = next((m for form in _FORMS if (m := form.fullmatch(text.strip(" \t")))), None)
    if match is None:
        return None
    year, second = int(match["year"]), int(match["second"])
    if len(match["year"]) == 2:
        year = _full_year(year, now_s)
    try:
        moment = datetime(
            year,
            _MONTH_NUMBERS[match["month"].lower()],
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            min(second, 59),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    if second > 60:
        return None
    return int(moment.timestamp()) + (second == 60)  # 60 is a leap second


def format_date(seconds: float) -> str:
    """*seconds* since the epoch as an IMF-fixdate, whole seconds; times outside years 1-9999 become their nearest."""
    moment = time.gmtime(min(max(int(seconds // 1), _EARLIEST_S), _LATEST_S))
    return (
        f"{_DAYS[moment.tm_wday]}, {moment.tm_mday:02} {_MONTHS[moment.tm_mon - 1]} {moment.tm_year:04} "
        f"{moment.tm_hour:02}:{moment.tm_min:02}:{moment.tm_sec:02} GMT"
    )


def _full_year(two_digits: int, now_s: float | None) -> int:
    if now_s is None:
        return two_digits + (1900 if two_digits >= 70 else 2000)
    this_year = time.gmtime(now_s).tm_year
    year = this_year - this_year % 100 + two_digits
    if year > this_year + 50:
        return year - 100
    return year + 100 if year <= this_year - 50 else year
