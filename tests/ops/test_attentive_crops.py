"""focus and scrop: crops that look at the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import pyvips
from painting import PlainTools, difference, geometry, numbered, pages

from proxy.core.model import Frame
from proxy.core.plan import Box
from proxy.errors import InvalidArgument
from proxy.ops.focus import Focus
from proxy.ops.scrop import FaceCrop

WIDE = Frame(width_px=96, height_px=54)


class Faces(PlainTools):
    """Tools that find these faces."""

    def __init__(self, *boxes: Box) -> None:
        self.boxes = boxes
        self.shown: list[tuple[int, int]] = []

    def faces(self, image: Any) -> Sequence[Box]:
        self.shown.append((image.width, image.height))
        return self.boxes


def left_top(image: Any) -> tuple[int, int]:
    return tuple(round(value) for value in image(0, 0)[:2])  # type: ignore[return-value]


@pytest.mark.parametrize(("text", "faces", "wanted"), [
    ("54x54", [(60, 10, 10, 10)], (38, 0)),                       # in the middle across; all of the height is kept
    ("54x54", [(90, 10, 6, 6)], (42, 0)),                         # ends at the edge
    ("54x54", [(0, 10, 6, 6)], (0, 0)),
    ("54x54", [(30, 0, 10, 10), (50, 0, 10, 10)], (18, 0)),       # in the middle of both
    ("54x54", [(0, 0, 10, 10), (80, 0, 9, 9)], (0, 0)),           # too far apart: the largest
    ("54x54", [(80, 0, 10, 10), (0, 0, 9, 9)], (42, 0)),
    ("96x20", [(30, 30, 10, 10)], (0, 25)),
    ("96x54", [(30, 30, 10, 10)], (0, 0)),
])  # fmt: skip
def test_the_window_lies_on_the_faces(text: str, faces: list[Box], wanted: tuple[int, int]) -> None:
    crop = FaceCrop.parse(text, {})
    image = crop.apply(numbered(WIDE), WIDE, Faces(*faces))
    assert f"{image.width}x{image.height}" == text
    assert left_top(image) == wanted


@pytest.mark.parametrize(("text", "size"), [("20x20", (20, 20)), ("200x20", (200, 20)), ("300x300", (300, 300))])
def test_the_picture_is_scaled_until_it_covers_the_size_larger_if_need_be(text: str, size: tuple[int, int]) -> None:
    image = FaceCrop.parse(text, {}).apply(numbered(WIDE), WIDE, Faces((60, 10, 10, 10)))
    assert geometry(image)[:2] == size


def test_without_a_face_the_picture_stays_as_it_is() -> None:
    image = numbered(WIDE)
    assert FaceCrop(20, 600).apply(image, WIDE, Faces()) is image


def test_what_is_measured_bounds_both_ends() -> None:
    bound = FaceCrop(20, 600).measure(WIDE)
    assert (bound.width_px, bound.height_px, bound.exact) == (96, 600, False)


def test_the_first_frame_decides_for_all() -> None:
    frame = Frame(width_px=40, height_px=30, frames=3)
    tools = Faces((20, 10, 5, 5))
    image = FaceCrop(20, 30).apply(numbered(frame), frame, tools)
    assert geometry(image) == (20, 30, 3, False)
    assert tools.shown == [(40, 30)]
    assert {left_top(page) for page in pages(image)} == {(12, 0)}


def test_focus_keeps_what_catches_the_eye() -> None:
    frame = Frame(width_px=300, height_px=100)
    dull = (pyvips.Image.black(300, 100, bands=3) + 120).cast("uchar").copy(interpretation="srgb")
    for x in (20, 140, 250):
        image = Focus(100, 100).apply(dull.draw_circle([230, 40, 30], x, 50, 15, fill=True), frame, PlainTools())
        assert geometry(image)[:2] == (100, 100)
        red = (image.extract_band(0) - image.extract_band(1)) > 100
        assert red.avg() > 255 * 0.05


@pytest.mark.parametrize("text", ["20x20", "300x20", "20x300", "96x54", "1x1"])
def test_focus_has_exactly_the_size_larger_if_need_be(text: str) -> None:
    focus = Focus.parse(text, {})
    image = focus.apply(numbered(WIDE), WIDE, PlainTools())
    after = focus.measure(WIDE)
    assert after.exact
    assert f"{image.width}x{image.height}" == text == f"{after.width_px}x{after.height_px}"


def test_focus_cuts_every_frame_at_the_same_place() -> None:
    frame = Frame(width_px=40, height_px=20, frames=3)
    image = Focus(20, 20).apply(numbered(frame), frame, PlainTools())
    first, *others = pages(image)
    assert all(difference(first.extract_band(0), other.extract_band(0)) == 0 for other in others)


@pytest.mark.parametrize("kind", [Focus, FaceCrop])
@pytest.mark.parametrize(
    "text", ["", "x", "5x", "x5", "0x5", "5x0", "5", "-5x5", "5x5x5", "a", "1.5x2", "9999999999x1"]
)
def test_a_malformed_size_is_refused_by_name(kind: type[Focus | FaceCrop], text: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{kind.name}: "):
        kind.parse(text, {})


@pytest.mark.parametrize("kind", [Focus, FaceCrop])
def test_sides_are_clamped_and_spelled_once(kind: type[Focus | FaceCrop]) -> None:
    assert kind.parse("020000x05", {}).clamped(10_000).format() == f"{kind.name}/10000x5"
