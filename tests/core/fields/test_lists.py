"""List members and quoted strings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.fields.lists import is_token, quote, split_unquoted, unquote


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [""]),
        ("a,b", ["a", "b"]),
        ('a="x,y",b', ['a="x,y"', "b"]),
        (r'a="x\",y",b', [r'a="x\",y"', "b"]),
        (r'a="x\\",b', [r'a="x\\"', "b"]),
        (r"a\,b", ["a\\", "b"]),  # a backslash escapes nothing outside quotes
    ],
)
def test_separators_inside_quotes_do_not_separate(text: str, parts: list[str]) -> None:
    assert split_unquoted(text, ",") == parts


@pytest.mark.parametrize("text", ['"', 'a,"b', r'"a\"'])
def test_an_unfinished_quote_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="does not end"):
        split_unquoted(text, ",")


@pytest.mark.parametrize("text", ["", " ", "a b", '"', '"a', '"a"b', r'"a\"', "é"])
def test_what_is_neither_token_nor_string_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        unquote(text)


@given(st.text())
def test_unquoting_inverts_quoting(text: str) -> None:
    assert unquote(quote(text)) == text


@given(st.lists(st.text(), min_size=1))
def test_quoted_members_come_back_whole(values: list[str]) -> None:
    members = split_unquoted(",".join(quote(value) for value in values), ",")
    assert [unquote(member) for member in members] == values


@given(st.text(max_size=4))
def test_a_token_has_no_separators(text: str) -> None:
    assert is_token(text) == (bool(text) and text.isascii() and not set(text) & set(' "(),/:;<=>?@[\\]{}\x7f')
                              and all(ord(char) > 32 for char in text))  # fmt: skip
