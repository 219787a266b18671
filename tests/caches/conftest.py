"""What the tests of the cache tiers share: a clock that only they move, and a meter that remembers failures."""

from __future__ import annotations

import pytest

from proxy.ports import NullMeter


class ManualClock:
    def __init__(self) -> None:
        self.time_s = 1_700_000_000.0

    def now_s(self) -> float:
        return self.time_s


class FailureMeter(NullMeter):
    def __init__(self) -> None:
        self.failures: list[str] = []

    def tier_error(self, tier: str) -> None:
        self.failures.append(tier)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def meter() -> FailureMeter:
    return FailureMeter()
