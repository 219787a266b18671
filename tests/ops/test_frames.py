"""cgif: fewer frames, spread evenly, that take as long as all did."""

from __future__ import annotations

import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from painting import TOOLS, difference, geometry, numbered, pages

from proxy.core.grammar import parse_plan
from proxy.core.model import Frame, ImageLimits
from proxy.core.schedule import schedule
from proxy.formats import CATALOGUE
from proxy.ops.frames import Fewer

TALL = Frame(width_px=5, height_px=7, frames=9)


def with_delays(image: pyvips.Image, delays_ms: list[int]) -> pyvips.Image:
    image = image.copy()
    image.set_type(pyvips.GValue.array_int_type, "delay", delays_ms)
    return image


@pytest.mark.parametrize(
    ("most", "frames", "kept"),
    [
        (1, 40, tuple(range(30))),
        (1, 30, tuple(range(30))),
        (1, 7, tuple(range(7))),
        (2, 9, (0, 4)),
        (3, 9, (0, 3, 6)),
        (4, 9, (0, 2, 4, 6)),
        (9, 9, tuple(range(9))),
        (100, 9, tuple(range(9))),
        (2, 1, (0,)),
    ],
)
def test_frames_are_chosen_evenly_and_the_first_always(most: int, frames: int, kept: tuple[int, ...]) -> None:
    assert Fewer(most).kept(frames) == kept


@given(st.integers(1, 100), st.integers(1, 300))
def test_there_are_never_more_than_asked_nor_two_alike(most: int, frames: int) -> None:
    kept = Fewer(most).kept(frames)
    assert len(kept) == min(frames, 30 if most == 1 else most)
    assert list(kept) == sorted(set(kept))
    assert kept[0] == 0
    assert kept[-1] < frames


@pytest.mark.parametrize("most", [2, 4, 8])
def test_the_frames_chosen_are_painted_and_the_time_stays(most: int) -> None:
    delays_ms = [10 * number for number in range(1, 10)]
    image = numbered(TALL)
    painted = Fewer(most).apply(with_delays(image, delays_ms), TALL, TOOLS)
    assert geometry(painted) == (5, 7, most, False)
    assert Fewer(most).measure(TALL).frames == most
    assert sum(painted.get("delay")) == sum(delays_ms)
    for page, number in zip(pages(painted), Fewer(most).kept(9), strict=True):
        assert difference(page, pages(image)[number]) == 0


def test_an_animation_cut_short_ends_sooner() -> None:
    many = Frame(width_px=2, height_px=2, frames=35)
    painted = Fewer(1).apply(with_delays(numbered(many), [100] * 35), many, TOOLS)
    assert painted.get("delay") == [100] * 30


def test_the_decoder_may_have_stopped_where_no_more_is_needed() -> None:
    whole = numbered(TALL)
    enough = whole.crop(0, 0, 5, 7 * 7).copy()
    painted = Fewer(3).apply(with_delays(enough, [10] * 9), TALL, TOOLS)
    assert geometry(painted) == (5, 7, 3, False)
    assert difference(pages(painted)[2], pages(whole)[6]) == 0


@pytest.mark.parametrize(
    ("text", "source", "output", "decoded", "written"),
    [
        ("imageMogr2/cgif/3", "gif", "gif", 7, 3),
        ("imageMogr2/cgif/3", "gif", "webp", 7, 3),
        ("imageMogr2/cgif/1", "gif", "gif", 9, 9),
        ("imageMogr2/cgif/3", "webp", "gif", 9, 9),  # of GIF alone
        ("imageMogr2/cgif/3", "gif", "jpeg", 1, 1),
        ("imageMogr2/cgif/4|imageMogr2/cgif/2", "gif", "gif", 7, 2),
    ],
)
def test_only_what_is_needed_is_decoded(text: str, source: str, output: str, decoded: int, written: int) -> None:
    planned = schedule(
        parse_plan(text), TALL, output=CATALOGUE[output], auto=False, orient=False, limits=ImageLimits(),
        source_format=source,
    )  # fmt: skip
    assert (planned.frames, planned.frame.frames) == (decoded, written)
