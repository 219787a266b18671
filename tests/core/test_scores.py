"""From scores to qualities: the table, and what one measurement changes."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.model import PRESETS, Frame
from proxy.core.scores import DEFAULT, LEAST, MOST, Measurement, curve_of, measurable, measured_at, quality_for
from proxy.formats import CATALOGUE, Encoding, ScoreCurve
from proxy.formats._scores import SCORES

CURVES = [curve for settings in SCORES.values() for curve in settings.values()]
TARGETS = st.integers(LEAST, MOST)
MEASUREMENTS = st.none() | st.builds(Measurement, st.integers(1, 100), st.floats(-200, 100))


@pytest.mark.parametrize("curve", CURVES)
def test_curves_never_fall(curve: ScoreCurve) -> None:
    assert all(low < high and below <= above for (low, below), (high, above) in pairwise(curve))


@pytest.mark.parametrize("name", [name for name, row in CATALOGUE.items() if row.quality])
@pytest.mark.parametrize("preset", PRESETS)
def test_the_default_is_about_a_quality_of_80_in_every_format(name: str, preset) -> None:
    curve = curve_of(name, Encoding(width_px=1200, height_px=900, preset=preset))
    assert 75 <= quality_for(curve, DEFAULT) <= 85


@given(st.sampled_from(CURVES), TARGETS, TARGETS, MEASUREMENTS)
def test_a_higher_target_takes_no_less_quality(
    curve: ScoreCurve, one: int, other: int, found: Measurement | None
) -> None:
    qualities = [quality_for(curve, target, found) for target in sorted((one, other))]
    assert 1 <= qualities[0] <= qualities[1] <= 100


@given(st.sampled_from(CURVES), TARGETS, st.integers(1, 100), st.floats(-200, 100), st.floats(0, 50))
def test_a_picture_that_scored_less_takes_no_less_quality(
    curve: ScoreCurve, target: int, quality: int, score: float, less: float
) -> None:
    assert quality_for(curve, target, Measurement(quality, score)) <= quality_for(
        curve, target, Measurement(quality, score - less)
    )


@given(st.sampled_from(CURVES), TARGETS)
def test_what_scores_as_the_average_takes_what_the_average_takes(curve: ScoreCurve, target: int) -> None:
    quality, score = curve[4]
    assert quality_for(curve, target, Measurement(quality, score)) == quality_for(curve, target)


def test_a_measurement_at_the_target_moves_the_quality_by_the_slope() -> None:
    curve = ((60, 65.0), (80, 75.0), (100, 85.0))
    assert quality_for(curve, 75) == 80
    assert quality_for(curve, 75, Measurement(80, 70.0)) == 88  # 30 from the top where the average is 25
    assert quality_for(curve, 75, Measurement(80, 80.0)) == 68


def test_of_two_steps_the_nearer_is_taken_and_of_equal_ones_the_first() -> None:
    stairs = ((10, 60.0), (20, 70.0), (25, 70.0), (26, 80.0), (40, 90.0))
    assert [quality_for(stairs, target) for target in (70, 74, 75, 76)] == [20, 20, 26, 26]


@given(TARGETS)
def test_one_measurement_serves_the_targets_around_it(target: int) -> None:
    at = measured_at(target)
    assert LEAST <= at <= MOST
    assert abs(at - target) <= 5
    assert measured_at(at) == at


def test_targets_cannot_ask_for_more_than_seven_measurements() -> None:
    assert len({measured_at(target) for target in range(LEAST, MOST + 1)}) == 7
    assert measured_at(DEFAULT) == DEFAULT


@pytest.mark.parametrize(
    "record",
    [
        {}, {"quality": 80}, {"quality": "80", "score": 1.0}, {"quality": True, "score": 1.0}, {"quality": 0, "score": 1.0},
        {"quality": 101, "score": 1.0}, {"quality": 80, "score": float("nan")}, {"quality": 80, "score": 100.5},
        {"quality": 80, "score": float("-inf")}, {"quality": 80, "score": None}, {"quality": 80.0, "score": 50.0},
    ],
)  # fmt: skip
def test_what_a_codec_process_says_is_read_strictly(record: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Measurement.read(record)
    assert Measurement.read(asdict(Measurement(80, 77.5))) == Measurement(80, 77.5)


def test_small_moving_and_lossless_pictures_have_no_score() -> None:
    frame = Frame(width_px=8, height_px=8)
    assert measurable(CATALOGUE["webp"], frame)
    assert not measurable(CATALOGUE["webp"], replace(frame, width_px=7))
    assert not measurable(CATALOGUE["webp"], replace(frame, frames=2))
    assert not measurable(CATALOGUE["png"], frame)
