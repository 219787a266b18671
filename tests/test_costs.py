"""The stopwatch of the other tests: it finds what it is there to find."""

from __future__ import annotations

import re

import pytest
from costs import check_linear


@pytest.mark.parametrize(
    "worse",
    [
        lambda text: [text[at:].count("b") for at in range(len(text))],
        lambda text: re.search("(?:a+)+$", text[: len(text) // 800] + "!"),
        lambda text: re.search("a*b", text[: len(text) // 2]),
    ],
    ids=["quadratic", "exponential", "backtracking"],
)
def test_what_grows_faster_than_its_input_is_caught(worse) -> None:
    with pytest.raises(AssertionError, match="ms, an eighth"):
        check_linear(worse, lambda size: "a" * size, 16_384)


@pytest.mark.parametrize("linear", [len, lambda text: text.split("a"), lambda text: [ord(each) for each in text]])
def test_what_is_linear_passes(linear) -> None:
    check_linear(linear, lambda size: "a" * size, 65_536)
