"""rotate, flip and auto-orient."""

from __future__ import annotations

import pytest
from painting import TOOLS, difference, geometry, numbered, pages

from proxy.core.model import Frame
from proxy.errors import InvalidArgument
from proxy.ops.auto_orient import AutoOrient
from proxy.ops.flip import Flip
from proxy.ops.rotate import Rotate

FRAME = Frame(width_px=30, height_px=20)


def rotation(text: str) -> Rotate:
    found = Rotate.parse(text, {})
    assert found is not None
    return found


@pytest.mark.parametrize(("degrees", "first"), [("90", [0, 19, 0]), ("180", [29, 19, 0]), ("270", [29, 0, 0])])
def test_quarter_turns_go_clockwise_and_are_exact(degrees: str, first: list[int]) -> None:
    image = rotation(degrees).apply(numbered(FRAME), FRAME, TOOLS)
    assert image(0, 0) == first
    assert not image.hasalpha()


@pytest.mark.parametrize(
    ("degrees", "size"), [("45", (35, 35)), ("30", (36, 32)), ("1", (30, 21)), ("359", (30, 21)), ("135", (35, 35))]
)
def test_other_angles_enlarge_the_canvas_and_leave_clear_corners(degrees: str, size: tuple[int, int]) -> None:
    rotate = rotation(degrees)
    after = rotate.measure(FRAME)
    image = rotate.apply(numbered(FRAME), FRAME, TOOLS)
    assert (after.width_px, after.height_px) == size
    assert after.alpha
    assert geometry(image) == (*size, 1, True)
    middle = image(size[0] // 2, size[1] // 2)
    assert middle[3] == 255
    assert middle[:2] == pytest.approx([14.5, 9.5], abs=1.5)
    if degrees in ("45", "30", "135"):
        assert image(0, 0)[3] == image(size[0] - 1, 0)[3] == 0


@pytest.mark.parametrize("degrees", ["20", "45", "160", "200", "345"])
def test_a_turned_picture_lies_in_the_exact_middle_of_its_canvas(degrees: str) -> None:
    coverage = rotation(degrees).apply(numbered(FRAME), FRAME, TOOLS).extract_band(3)
    assert difference(coverage, coverage.rot180()) <= 1


def test_a_small_turn_and_its_opposite_meet_in_the_same_middle() -> None:
    there = rotation("30").apply(numbered(FRAME), FRAME, TOOLS)
    frame = Frame(width_px=there.width, height_px=there.height, alpha=True)
    back = rotation("330").apply(there, frame, TOOLS)
    left, top = (back.width - 10) // 2, (back.height - 6) // 2
    kept = back.crop(left, top, 10, 6).extract_band(0, n=2)
    assert difference(kept, numbered(FRAME).crop(10, 7, 10, 6).extract_band(0, n=2)) <= 2


def test_every_frame_turns_alone() -> None:
    frame = Frame(width_px=30, height_px=20, frames=3)
    quarter = rotation("90").apply(numbered(frame), frame, TOOLS)
    assert geometry(quarter) == (20, 30, 3, False)
    assert [page(0, 0) for page in pages(quarter)] == [[0, 19, 0], [0, 19, 40], [0, 19, 80]]
    tilted = rotation("45").apply(numbered(frame), frame, TOOLS)
    assert geometry(tilted) == (35, 35, 3, True)


@pytest.mark.parametrize("text", ["0", "360", "000"])
def test_no_turn_is_no_operation(text: str) -> None:
    assert Rotate.parse(text, {}) is None


@pytest.mark.parametrize("text", ["361", "-90", "+90", "90.0", "9e1", "", "left", "٩٠", "NaN", "99999999999999999999"])
def test_a_malformed_angle_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^rotate: .*0 to 360"):
        Rotate.parse(text, {})


@pytest.mark.parametrize("frames", [1, 2])
def test_flip_mirrors_every_frame(frames: int) -> None:
    frame = Frame(width_px=30, height_px=20, frames=frames)
    upside_down = pages(Flip.parse("vertical", {}).apply(numbered(frame), frame, TOOLS))
    mirrored = pages(Flip.parse("horizontal", {}).apply(numbered(frame), frame, TOOLS))
    assert [page(1, 0) for page in upside_down] == [[1, 19, 40 * page] for page in range(frames)]
    assert [page(0, 1) for page in mirrored] == [[29, 1, 40 * page] for page in range(frames)]


@pytest.mark.parametrize("text", ["", "Vertical", "both", "1"])
def test_another_direction_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^flip: "):
        Flip.parse(text, {})


@pytest.mark.parametrize("orientation", range(1, 9))
def test_auto_orient_turns_as_libvips_does_and_resets_the_tag(orientation: int) -> None:
    frame = Frame(width_px=30, height_px=20, orientation=orientation)
    image = numbered(frame)
    turned = AutoOrient().apply(image, frame, TOOLS)
    after = AutoOrient().measure(frame)
    assert geometry(turned)[:2] == (after.width_px, after.height_px)
    assert difference(turned, image.autorot()) == 0
    assert (turned.get("orientation") if turned.get_typeof("orientation") else 1) == after.orientation == 1
    assert (image.get("orientation") if image.get_typeof("orientation") else 1) == orientation


@pytest.mark.parametrize("text", ["2", "00000000000", "12"])
def test_auto_orient_takes_nothing_1_or_0(text: str) -> None:
    assert AutoOrient.parse("", {}) == AutoOrient.parse("1", {}) == AutoOrient()
    assert AutoOrient.parse("0", {}) is None
    with pytest.raises(InvalidArgument, match=r"^auto-orient: "):
        AutoOrient.parse(text, {})
