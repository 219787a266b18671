from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from painting import TOOLS, geometry, numbered

from proxy.core.model import Frame
from proxy.errors import InvalidArgument
from proxy.ops.rcrop import RatioCrop

SIDE = st.integers(1, 5000)


@pytest.mark.parametrize(("text", "own", "kept", "left_top"), [
    ("50x100", (100, 50), (50, 50), (25, 0)),
    ("50x100", (50, 100), (50, 100), (0, 0)),
    ("50x100", (20, 100), (20, 40), (0, 30)),
    ("100x100", (96, 54), (54, 54), (21, 0)),
    ("300x10000", (60, 60), (60, 20), (0, 20)),
    ("1x1", (60, 60), (1, 60), (29, 0)),          # 0.6, and a side is never 0
])  # fmt: skip
def test_the_middle_is_kept_of_what_is_too_wide_or_too_tall(
    text: str, own: tuple[int, int], kept: tuple[int, int], left_top: tuple[int, int]
) -> None:
    crop, frame = RatioCrop.parse(text, {}), Frame(width_px=own[0], height_px=own[1])
    image = crop.apply(numbered(frame), frame, TOOLS)
    assert geometry(image)[:2] == kept
    assert tuple(image(0, 0)[:2]) == left_top


@given(SIDE, SIDE, st.integers(1, 10_000), st.integers(1, 10_000))
def test_only_one_side_is_cut_and_the_ratio_then_lies_in_between(width: int, height: int, one: int, other: int) -> None:
    least, most = sorted((one, other))
    after = RatioCrop(least, most).measure(Frame(width_px=width, height_px=height))
    assert after.width_px == width or after.height_px == height
    assert after.width_px <= width
    assert after.height_px <= height
    # Half a pixel was rounded, and no side is less than 1.
    assert 100 * (after.width_px + 0.5) >= least * (after.height_px - 1)
    assert 100 * (after.width_px - 1) <= most * (after.height_px + 0.5)


@pytest.mark.parametrize("text", [
    "", "x", "50", "50x", "x100", "0x100", "50x0", "50x10001", "100x50", "-5x50", "a", "1.5x2", "5x5x5", "9" * 40 + "x1",
])  # fmt: skip
def test_a_malformed_ratio_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^rcrop: "):
        RatioCrop.parse(text, {})


def test_one_meaning_has_one_spelling() -> None:
    assert RatioCrop.parse("050x0100", {}).format() == "rcrop/50x100"
