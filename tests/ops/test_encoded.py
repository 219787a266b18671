"""Base64 as clients write it: either alphabet, any padding, UTF-8, and nothing longer than was agreed."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import InvalidArgument
from proxy.ops.encoded import decode_text, encode_text


@given(st.text(min_size=1, max_size=30), st.booleans(), st.integers(0, 3))
def test_every_spelling_of_a_text_is_read(text: str, url_safe: bool, padding: int) -> None:
    encoded = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(text.encode()).decode().rstrip("=")
    assert decode_text("text", encoded + "=" * padding, most_characters=30) == text


@given(st.text(min_size=1, max_size=30))
def test_a_text_has_one_spelling(text: str) -> None:
    assert set(encode_text(text)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert decode_text("text", encode_text(text), most_characters=30) == text


@pytest.mark.parametrize(
    "encoded",
    ["", "=", "====", "a", "aGk aGk", "aGk\n", "aG.k", "aé", "_w", "gIA", encode_text("12345"), "A" * 1_000_000],
    ids=["empty", "padding", "much padding", "one letter", "blank", "newline", "point", "accent", "no UTF-8",
         "not UTF-8 either", "too long", "far too long"],
)  # fmt: skip
def test_anything_else_is_refused_and_named(encoded: str) -> None:
    with pytest.raises(InvalidArgument, match="UTF-8 in URL-safe base64") as caught:
        decode_text("text", encoded, most_characters=4)
    assert caught.value.public.startswith("text: ")
    assert len(caught.value.public) < 200
