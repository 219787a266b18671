"""The law that carries the design: what is measured is what is painted, and a plan has one text."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from painting import difference, folded, geometry, numbered, pages, painted
from plans import ALONE, FRAME, ONE_FRAME_DECIDES, PLAN, SCALING, STILL

from proxy.core.grammar import format_plan, parse_plan
from proxy.core.model import Frame, ImageLimits
from proxy.core.schedule import schedule
from proxy.errors import InvalidArgument
from proxy.formats import CATALOGUE as FORMATS
from proxy.ops import CATALOGUE

LIMITS = ImageLimits()


def test_every_operation_takes_part() -> None:
    assert ALONE.keys() == CATALOGUE.keys()


@given(PLAN)
@settings(max_examples=300)
def test_a_plan_has_one_text_that_reads_as_itself(text: str) -> None:
    plan = parse_plan(text)
    canonical = format_plan(plan)
    assert parse_plan(canonical) == plan
    assert format_plan(parse_plan(canonical)) == canonical


def check_law(text: str, frame: Frame, output: str, *, grey: bool = False, orient: bool = False) -> None:
    plan = parse_plan(text)
    try:
        found = schedule(plan, frame, output=FORMATS[output], auto=False, orient=orient, limits=LIMITS)
        image, after = folded(found, numbered(frame, grey=grey), FORMATS[output], LIMITS)
    except InvalidArgument:
        assume(False)
    assert geometry(image) == (after.width_px, after.height_px, after.frames, after.alpha)
    assert (image.get("orientation") if image.get_typeof("orientation") else 1) == after.orientation
    assert image.format == "uchar"


@pytest.mark.parametrize("name", ALONE)
@given(data=st.data(), frame=FRAME, grey=st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much])
def test_each_operation_paints_what_it_measures(name: str, data: st.DataObject, frame: Frame, grey: bool) -> None:
    check_law(data.draw(ALONE[name]), frame, "webp", grey=grey)


@pytest.mark.parametrize(("animated", "outputs"), [
    (False, ["jpeg", "png", "gif", "webp", "avif"]), (True, ["gif", "webp", "apng", "jpeg"]),
])  # fmt: skip
def test_whole_plans_paint_what_is_measured(animated: bool, outputs: list[str]) -> None:
    """Three hundred of each kind that can be painted; those that are refused do not count."""
    painted_plans = 0

    @given(
        text=PLAN,
        frame=FRAME.filter(lambda frame: frame.animated is animated),
        output=st.sampled_from(outputs),
        orient=st.booleans(),
    )
    @settings(max_examples=150, suppress_health_check=[HealthCheck.filter_too_much])
    def check(text: str, frame: Frame, output: str, orient: bool) -> None:
        nonlocal painted_plans
        check_law(text, frame, output, orient=orient)
        painted_plans += 1

    for _ in range(10):
        if painted_plans < 300:
            check()
    assert painted_plans >= 300


@given(text=st.one_of(*(ALONE[name] for name in SCALING)), frame=FRAME, orient=st.booleans(), spare=st.integers(0, 9))
@settings(max_examples=100, suppress_health_check=[HealthCheck.filter_too_much])
def test_a_picture_shrunk_on_load_is_painted_to_the_same_size(
    text: str, frame: Frame, orient: bool, spare: int
) -> None:
    try:
        found = schedule(parse_plan(text), frame, output=FORMATS["webp"], auto=False, orient=orient, limits=LIMITS)
    except InvalidArgument:
        assume(False)
    assume(found.enough_px is not None)
    width_px, height_px = (
        min(side, enough + spare)
        for side, enough in zip((frame.width_px, frame.height_px), found.enough_px or (1, 1), strict=True)
    )
    image = numbered(frame).thumbnail_image(width_px, height=height_px, size="force", no_rotate=True)
    after = found.frame
    assert geometry(painted(found, image)) == (after.width_px, after.height_px, after.frames, after.alpha)


@pytest.mark.parametrize("name", sorted(ALONE.keys() - {*SCALING, *ONE_FRAME_DECIDES, *STILL}))
@given(data=st.data(), frame=FRAME)
@settings(max_examples=30, suppress_health_check=[HealthCheck.filter_too_much])
def test_painting_an_animation_is_painting_each_frame(name: str, data: st.DataObject, frame: Frame) -> None:
    """Resampling is left out: there a row at each seam takes a little from its neighbour (``ops.pages.scaled``)."""
    assume(frame.animated)
    plan = parse_plan(data.draw(ALONE[name]))
    alone = Frame(width_px=frame.width_px, height_px=frame.height_px, alpha=frame.alpha, orientation=frame.orientation)
    output = FORMATS["webp"]
    try:
        together = schedule(plan, frame, output=output, auto=False, orient=False, limits=LIMITS)
    except InvalidArgument:
        assume(False)
    single = schedule(plan, alone, output=output, auto=False, orient=False, limits=LIMITS)
    image = numbered(frame)
    for whole, page in zip(pages(painted(together, image)), pages(image), strict=True):
        page = page.copy()
        page.remove("page-height")
        assert difference(whole, painted(single, page)) == 0
