"""Numbers in fewer characters mean what they meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.codec.svg.numbers import number, path, shortened


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("0", "0"), ("0.0", "0"), ("-0", "0"), ("-0.000", "0"), ("+1.50", "1.5"), ("00.500", ".5"), ("-0.5", "-.5"),
        ("100", "100"), ("1.", "1"), (".50", ".5"), ("1e5", "1e5"), ("-1.5E-3", "-1.5E-3"), ("", ""), ("x", "x"),
        ("1.23456789012345", "1.23456789"), ("0.00012345678901234", ".000123456789"), ("9.99999999999", "10"),
        ("99999999999.5", "99999999999.5"), ("1234567890.6", "1234567891"), ("0.99999999999", "1"),
    ],
)  # fmt: skip
def test_a_number_has_one_short_text(text: str, short: str) -> None:
    assert number(text) == short


@given(st.from_regex(r"[+-]?([0-9]{1,14}\.?[0-9]{0,14}|\.[0-9]{1,14})", fullmatch=True))
def test_a_number_means_the_same(text: str) -> None:
    assert float(number(text)) == pytest.approx(float(text), rel=1e-9, abs=1e-300)
    assert len(number(text)) <= len(text)
    assert number(number(text)) == number(text)


@pytest.mark.parametrize(
    ("data", "short"),
    [
        ("M 0 , 0 L 10 10", "M0 0L10 10"), ("m0-1-2-3z", "m0-1-2-3z"), ("M0 0L1 1L2 2", "M0 0L1 1 2 2"), ("M0,0M1,1", "M0 0M1 1"),
        ("M0 0.5.5.5", "M0 .5.5.5"), ("M0 0a1 1 0 01.5.5", "M0 0a1 1 0 0 1 .5.5"), ("M0 0z m1 1", "M0 0zm1 1"), ("", ""),
        ("M0 0 L 1", "M0 0 L 1"), ("M0,,0", "M0,,0"), ("M,0 0", "M,0 0"), ("M0 0,L1 1", "M0 0,L1 1"), ("1 1", "1 1"),
        ("M0 0 a1 1 0 2 0 1 1", "M0 0 a1 1 0 2 0 1 1"), ("M0 0zz1", "M0 0zz1"), ("M0\u00a00", "M0\u00a00"), ("M1e1.5", "M1e1 .5"),
    ],
)  # fmt: skip
def test_a_path_is_short_or_left_alone(data: str, short: str) -> None:
    assert path(data) == short
    assert path(short) == short


@pytest.mark.parametrize(
    ("name", "value", "short"),
    [
        ("width", " 10.0px ", "10px"), ("width", "50.0%", "50%"), ("width", "auto", "auto"), ("x", "1 2.0", "1 2.0"),
        ("fill", "#AABBCC", "#ABC"), ("fill", "#AABBCD", "#AABBCD"), ("fill", "#aabbccdd", "#aabbccdd"), ("id", "1.0", "1.0"),
        ("points", " 1.0 , 2.0\n3,4 ", "1 2 3 4"), ("points", "1,,2", "1,,2"), ("points", "1,2,", "1,2,"),
        ("transform", "translate( 1.0 , 2.0 ) , rotate(3.0)", "translate(1 2) rotate(3)"),
        ("transform", "rotate(,1)", "rotate(,1)"), ("viewBox", "0,0,10.50,20", "0 0 10.5 20"), ("stroke-dasharray", "none", "none"),
    ],
)  # fmt: skip
def test_attributes_are_shortened_by_what_they_hold(name: str, value: str, short: str) -> None:
    assert shortened(name, value) == short
