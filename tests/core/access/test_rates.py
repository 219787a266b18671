"""A client's requests: so many at once, so many a second, whoever else asks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.access.rates import Rates, client_of


def test_a_burst_then_the_rate_then_a_burst_again() -> None:
    rates = Rates(2, 4)
    assert [rates.take("a", 100.0) for _ in range(6)] == [None] * 4 + [1, 1]
    assert rates.take("b", 100.0) is None, "another client has tokens of its own"
    assert [rates.take("a", 100.5), rates.take("a", 100.5), rates.take("a", 101.0)] == [None, 1, None]
    assert [rates.take("a", 200.0) for _ in range(5)] == [None] * 4 + [1]


def test_who_waits_as_long_as_told_is_let_in() -> None:
    rates = Rates(0.1, 1)
    assert rates.take("a", 0.0) is None
    assert rates.take("a", 0.5) == 10
    assert rates.take("a", 10.0) is None


def test_a_clock_that_is_set_back_costs_no_more_than_a_burst() -> None:
    rates = Rates(1, 2)
    assert [rates.take("a", 10_000.0) for _ in range(3)] == [None, None, 1]
    assert rates.take("a", 0.0) == 1
    assert rates.take("a", 1.0) is None


def test_memory_is_bounded_and_those_who_ask_are_remembered() -> None:
    rates = Rates(1, 1, max_clients=100)
    for n in range(10_000):
        rates.take(str(n), 50.0)
        assert rates.take("busy", 50.0) is None or n > 0
    assert len(rates) == 100
    assert rates.take("busy", 50.0) == 1


@given(times=st.lists(st.floats(0, 1000), max_size=60), per_s=st.floats(0.1, 50), burst=st.integers(1, 20))
def test_no_more_are_let_in_than_burst_and_rate_allow(times: list[float], per_s: float, burst: int) -> None:
    rates = Rates(per_s, burst)
    let_in = [now_s for now_s in sorted(times) if rates.take("a", now_s) is None]
    for first in range(len(let_in)):
        for last in range(first, len(let_in)):
            assert last - first + 1 <= burst + (let_in[last] - let_in[first]) * per_s + 1e-6


@pytest.mark.parametrize(("address", "client"), [
    ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:4711", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"),
    ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002::/64"), ("[2001:db8:1:2::1]:443", "2001:0db8:0001:0002::/64"),
    ("2001:db8:1:3::1", "2001:0db8:0001:0003::/64"), ("fe80::1%eth0", "fe80:0000:0000:0000::/64"), ("unknown", "unknown"), ("", ""),
    ("x" * 500, "x" * 64),
])  # fmt: skip
def test_an_address_counts_as_its_subscriber(address: str, client: str) -> None:
    assert client_of(address) == client
