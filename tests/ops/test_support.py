"""The catalogue, gravity, and what a format in between leaves of a picture."""

from __future__ import annotations

import types

import pytest
from painting import TOOLS, geometry, numbered, pages

from proxy.core.model import Frame
from proxy.ops import CATALOGUE, index
from proxy.ops.flip import Flip
from proxy.ops.gravity import Gravity
from proxy.ops.through import Through


def test_the_catalogue_has_every_operation_and_nothing_else() -> None:
    assert sorted(CATALOGUE) == [
        "auto-orient", "blur", "bright", "contrast", "crop", "cut", "flip", "focus", "grayscale", "imageView2", "indexcrop",
        "iradius", "rcrop", "rotate", "rradius", "saturation", "scrop", "sharpen", "thumbnail", "trim", "watermark/1",
        "watermark/2", "watermark/3",
    ]  # fmt: skip
    assert all(kind.name == name for name, kind in CATALOGUE.items())


def test_two_operations_of_one_name_are_refused() -> None:
    twin = type("Twin", (Flip,), {"__module__": "twin"})
    module = types.ModuleType("twin")
    module.__dict__["Twin"] = twin
    assert index([module]) == {"flip": twin}
    with pytest.raises(ValueError, match="both claim 'flip'"):
        index([module, module])


@pytest.mark.parametrize(("gravity", "left_top"), [
    (Gravity.NORTHWEST, (3, 5)), (Gravity.NORTH, (45, 5)), (Gravity.NORTHEAST, (87, 5)),
    (Gravity.WEST, (3, 20)), (Gravity.CENTER, (45, 20)), (Gravity.EAST, (87, 20)),
    (Gravity.SOUTHWEST, (3, 35)), (Gravity.SOUTH, (45, 35)), (Gravity.SOUTHEAST, (87, 35)),
])  # fmt: skip
def test_offsets_go_inward_from_each_of_the_nine_anchors(gravity: Gravity, left_top: tuple[int, int]) -> None:
    assert gravity.place((100, 50), (10, 10), (3, 5)) == left_top
    assert Gravity.parse(gravity.name.title()) is gravity


@pytest.mark.parametrize(("white", "wide"), [(255, False), (65_535, True)])
def test_through_a_format_without_alpha_clear_parts_become_white(white: int, wide: bool) -> None:
    frame = Frame(width_px=8, height_px=6, alpha=True)
    clear = numbered(frame).extract_band(0, n=3).bandjoin(0)
    through = Through(alpha=False)
    image = through.apply(clear.colourspace("rgb16") if wide else clear, frame, TOOLS)
    assert image(4, 4) == [white] * 3
    assert not through.measure(frame).alpha


@pytest.mark.parametrize("decoded", [3, 1])
def test_through_a_format_without_animation_the_first_frame_is_left(decoded: int) -> None:
    frame = Frame(width_px=8, height_px=6, frames=3)
    image = numbered(frame)
    if decoded == 1:
        image = pages(image)[0].copy()
        image.remove("page-height")
    through = Through(animation=False)
    left = through.apply(image, frame, TOOLS)
    assert geometry(left) == (8, 6, 1, False)
    assert left.get_typeof("page-height") == 0
    assert left.extract_band(2).max() == 0
    assert through.measure(frame) == Frame(width_px=8, height_px=6)
