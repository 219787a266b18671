"""X-Img-Accept: a class of clients in a word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.fields.accept import parse_accept
from proxy.core.fields.accept_class import as_accept


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("avif", {"image/avif", "image/webp"}),
        ("WebP", {"image/webp"}),
        ("jxl", {"image/jxl", "image/avif", "image/webp"}),
        ("webp, avif", {"image/avif", "image/webp"}),
        ("webp jpeg", {"image/webp"}),
        ("none", set()),
        ("jpeg", set()),
        ("", set()),
        ("avifx", set()),
        ("image/avif", set()),
        ("avif," * 100, set()),
    ],
)
def test_a_class_names_what_its_clients_show(told: str, named: set[str]) -> None:
    assert parse_accept(as_accept(told)).named_images == named


@given(st.text())
def test_whatever_is_told_ends_in_one_of_four(told: str) -> None:
    assert as_accept(told) in {as_accept(each) for each in ("jxl", "avif", "webp", "")}
