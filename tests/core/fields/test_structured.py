"""Dictionaries of structured fields, and CDN-Cache-Control made of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.fields.cache_control import ResponseDirectives
from proxy.core.fields.structured import MAX_CHARS, StructuredFieldError, Token, parse_dictionary
from proxy.core.fields.targeted import parse_targeted


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("", {}),
        ("max-age=60", {"max-age": 60}),
        ("  a=1 ,\tb=2  ", {"a": 1, "b": 2}),
        ("a=1, a=2", {"a": 2}),
        ("no-store", {"no-store": True}),
        ("a=?0, b=?1", {"a": False, "b": True}),
        ("a=-7", {"a": -7}),
        ("a=1.5", {"a": 1.5}),
        ('a="x \\" \\\\"', {"a": 'x " \\'}),
        ('a="1, 2", b', {"a": "1, 2", "b": True}),
        ("a=tok:en/*", {"a": "tok:en/*"}),
        ("a=:aGk=:", {"a": b"aGk="}),
        ("a;x=1;y, b=2;z", {"a": True, "b": 2}),
        ('a=(1 "b" c;p=1), b', {"a": '(1 "b" c;p=1)', "b": True}),
        ("a=()", {"a": "()"}),
        ("a=@1659578233", {"a": "@1659578233"}),
        ('a=%"f%c3%bc"', {"a": '%"f%c3%bc"'}),
        ("*a_b-c.d=1", {"*a_b-c.d": 1}),
    ],
)
def test_what_is_a_dictionary(text: str, members: dict[str, object]) -> None:
    assert parse_dictionary(text) == members


@pytest.mark.parametrize(
    "text",
    [
        "A=1", "max-age =1", "max-age= 1", "a=1,", ",a=1", "a=1,,b", "a=", "a=1 b=2", "&&&&&", "a=1, &&&&&", '="x"', 'a="x',
        'a="\\x"', "a=?2", "a=1.", "a=1.1234", "a=1234567890123456", "a=--1", "a=(1", "a=(1(2))", 'a=(1"b")', "a=:x", "a;",
        "a;X=1", "a=ü", "a=@1.5", 'a=%"%C3"', "a\tb", "x" * (MAX_CHARS + 1),
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    with pytest.raises(StructuredFieldError):
        parse_dictionary(text)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_dictionary(text)
    except StructuredFieldError:
        pass


def test_a_token_is_told_from_a_string() -> None:
    members = parse_dictionary('a=x, b="x"')
    assert isinstance(members["a"], Token)
    assert not isinstance(members["b"], Token)


@pytest.mark.parametrize(
    ("text", "directives"),
    [
        (None, None),
        ("", None),
        ("max-age=60", ResponseDirectives(max_age_s=60)),
        ("max-age=99999999999", ResponseDirectives(max_age_s=2**31)),
        ("max-age=-1", ResponseDirectives(max_age_s=0)),
        ("foo", ResponseDirectives()),
        ("foo=?0, no-store", ResponseDirectives(no_store=True)),
        ("no-store=?0, max-age=1", ResponseDirectives(max_age_s=1)),
        ("private, no-cache", ResponseDirectives(private=True, no_cache=True)),
        ('private="Set-Cookie, b"', ResponseDirectives(private_fields=frozenset({"set-cookie", "b"}))),
        (
            "s-maxage=1, stale-while-revalidate=2, stale-if-error=3, must-revalidate",
            ResponseDirectives(s_maxage_s=1, stale_while_revalidate_s=2, stale_if_error_s=3, must_revalidate=True),
        ),
        # an error of type or of syntax voids the field
        ('max-age="60"', None),
        ("max-age=1.5", None),
        ("max-age", None),
        ("max-age=10000, &&&&&", None),
        ("no-store=1", None),
        ("private=token", None),
        ("MaX-aGe=60", None),
    ],
)
def test_cdn_cache_control(text: str | None, directives: ResponseDirectives | None) -> None:
    assert parse_targeted(text) == directives
