"""What is sent of a kept answer: fields, parts, 304 (RFC 9111 §4.3.2; RFC 9110 §13, §14, §15.4.5)."""

from __future__ import annotations

import pytest
from caching import NOW, asked, date, entry, lines

from proxy.core.http_cache.constructing import construct
from proxy.errors import InvalidRange

KEPT = entry(date=date(-20), age="5", etag='"a"', last_modified=date(-99), x="y", content_type="t/t", vary="foo")


def test_age_takes_the_place_of_the_origins() -> None:
    made = construct(KEPT, asked(), NOW + 7)
    assert [value for name, value in made.lines if name == b"age"] == [b"27"]
    assert made.status == 200


def test_what_just_came_is_sent_as_it_came() -> None:
    came = lines(a="1", age="5")
    assert construct(KEPT, asked(), NOW, just_came=came).lines == came


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"if_none_match": '"a"'}, 304),
        ({"if_none_match": 'W/"a", "b"'}, 304),
        ({"if_none_match": '"b"'}, 200),
        ({"if_none_match": '"b"', "if_modified_since": date()}, 200),
        ({"if_modified_since": date(-99)}, 304),
        ({"if_modified_since": date(-100)}, 200),
    ],
)
def test_conditions(fields: dict[str, str], status: int) -> None:
    made = construct(KEPT, asked(**fields), NOW)
    assert made.status == status
    if status == 304:
        assert sorted({name for name, _ in made.lines}) == [b"age", b"date", b"etag", b"last-modified", b"vary"]


def test_without_last_modified_the_date_counts() -> None:
    """RFC 9111 §4.3.2."""
    kept = entry(date=date(-20))
    assert construct(kept, asked(if_modified_since=date(-20)), NOW).status == 304
    assert construct(kept, asked(if_modified_since=date(-21)), NOW).status == 200


def test_conditions_are_about_a_200_only() -> None:
    assert construct(entry(status=404, etag='"a"'), asked(if_none_match='"a"', range="bytes=0-1"), NOW).status == 404


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"range": "bytes=2-4"}, (2, 4)),
        ({"range": "bytes=8-"}, (8, 9)),
        ({"range": "bytes=-3"}, (7, 9)),
        ({"range": "bytes=0-99"}, (0, 9)),
        ({"range": "bytes=0-1,3-4"}, None),
        ({"range": "lines=0-1"}, None),
        ({"range": "bytes=2-4", "if_range": '"a"'}, (2, 4)),
        ({"range": "bytes=2-4", "if_range": '"b"'}, None),
        ({"range": "bytes=2-4", "if_range": date(-99)}, (2, 4)),
        ({"method": "HEAD", "range": "bytes=2-4"}, None),
    ],
)
def test_parts(fields: dict[str, str], part: tuple[int, int] | None) -> None:
    made = construct(KEPT, asked(**fields), NOW)
    assert made.status == (206 if part else 200)
    assert (made.part and (made.part.first, made.part.last)) == part
    if part:
        assert (b"content-range", b"bytes %d-%d/10" % part) in made.lines


def test_a_part_that_lies_outside() -> None:
    with pytest.raises(InvalidRange):
        construct(KEPT, asked(range="bytes=10-"), NOW)


def test_no_part_of_what_has_no_known_end() -> None:
    assert construct(KEPT, asked(range="bytes=2-4"), NOW, size_known=False).status == 200
