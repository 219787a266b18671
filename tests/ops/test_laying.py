"""Where a mark lies and what it leaves alone: position, size, opacity, tiles, whatever the picture is made of."""

from __future__ import annotations

from typing import Any

import pytest
import pyvips
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from painting import TOOLS, difference, numbered, pages

from proxy.core.model import Frame
from proxy.errors import InvalidArgument
from proxy.ops.gravity import Gravity
from proxy.ops.laying import Laying, Share, over

FRAME = Frame(width_px=60, height_px=40)
NAMES = [gravity.name.lower() for gravity in Gravity]


def flat(width_px: int, height_px: int, *pixel: int) -> Any:
    """A mark of one colour; the last number is its coverage."""
    bands = pyvips.Image.black(width_px, height_px, bands=len(pixel)) + list(pixel)
    return bands.cast("uchar").copy(interpretation="srgb" if len(pixel) == 4 else "b-w")


def laid(text: dict[str, str], mark: Any, frame: Frame = FRAME, image: Any = None) -> Any:
    image = numbered(frame) if image is None else image
    return Laying.parse(text).lay(image, frame, mark, TOOLS).copy_memory()


def changed(before: Any, after: Any) -> tuple[int, int, int, int]:
    """Left, top, width and height of what differs."""
    differs = (before != after).bandor()
    left, top, width, height = differs.find_trim(background=[0], threshold=1, line_art=True)
    return left, top, width, height


@pytest.mark.parametrize(("name", "box"), [
    ("northwest", (3, 5, 10, 8)), ("north", (25, 5, 10, 8)), ("northeast", (47, 5, 10, 8)),
    ("west", (3, 16, 10, 8)), ("center", (25, 16, 10, 8)), ("east", (47, 16, 10, 8)),
    ("southwest", (3, 27, 10, 8)), ("south", (25, 27, 10, 8)), ("SouthEast", (47, 27, 10, 8)),
])  # fmt: skip
def test_gravity_and_offsets_say_where_it_lies(name: str, box: tuple[int, int, int, int]) -> None:
    given = {"gravity": name, "dx": "3", "dy": "5", "dissolve": "100"}
    after = laid(given, flat(10, 8, 250, 250, 250, 255))
    assert changed(numbered(FRAME), after) == box
    assert after(box[0], box[1]) == [250, 250, 250]


def test_without_any_parameter_it_lies_in_the_lower_right_corner_nine_tenths_opaque() -> None:
    after = laid({}, flat(10, 8, 250, 250, 250, 255))
    assert changed(numbered(FRAME), after) == (50, 32, 10, 8)
    before = numbered(FRAME)(55, 36)
    assert after(55, 36) == pytest.approx([old * 0.1 + 250 * 0.9 for old in before], abs=1)


MARK = st.tuples(st.integers(1, 80), st.integers(1, 60), *[st.integers(0, 255)] * 4)
PARAMETERS = st.fixed_dictionaries(
    {"gravity": st.sampled_from(NAMES), "dx": st.sampled_from(["0", "7", "70"]), "dy": st.sampled_from(["0", "9", "90"])},
    optional={
        "dissolve": st.integers(1, 100).map(str), "degree": st.sampled_from(["45", "90", "180", "301"]),
        "batch": st.just("1"), "spacing": st.sampled_from(["0", "1", "50", "100"]),
    },
)  # fmt: skip


@given(MARK, PARAMETERS, st.booleans(), st.sampled_from([1, 3]))
@settings(max_examples=80)
def test_a_mark_that_cannot_be_seen_changes_nothing_bit_by_bit(
    mark: tuple[int, ...], text: dict[str, str], alpha: bool, frames: int
) -> None:
    frame = Frame(width_px=60, height_px=40, alpha=alpha, frames=frames)
    assert difference(laid(text, flat(*mark[:-1], 0), frame), numbered(frame)) == 0


@given(MARK, PARAMETERS, st.booleans())
@settings(max_examples=80)
def test_what_lies_outside_of_the_mark_is_as_it_was(mark: tuple[int, ...], text: dict[str, str], alpha: bool) -> None:
    assume("batch" not in text and "degree" not in text)
    frame = Frame(width_px=60, height_px=40, alpha=alpha)
    before, after = numbered(frame), laid(text, flat(*mark), frame)
    gravity = Gravity.parse(text["gravity"])
    offset_px = gravity.heeded(int(text["dx"]), int(text["dy"]))
    left, top = gravity.place((60, 40), mark[:2], offset_px)
    covered = pyvips.Image.black(60, 40).draw_rect(255, left, top, mark[0], mark[1], fill=True)
    assert covered.ifthenelse(0, (before.cast("float") - after.cast("float")).abs()).max() == 0


def test_the_pages_of_an_animation_get_the_same_mark() -> None:
    frame = Frame(width_px=60, height_px=40, frames=3)
    after = laid({"degree": "30", "dx": "5"}, flat(10, 8, 9, 9, 9, 200), frame)
    for page, before in zip(pages(after), pages(numbered(frame)), strict=True):
        assert difference(page, laid({"degree": "30", "dx": "5"}, flat(10, 8, 9, 9, 9, 200), FRAME, before)) == 0


@pytest.mark.parametrize("share", [0, 40, 128, 255])
@pytest.mark.parametrize("below", [0, 60, 255])
def test_over_a_picture_with_alpha_both_count_as_they_cover(share: int, below: int) -> None:
    under = flat(4, 4, 200, 100, 0, below)
    after = over(under, flat(4, 4, 0, 50, 250, share))
    m, b = share / 255, below / 255
    both = m + b * (1 - m)
    colours = [
        (new * m + old * b * (1 - m)) / both if both else old
        for new, old in zip((0, 50, 250), (200, 100, 0), strict=True)
    ]
    assert after(1, 1) == pytest.approx([*colours, 255 * both], abs=1.5)
    assert after.interpretation == "srgb"


