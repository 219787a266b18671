"""Tags: an origin's own, bounded, and ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.model import Source
from proxy.core.tags import MAX_TAG_CHARS, MAX_TAGS, MAX_TAGS_CHARS, origin_tags, standing_tags, tag_fields


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, ()),
        ({"surrogate-key": "a b"}, ("a", "b")),
        ({"cache-tag": "a,b, c"}, ("a", "b", "c")),
        ({"surrogate-key": "a b", "cache-tag": "b,c"}, ("a", "b", "c")),
        ({"surrogate-key": "  ", "cache-tag": ",,"}, ()),
        ({"surrogate-key": "caf\xe9 ok"}, ("ok",)),
        ({"cache-tag": "x" * (MAX_TAG_CHARS + 1) + ",ok"}, ("ok",)),
        ({"cache-tag": "a\x01b,ok"}, ("ok",)),
    ],
)
def test_what_an_origin_gives(headers: dict[str, str], expected: tuple[str, ...]) -> None:
    assert origin_tags(headers) == expected


@given(st.text(max_size=50), st.integers(0, 3000))
def test_never_more_than_may_be_and_always_fit_for_a_field(text: str, times: int) -> None:
    found = origin_tags(
        {"surrogate-key": text * times, "cache-tag": " ".join(f"{text}{n}" for n in range(times % 200))}
    )
    assert len(found) <= MAX_TAGS
    assert sum(map(len, found)) <= MAX_TAGS_CHARS
    assert len(set(found)) == len(found)
    assert all(tag.isascii() and tag.isprintable() and not set(tag) & {" ", ","} for tag in found)


def test_every_answer_has_its_buckets_and_its_sources() -> None:
    source = Source("b", "cats/one.jpg")
    bucket, own = standing_tags(source)
    assert (bucket, own[:4], len(own)) == ("b", "src-", 20)
    assert own != standing_tags(Source("b", "cats/two.jpg"))[1]
    assert tag_fields(source, ("x", "b")) == (("surrogate-key", f"b {own} x"), ("cache-tag", f"b,{own},x"))
