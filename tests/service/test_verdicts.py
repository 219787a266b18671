"""An error is held against its key for exactly as long as it was given."""

from __future__ import annotations

import pytest
from fakes import ManualClock

from proxy.errors import DecoderCrashed, InvalidRange, MogrError, NoSuchKey
from proxy.service.verdicts import Verdicts


def test_a_verdict_holds_for_its_time_and_no_longer():
    clock = ManualClock()
    verdicts = Verdicts(clock)
    verdicts.remember("k", NoSuchKey("gone"), 10)
    clock.advance(9.9)
    with pytest.raises(NoSuchKey):
        verdicts.check("k")
    clock.advance(0.1)
    verdicts.check("k")
    verdicts.check("other")


def test_what_is_raised_again_carries_no_frames_of_the_first_time():
    verdicts = Verdicts(ManualClock())
    try:
        raise DecoderCrashed("private detail")
    except DecoderCrashed as error:
        verdicts.remember("k", error, 10)
    with pytest.raises(DecoderCrashed) as first:
        verdicts.check("k")
    with pytest.raises(DecoderCrashed) as second:
        verdicts.check("k")
    assert first.value is not second.value
    assert str(second.value) == "private detail"


def test_a_copy_keeps_what_the_answer_needs():
    assert InvalidRange(77).again().size_bytes == 77


def test_no_lifetime_is_no_memory_and_the_oldest_go_first():
    verdicts = Verdicts(ManualClock(), max_entries=2)
    verdicts.remember("never", NoSuchKey(), 0)
    verdicts.check("never")
    for key in ("a", "b", "c"):
        verdicts.remember(key, NoSuchKey(), 10)
    verdicts.check("a")
    with pytest.raises(NoSuchKey):
        verdicts.check("c")


class Neighbours:
    def __init__(self) -> None:
        self.told: dict[str, MogrError] = {}

    def tell(self, key: str, error: MogrError, ttl_s: float) -> None:
        self.told[key] = error

    def heard(self, key: str) -> MogrError | None:
        return self.told.get(key)


def test_neighbours_are_told_and_heard():
    neighbours, clock = Neighbours(), ManualClock()
    one, other = Verdicts(clock, neighbours=neighbours), Verdicts(clock, neighbours=neighbours)
    one.remember("k", DecoderCrashed("crashed"), 10)
    with pytest.raises(DecoderCrashed):
        other.check("k")
    other.check("other")
    neighbours.told.clear()
    other.check("k")
    with pytest.raises(DecoderCrashed):
        one.check("k")


def test_what_is_held_for_no_time_is_not_told():
    neighbours = Neighbours()
    Verdicts(ManualClock(), neighbours=neighbours).remember("k", DecoderCrashed("crashed"), 0)
    assert not neighbours.told