def test_a_picture_with_sixteen_bits_keeps_them() -> None:
    wide = numbered(FRAME).colourspace("rgb16")
    after = laid({"dissolve": "100"}, flat(10, 8, 255, 0, 128, 255), image=wide)
    assert (after.format, after.interpretation) == ("ushort", "rgb16")
    assert after(59, 39) == [65_535, 0, 128 * 257]
    assert after(0, 0) == wide(0, 0)


@pytest.mark.parametrize(("mark", "bands"), [(flat(4, 4, 9, 255), 1), (flat(4, 4, 9, 8, 7, 255), 3)])
def test_a_grey_picture_becomes_coloured_only_under_a_coloured_mark(mark: Any, bands: int) -> None:
    grey = numbered(FRAME, grey=True)
    after = laid({"dissolve": "100"}, mark, image=grey)
    assert after.bands == bands
    assert after(0, 0) == grey(0, 0) * bands
    assert after(59, 39)[0] == 9


def test_tiles_repeat_from_where_the_mark_would_lie() -> None:
    mark = flat(10, 8, 250, 250, 250, 255)
    after = laid({"batch": "1", "spacing": "5", "gravity": "northwest", "dx": "2", "dy": "3", "dissolve": "100"}, mark)
    white = [[after(x, y) == [250, 250, 250] for x in range(60)] for y in range(40)]
    for y in range(40):
        for x in range(60):
            assert white[y][x] == ((x - 2) % 15 < 10 and (y - 3) % 13 < 8), (x, y)


def test_tiles_without_space_between_cover_everything() -> None:
    after = laid({"batch": "1", "spacing": "0", "dissolve": "100"}, flat(7, 3, 1, 2, 3, 255))
    assert (after.min(), after.max()) == (1, 3)


def test_it_turns_clockwise_and_takes_the_room_it_then_needs() -> None:
    mark = flat(10, 4, 250, 0, 0, 255).insert(flat(2, 4, 0, 250, 0, 255), 0, 0)
    after = laid({"degree": "90", "dissolve": "100", "gravity": "northwest"}, mark)
    assert changed(numbered(FRAME), after) == (0, 0, 4, 10)
    assert after(1, 0) == [0, 250, 0], "what was left is on top"
    diagonal = laid({"degree": "45", "dissolve": "100", "gravity": "northwest"}, mark)
    assert diagonal(0, 0) == numbered(FRAME)(0, 0), "corners that open are clear"
    assert changed(numbered(FRAME), diagonal)[2:] == pytest.approx((10, 10), abs=1)


def test_the_edge_of_a_turned_mark_has_no_dark_seam() -> None:
    white = (pyvips.Image.black(60, 40) + 255).cast("uchar").copy(interpretation="b-w")
    after = laid({"degree": "30", "dissolve": "100", "gravity": "center"}, flat(20, 10, 255, 255), image=white)
    assert after.min() == 255


@pytest.mark.parametrize(
    ("share", "expected_px"),
    [(Share(1, 500), (30, 15)), (Share(2, 500), (40, 20)), (Share(3, 250), (35, 17)), (Share(1, 1), (1, 1)),
     (Share(2, 1000), (80, 40))],
    ids=str,
)  # fmt: skip
def test_a_share_of_the_picture_keeps_the_marks_shape(share: Share, expected_px: tuple[int, int]) -> None:
    assert share.size((60, 40), (16, 8)) == expected_px


def test_no_share_makes_a_side_that_libvips_cannot_count() -> None:
    assert Share(2, 1000).size((10_000, 10_000), (5000, 1)) == (1_000_000, 10_000)


@pytest.mark.parametrize("name", ["dx", "dy", "dissolve", "degree", "batch", "spacing", "scatype", "spcent", "gravity"])
@pytest.mark.parametrize("value", ["", "-1", "1.5", "x", "99999999999", "１"])
def test_a_bad_number_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Laying.parse({"scatype": "1", "spcent": "5", name: value})
    assert caught.value.public.startswith(f"{name}: {value[:5]!r}"[:-1])


@pytest.mark.parametrize("given", [
    {"dissolve": "0"}, {"dissolve": "101"}, {"degree": "361"}, {"spacing": "101"}, {"batch": "2"}, {"scatype": "0", "spcent": "1"},
    {"scatype": "4", "spcent": "1"}, {"scatype": "1"}, {"scatype": "1", "spcent": "0"}, {"scatype": "1", "spcent": "1001"},
    {"scatype": "3", "spcent": "251"}, {"gravity": "middle"},
], ids=str)  # fmt: skip
def test_what_is_out_of_range_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument):
        Laying.parse(given)


@pytest.mark.parametrize(("given", "text"), [
    ({}, ""), ({"gravity": "SouthEast", "dx": "0", "dissolve": "90", "degree": "360", "batch": "0", "spacing": "7"}, ""),
    ({"gravity": "North", "dx": "5", "dy": "6"}, "/gravity/north/dy/6"),
    ({"batch": "1", "spacing": "10"}, "/batch/1"), ({"batch": "1", "spacing": "0"}, "/batch/1/spacing/0"),
    ({"spcent": "5"}, ""), ({"scatype": "3", "spcent": "250"}, "/scatype/3/spcent/250"),
])  # fmt: skip
def test_one_meaning_has_one_text(given: dict[str, str], text: str) -> None:
    assert Laying.parse(given).format() == text
