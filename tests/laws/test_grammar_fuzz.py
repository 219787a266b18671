"""A few seconds of what ``make fuzz`` does at length: no query string breaks the laws of the grammar."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.fuzz.inputs import examples, query
from bench.fuzz.laws import PREFIX, Broken, Case, check

PREFIXES = st.binary(min_size=PREFIX.size, max_size=PREFIX.size)


@given(prefix=PREFIXES, random=st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_queries_that_mean_something_keep_the_laws(prefix: bytes, random: Random) -> None:
    check(Case.of(prefix + query(random)))


@given(
    data=st.binary(max_size=300)
    | st.builds(bytes.__add__, PREFIXES, st.text().map("imageMogr2/{}".format).map(str.encode))
)
@settings(max_examples=300, deadline=None)
def test_bytes_that_mean_nothing_keep_the_laws(data: bytes) -> None:
    check(Case.of(data))


@given(prefix=PREFIXES)
@settings(max_examples=5, deadline=None)
def test_every_example_of_the_tests_keeps_the_laws(prefix: bytes) -> None:
    plans = sum(check(Case.of(prefix + example.encode())) for example in examples())
    assert plans > len(examples()) // 2


@pytest.mark.parametrize("broken", [ValueError("no"), RecursionError(), KeyError("x")])
def test_an_error_that_is_not_ours_breaks_a_law(broken: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse_plan(text: str, *, clamp_px: int | None = None) -> None:
        raise broken

    monkeypatch.setattr("bench.fuzz.laws.parse_plan", parse_plan)
    with pytest.raises(Broken, match="parse_plan"):
        check(Case.of(bytes(PREFIX.size) + b"imageMogr2/rotate/90"))
