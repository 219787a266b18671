"""The memory tier keeps to its bytes and forgets what was not used for longest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.caches.memory import ENTRY_OVERHEAD_BYTES, MemoryCache


def cache_of(max_bytes: int) -> MemoryCache[bytes]:
    return MemoryCache(max_bytes, size_of=len)


ROOMY_BYTES = 100 * ENTRY_OVERHEAD_BYTES


def test_a_value_comes_back_as_the_same_object():
    cache = cache_of(ROOMY_BYTES)
    value = b"x" * 100
    cache.put("a", value)
    assert cache.get("a") is value
    assert cache.get("b") is None


def test_the_least_recently_used_value_goes_first():
    cache = cache_of(5 * (ENTRY_OVERHEAD_BYTES + 1))
    for key in "abcde":
        cache.put(key, b"")
    assert cache.get("a") == b""
    cache.put("f", b"")
    assert cache.get("b") is None
    assert [key for key in "acdef" if cache.get(key) is not None] == list("acdef")


def test_deleting_is_no_error_for_a_key_that_is_not_there():
    cache = cache_of(ROOMY_BYTES)
    cache.put("a", b"1")
    cache.delete("a")
    cache.delete("a")
    assert cache.get("a") is None


def test_clearing_forgets_everything():
    cache = cache_of(ROOMY_BYTES)
    cache.put("a", b"1")
    cache.clear()
    assert cache.statistics.entries == cache.statistics.used_bytes == 0


@pytest.mark.parametrize(("max_bytes", "stored"), [(8 * ENTRY_OVERHEAD_BYTES, True), (7 * ENTRY_OVERHEAD_BYTES, False)])
def test_a_value_over_a_quarter_of_the_budget_is_not_stored(max_bytes, stored):
    cache = cache_of(max_bytes)
    cache.put("a", b"x" * (ENTRY_OVERHEAD_BYTES - 1))
    assert (cache.get("a") is not None) is stored


def test_a_value_too_large_to_keep_still_replaces_the_old_one():
    cache = cache_of(8 * ENTRY_OVERHEAD_BYTES)
    cache.put("a", b"old")
    cache.put("a", b"x" * 8 * ENTRY_OVERHEAD_BYTES)
    assert cache.get("a") is None


def test_a_budget_of_zero_switches_the_tier_off():
    cache = cache_of(0)
    cache.put("a", b"")
    assert cache.get("a") is None


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 5000)), max_size=40))
def test_the_budget_is_never_exceeded_and_the_sum_is_kept(puts):
    cache = cache_of(10 * ENTRY_OVERHEAD_BYTES)
    for key, size_bytes in puts:
        cache.put(key, bytes(size_bytes))
        held = [value for key in "abcdefgh" if (value := cache.get(key)) is not None]
        used_bytes = sum(len(value) + 1 + ENTRY_OVERHEAD_BYTES for value in held)
        assert cache.statistics.used_bytes == used_bytes <= cache.statistics.max_bytes


def test_what_a_condition_is_true_of_is_forgotten_and_given_back():
    cache = MemoryCache[bytes](100_000, size_of=len)
    for n in range(6):
        cache.put(f"{n}", b"x" * n)
    assert cache.discard(lambda value: len(value) % 2 == 0) == 3
    assert [cache.get(f"{n}") for n in range(6)] == [None, b"x", None, b"xxx", None, b"xxxxx"]
    assert cache.statistics.entries == 3
