from __future__ import annotations

from typing import Any

import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from painting import TOOLS, geometry

from proxy.core.model import Frame
from proxy.errors import InvalidArgument
from proxy.ops.trim import Trim


def bordered(
    border: list[int], content: list[int], box: tuple[int, int, int, int], size: tuple[int, int] = (40, 30)
) -> Any:
    """*content* in *box* (left, top, width, height) on *border*."""
    kind = {1: "b-w", 2: "b-w", 3: "srgb", 4: "srgb"}[len(border)]
    blank = (pyvips.Image.black(*size, bands=len(border)) + border).cast("uchar").copy(interpretation=kind)
    return blank.draw_rect(content, *box, fill=True)


def trimmed(image: Any, threshold: int = 10) -> tuple[int, int, int, int]:
    """Left, top, width and height of what is left."""
    frame = Frame(width_px=image.width, height_px=image.height, alpha=image.hasalpha())
    done = Trim.parse(str(threshold), {}).apply(image, frame, TOOLS)
    return -done.xoffset, -done.yoffset, done.width, done.height


@given(data=st.data(), seed=st.integers(0, 255))
def test_what_is_left_is_the_box_that_differs(data: st.DataObject, seed: int) -> None:
    left, top = data.draw(st.integers(0, 30)), data.draw(st.integers(0, 20))
    box = (left, top, data.draw(st.integers(2, 40 - left)), data.draw(st.integers(2, 30 - top)))
    image = bordered([seed, 10, 200], [(seed + 90) % 256, 10, 200], box)
    # A box over the top left pixel takes the part of the border; then what is around it is what differs.
    if (left, top) != (0, 0):
        assert trimmed(image) == box
    left_px, top_px, width_px, height_px = trimmed(image)
    assert 0 <= left_px <= left_px + width_px <= 40
    assert 0 <= top_px <= top_px + height_px <= 30


@pytest.mark.parametrize(("border", "content"), [
    ([10], [90]),
    ([10, 20, 30], [10, 20, 50]),
    ([10, 20, 30, 0], [10, 20, 30, 255]),      # transparency is a difference
    ([0, 0, 0, 0], [0, 0, 0, 255]),
    ([9, 0], [9, 255]),
])  # fmt: skip
def test_any_sample_makes_a_difference(border: list[int], content: list[int]) -> None:
    assert trimmed(bordered(border, content, (5, 6, 7, 8))) == (5, 6, 7, 8)


def test_what_is_transparent_has_no_colour() -> None:
    image = bordered([10, 20, 30, 0], [200, 20, 30, 0], (5, 6, 7, 8)).draw_rect([9, 9, 9, 255], 6, 7, 3, 3, fill=True)
    assert trimmed(image) == (6, 7, 3, 3)


@pytest.mark.parametrize(("threshold", "kept"), [(0, True), (9, True), (10, False), (254, False)])
def test_the_threshold_is_how_much_a_border_may_vary(threshold: int, kept: bool) -> None:
    image = bordered([100, 100, 100], [100, 110, 100], (5, 6, 7, 8))
    assert trimmed(image, threshold) == ((5, 6, 7, 8) if kept else (0, 0, 40, 30))


def test_in_16_bits_it_is_as_much_of_white() -> None:
    image = bordered([100, 100, 100], [100, 110, 100], (5, 6, 7, 8)).colourspace("rgb16")
    assert trimmed(image, 9) == (5, 6, 7, 8)
    assert trimmed(image, 10) == (0, 0, 40, 30)


def test_a_picture_that_is_all_border_stays_and_so_does_one_without() -> None:
    assert trimmed(bordered([1, 2, 3], [1, 2, 3], (0, 0, 1, 1))) == (0, 0, 40, 30)
    x = pyvips.Image.xyz(40, 30).extract_band(0).cast("uchar").copy(interpretation="b-w")
    assert trimmed(x, 0)[1:] == (0, 39, 30)
    assert trimmed(bordered([7], [7], (0, 0, 1, 1), (1, 1))) == (0, 0, 1, 1)


def test_a_speck_is_no_content_but_a_thin_line_is() -> None:
    image = bordered([250], [0], (10, 10, 5, 5)).draw_rect([0], 30, 25, 1, 1).draw_rect([0], 3, 28, 1, 1)
    assert trimmed(image) == (10, 10, 5, 5)
    assert trimmed(image.draw_line([0], 20, 2, 20, 8)) == (10, 2, 11, 13)


def test_all_frames_lose_the_same() -> None:
    one, other = bordered([0], [90], (5, 6, 7, 8)), bordered([50], [90], (20, 2, 4, 4))
    blank = bordered([50], [50], (0, 0, 1, 1))
    film = pyvips.Image.arrayjoin([one, other, blank], across=1).copy()
    film.set_type(pyvips.GValue.gint_type, "page-height", 30)
    frame = Frame(width_px=40, height_px=30, frames=3)
    assert geometry(Trim(10).apply(film, frame, TOOLS)) == (19, 12, 3, False)


def test_what_is_measured_is_a_bound() -> None:
    frame = Frame(width_px=40, height_px=30)
    assert Trim(10).measure(frame) == Frame(width_px=40, height_px=30, exact=False)


@pytest.mark.parametrize("text", ["", "-1", "255", "1.5", "x", "9" * 40])
def test_a_malformed_threshold_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^trim: .*from 0 to 254"):
        Trim.parse(text, {})
