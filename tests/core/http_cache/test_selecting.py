"""Which variant a request gets (RFC 9111 §4.1)."""

from __future__ import annotations

import pytest
from caching import NOW, asked, entry

from proxy.core.http_cache.selecting import matches, select


@pytest.mark.parametrize(
    ("vary", "stored", "presented", "same"),
    [
        ("", {"foo": "1"}, {"foo": "2"}, True),
        ("Foo", {"foo": "1"}, {"foo": "1"}, True),
        ("Foo", {"foo": "1"}, {"foo": "2"}, False),
        ("Foo", {"foo": "1"}, {}, False),
        ("Foo", {}, {"foo": "1"}, False),
        ("Foo", {}, {"foo": ""}, False),
        ("Foo", {}, {}, True),
        ("foo, BAR", {"foo": "1", "bar": "a"}, {"bar": "a", "foo": "1", "other": "x"}, True),
        ("foo, BAR", {"foo": "1", "bar": "a"}, {"foo": "1"}, False),
        # several lines, and white space where lists may have it
        ("Foo", {"foo": "1, 2"}, {"foo": ["1", "2"]}, True),
        ("Foo", {"foo": "1,2"}, {"foo": " 1, 2 "}, True),
        ("Foo", {"foo": "1,2"}, {"foo": "2,1"}, False),
        ("Foo", {"foo": "a b"}, {"foo": "ab"}, False),
        ("Foo", {"foo": "a"}, {"foo": "A"}, False),
        ("Foo", {"foo": '"a, b"'}, {"foo": '"a,b"'}, False),
        ("Foo", {"foo": '"a, b'}, {"foo": '"a,b'}, False),
        # weighted lists: no order, no case
        ("Accept-Language", {"accept_language": "en, de"}, {"accept_language": "de,  EN"}, True),
        ("Accept-Language", {"accept_language": "en, de"}, {"accept_language": "en;q=1.0, de"}, True),
        ("Accept-Language", {"accept_language": "en, de;q=0.5"}, {"accept_language": "en;q=0.5, de"}, False),
        ("Accept-Encoding", {"accept_encoding": "gzip, br"}, {"accept_encoding": "br,gzip"}, True),
        ("Accept-Encoding", {"accept_encoding": "gzip, br"}, {"accept_encoding": "gzip"}, False),
        ("Accept", {"accept": "a/b ; q=0.5, c/d"}, {"accept": "c/d,a/b;q=0.5"}, True),
        # credentials are compared byte by byte
        ("Cookie", {"cookie": "a=1, b"}, {"cookie": "a=1,b"}, False),
        ("Authorization", {"authorization": "Basic x"}, {"authorization": "Basic  x"}, False),
    ],
)
def test_selecting_fields(vary: str, stored: dict[str, str], presented: dict[str, str], same: bool) -> None:
    assert matches(entry(asked(**stored), vary=vary), asked(**presented)) is same


def test_an_answer_to_another_site_is_another_one() -> None:
    kept = entry(asked(site="a"))
    assert matches(kept, asked(site="a"))
    assert not matches(kept, asked(site="b"))


def test_of_several_the_latest_counts() -> None:
    old, new = entry(received_at_s=NOW - 5), entry(received_at_s=NOW, vary="foo")
    assert select((new, old), asked()) is new
    assert select((old, new), asked()) is new
    assert select((old, new), asked(foo="1")) is old
    assert select((), asked()) is None
