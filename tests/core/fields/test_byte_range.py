"""Range and If-Range: 200, 206 or 416."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.fields.byte_range import ByteRange, RangeSpec, if_range_holds, parse_range, select_range
from proxy.core.fields.dates import format_date
from proxy.errors import InvalidRange

_CHANGED_S = 1_700_000_000
_HUGE = "9" * 100


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("bytes=0-0", (0, 0)),
        ("bytes=0-", (0, 9)),
        ("bytes=4-6", (4, 6)),
        ("bytes=4-10", (4, 9)),
        (f"bytes=4-{_HUGE}", (4, 9)),
        ("bytes=9-", (9, 9)),
        ("bytes=-1", (9, 9)),
        ("bytes=-10", (0, 9)),
        (f"bytes=-{_HUGE}", (0, 9)),
        ("BYTES=1-2", (1, 2)),
        (" bytes= 1-2 , ,", (1, 2)),
        ("bytes=10-", InvalidRange),
        ("bytes=10-20", InvalidRange),
        (f"bytes={_HUGE}-", InvalidRange),
        ("bytes=-0", InvalidRange),
        (None, None),
        ("", None),
        ("bytes", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=1", None),
        ("bytes=2-1", None),
        ("bytes=+1-2", None),
        ("bytes=1 - 2", None),
        ("bytes=1-2-3", None),
        ("bytes=\u0661-2", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes=0-" + "0" * 65_536, None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_one_range_is_served_and_everything_odd_is_ignored(
    text: str | None, part: tuple[int, int] | type | None
) -> None:
    headers = {} if text is None else {"range": text}
    if part is InvalidRange:
        with pytest.raises(InvalidRange) as caught:
            select_range(headers, size_bytes=10, etag=None, last_modified_s=None)
        assert caught.value.size_bytes == 10
        return
    chosen = select_range(headers, size_bytes=10, etag=None, last_modified_s=None)
    assert (chosen and (chosen.first, chosen.last)) == part


def test_what_is_sent_can_be_said() -> None:
    part = ByteRange(first=4, last=6, size_bytes=10)
    assert (part.content_range, part.length_bytes) == ("bytes 4-6/10", 3)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
def test_only_get_has_ranges(method: str) -> None:
    headers = {"range": "bytes=99-"}
    assert select_range(headers, size_bytes=10, etag=None, last_modified_s=None, method=method) is None


def test_an_empty_object_has_no_parts() -> None:
    assert RangeSpec(suffix_bytes=5).within(0) is None
    with pytest.raises(InvalidRange):
        RangeSpec(first=0).within(0)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (None, True),
        ('"a"', True),
        ('"b"', False),
        ('W/"a"', False),  # strong comparison
        ('"a", "b"', False),  # one tag, not a list
        ("*", False),
        ("garbage", False),
        (format_date(_CHANGED_S), True),
        (format_date(_CHANGED_S - 1), False),
        (format_date(_CHANGED_S + 1), False),  # exact, not "no newer"
    ],
)
def test_if_range_demands_the_same_representation(text: str | None, holds: bool) -> None:
    assert if_range_holds(text, etag='"a"', last_modified_s=_CHANGED_S) is holds
    headers = {"range": "bytes=1-2"} | ({} if text is None else {"if-range": text})
    assert (select_range(headers, size_bytes=10, etag='"a"', last_modified_s=_CHANGED_S) is not None) is holds


def test_an_unsatisfiable_range_of_another_version_is_no_error() -> None:
    headers = {"range": "bytes=99-", "if-range": '"b"'}
    assert select_range(headers, size_bytes=10, etag='"a"', last_modified_s=None) is None


@pytest.mark.parametrize(("age_s", "holds"), [(0, False), (0.9, False), (1, True), (60, True)])
def test_a_date_within_its_own_second_proves_nothing(age_s: float, holds: bool) -> None:
    date = format_date(_CHANGED_S)
    assert if_range_holds(date, etag=None, last_modified_s=_CHANGED_S, now_s=_CHANGED_S + age_s) is holds


@pytest.mark.parametrize(
    ("text", "asked"),
    [("bytes=0-", (0, None)), ("bytes=3-7", (3, 7)), ("bytes=-7", (-7, None)), ("bytes=-0", None)],
)
def test_an_origin_can_be_asked_for_the_same(text: str, asked: tuple[int, int | None] | None) -> None:
    spec = parse_range(text)
    assert spec is not None
    assert spec.origin_range == asked


@pytest.mark.parametrize(
    "fields", [{"first": -1}, {"first": 2, "last": 1}, {"suffix_bytes": -1}, {"first": 1, "suffix_bytes": 1}]
)
def test_an_impossible_range_cannot_be_made(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="not a range"):
        RangeSpec(**fields)


_SIZES = st.integers(0, 2**40)
_SPECS = st.one_of(
    st.builds(lambda first, more: RangeSpec(first=first, last=first + more), _SIZES, _SIZES),
    st.builds(lambda first: RangeSpec(first=first), _SIZES),
    st.builds(lambda count: RangeSpec(suffix_bytes=count), _SIZES),
)


@given(_SPECS)
def test_parsing_inverts_formatting(spec: RangeSpec) -> None:
    assert parse_range(spec.format()) == spec


@given(_SPECS, _SIZES | st.integers(0, 20))
def test_a_part_never_leaves_the_whole(spec: RangeSpec, size_bytes: int) -> None:
    try:
        part = spec.within(size_bytes)
    except InvalidRange:
        assert spec.suffix_bytes == 0 or spec.first >= size_bytes
        return
    if part is None:
        assert size_bytes == 0
        return
    assert 0 <= part.first <= part.last < size_bytes
    assert 1 <= part.length_bytes <= size_bytes


@given(st.text(max_size=60) | st.text("bytes=0123456789-, ", max_size=60).map("bytes=".__add__))
def test_any_text_is_read_without_an_error(text: str) -> None:
    parse_range(text)
