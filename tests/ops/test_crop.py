from __future__ import annotations

import pytest
from painting import TOOLS, difference, geometry, numbered, pages

from proxy.core.model import Frame
from proxy.errors import InvalidArgument
from proxy.ops.crop import Crop

WIDE = Frame(width_px=96, height_px=54)


def size_of(frame: Frame) -> tuple[int, int]:
    return frame.width_px, frame.height_px


@pytest.mark.parametrize(("text", "scaled", "size"), [
    ("30x40", (71, 40), (30, 40)),      # 71.1
    ("30x", (96, 54), (30, 54)),        # a side that is missing keeps the source's
    ("x20", (96, 54), (96, 20)),
    ("20x20", (36, 20), (20, 20)),      # 35.6
    ("96x54", (96, 54), (96, 54)),
    ("48x27", (48, 27), (48, 27)),
    ("90x1", (90, 51), (90, 1)),        # 50.6
    ("1x1", (2, 1), (1, 1)),
])  # fmt: skip
def test_crop_scales_until_it_covers_and_has_exactly_the_size(
    text: str, scaled: tuple[int, int], size: tuple[int, int]
) -> None:
    crop = Crop.parse(text, {})
    assert crop.scaled(WIDE) == scaled
    assert size_of(crop.measure(WIDE)) == size
    assert geometry(crop.apply(numbered(WIDE), WIDE, TOOLS))[:2] == size


@pytest.mark.parametrize(("gravity", "offset", "left_top"), [
    ("northwest", (0, 0), (0, 0)), ("north", (0, 0), (33, 0)), ("northeast", (0, 0), (66, 0)),
    ("west", (0, 0), (0, 0)), ("center", (0, 0), (33, 0)), ("east", (0, 0), (66, 0)),
    ("southwest", (0, 0), (0, 0)), ("south", (0, 0), (33, 0)), ("southeast", (0, 0), (66, 0)),
    ("northwest", (5, 0), (5, 0)), ("northeast", (5, 0), (61, 0)), ("north", (5, 0), (33, 0)),
    ("northwest", (500, 500), (66, 0)),      # an offset ends at the edge; the size is a promise
])  # fmt: skip
def test_gravity_and_offset_choose_what_is_kept(
    gravity: str, offset: tuple[int, int], left_top: tuple[int, int]
) -> None:
    crop = Crop.parse("30x", {"gravity": gravity, "dx": str(offset[0]), "dy": str(offset[1])})
    assert crop.apply(numbered(WIDE), WIDE, TOOLS)(0, 0)[:2] == list(left_top)


@pytest.mark.parametrize("text", ["97x", "x55", "97x54", "2000x"])
def test_a_side_longer_than_the_pictures_is_refused_for_that_picture(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^crop: .*96x54"):
        Crop.parse(text, {}).measure(WIDE)


@pytest.mark.parametrize(
    "text", ["", "x", "0x5", "5x0", "5", "5x5x", "axb", "-5x5", "5.0x5", "99999999999x", "5x5!", " 5x5"]
)
def test_a_malformed_size_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^crop: "):
        Crop.parse(text, {})


@pytest.mark.parametrize(("name", "value"), [
    ("gravity", ""), ("gravity", "middle"), ("gravity", "ſouth"), ("dx", "-1"), ("dx", ""), ("dy", "1e1"), ("dy", "9" * 40),
])  # fmt: skip
def test_a_malformed_modifier_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{name}: "):
        Crop.parse("5x5", {name: value})


@pytest.mark.parametrize(("text", "modifiers", "canonical"), [
    ("0030x", {}, "crop/30x"),
    ("30x40", {"gravity": "SouthEast"}, "crop/30x40/gravity/southeast"),
    ("30x40", {"gravity": "northWest", "dx": "0"}, "crop/30x40"),
    ("x40", {"dx": "07", "dy": "3"}, "crop/x40/dx/7/dy/3"),
    ("30x40", {"gravity": "center", "dx": "7", "dy": "3"}, "crop/30x40/gravity/center"),
    ("30x40", {"gravity": "north", "dx": "7", "dy": "3"}, "crop/30x40/gravity/north/dy/3"),
    ("30x40", {"gravity": "east", "dx": "7", "dy": "3"}, "crop/30x40/gravity/east/dx/7"),
])  # fmt: skip
def test_one_meaning_has_one_spelling(text: str, modifiers: dict[str, str], canonical: str) -> None:
    assert Crop.parse(text, modifiers).format() == canonical


def test_every_frame_of_an_animation_is_cropped_alike() -> None:
    frame = Frame(width_px=64, height_px=50, frames=3)
    image = Crop.parse("20x30", {"gravity": "center"}).apply(numbered(frame), frame, TOOLS)
    assert geometry(image) == (20, 30, 3, False)
    first, *others = pages(image)
    assert all(difference(first.extract_band(0), other.extract_band(0)) <= 1 for other in others)


def test_pixels_that_were_shrunk_on_load_are_cropped_from_the_same_place() -> None:
    frame = Frame(width_px=200, height_px=100)
    crop = Crop.parse("40x40", {"gravity": "east"})
    whole = numbered(frame)
    assert difference(crop.apply(whole.resize(0.5), frame, TOOLS), crop.apply(whole, frame, TOOLS)) < 6


def test_clamping_reads_long_sides_as_the_limit() -> None:
    assert Crop.parse("20000x", {}).clamped(10_000) == Crop.parse("10000x", {})
