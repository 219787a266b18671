from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from painting import TOOLS, geometry, numbered

from proxy.core.grammar import format_plan, parse_plan
from proxy.core.model import Frame
from proxy.errors import InvalidArgument
from proxy.ops.indexcrop import IndexCrop

WIDE = Frame(width_px=96, height_px=54)


@pytest.mark.parametrize(("text", "size", "left_top"), [
    ("width/30", (30, 54), (0, 0)), ("width/30/index/0", (30, 54), (0, 0)), ("width/30/index/2", (30, 54), (60, 0)),
    ("width/30/index/3", (6, 54), (90, 0)), ("height/30/index/1", (96, 24), (0, 30)), ("width/96", (96, 54), (0, 0)),
    ("height/54", (96, 54), (0, 0)), ("width/1/index/95", (1, 54), (95, 0)), ("width/0030/index/01", (30, 54), (30, 0)),
    ("height/30/width/0/index/1/height/30", None, None),
])  # fmt: skip
def test_a_piece_is_found_by_its_number(
    text: str, size: tuple[int, int] | None, left_top: tuple[int, int] | None
) -> None:
    if size is None:
        with pytest.raises(InvalidArgument, match=r"^indexcrop: .*one of them"):
            parse_plan(f"imageMogr2/indexcrop/{text}")
        return
    (crop,) = parse_plan(f"imageMogr2/indexcrop/{text}").stages[0].operations
    image = crop.apply(numbered(WIDE), WIDE, TOOLS)
    assert geometry(image)[:2] == size == (crop.measure(WIDE).width_px, crop.measure(WIDE).height_px)
    assert tuple(image(0, 0)[:2]) == left_top


@given(st.integers(1, 200), st.integers(1, 200), st.sampled_from(["width", "height"]))
def test_the_pieces_together_are_the_picture(side: int, piece: int, along: str) -> None:
    frame = Frame(width_px=side, height_px=side)
    total = number = 0
    while True:
        try:
            after = IndexCrop(along, piece, number).measure(frame)
        except InvalidArgument:
            break
        total += after.width_px if along == "width" else after.height_px
        number += 1
    assert total == (side if piece <= side else 0)


@pytest.mark.parametrize(("text", "name"), [
    ("width/97", "indexcrop/width"), ("height/55", "indexcrop/height"), ("width/30/index/4", "index"),
    ("width/96/index/1", "index"), ("width/30/index/2147483647", "index"),
])  # fmt: skip
def test_what_this_picture_has_not_is_refused(text: str, name: str) -> None:
    (crop,) = parse_plan(f"imageMogr2/indexcrop/{text}").stages[0].operations
    with pytest.raises(InvalidArgument, match=f"^{name}: "):
        crop.measure(WIDE)


@pytest.mark.parametrize(("text", "name"), [
    ("", "indexcrop"), ("width", "indexcrop/width"), ("width/", "indexcrop/width"), ("depth/5", "indexcrop"),
    ("width/0", "indexcrop/width"), ("width/-1", "indexcrop/width"), ("width/x", "indexcrop/width"),
    ("height/9999999999", "indexcrop/height"), ("300", "indexcrop"), ("width/5/height/5", "indexcrop"),
    ("width/5/index/-1", "index"), ("width/5/index/", "index"), ("width/5/index/1.0", "index"),
])  # fmt: skip
def test_what_is_malformed_is_refused_by_name(text: str, name: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{name}: "):
        parse_plan(f"imageMogr2/indexcrop/{text}")


def test_the_next_parameter_is_read_as_one() -> None:
    text = "imageMogr2/thumbnail/50x/indexcrop/width/07/rotate/90/index/2/format/png"
    assert format_plan(parse_plan(text)) == "imageMogr2/thumbnail/50x/indexcrop/width/7/index/2/rotate/90/format/png"


def test_given_twice_it_counts_once_as_given_last() -> None:
    text = "imageMogr2/indexcrop/width/7/indexcrop/height/9"
    assert format_plan(parse_plan(text)) == "imageMogr2/indexcrop/height/9"
