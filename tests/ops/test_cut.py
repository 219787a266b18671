from __future__ import annotations

import pytest
from painting import TOOLS, geometry, numbered, pages

from proxy.core.model import Frame
from proxy.errors import InvalidArgument
from proxy.ops.cut import Cut

WIDE = Frame(width_px=96, height_px=54)


@pytest.mark.parametrize(("text", "gravity", "left_top", "size"), [
    ("60x40x10x1", "northwest", (10, 1), (60, 40)),
    ("40x40", "northwest", (0, 0), (40, 40)),           # as clients in the wild write it
    ("10x10x1x2", "southeast", (85, 42), (10, 10)),     # offsets go inward
    ("10x10x1x2", "northeast", (85, 2), (10, 10)),
    ("10x10x1x2", "southwest", (1, 42), (10, 10)),
    ("10x10x5x5", "center", (43, 22), (10, 10)),        # centred axes ignore their offset
    ("10x10x5x5", "north", (43, 5), (10, 10)),
    ("10x10x5x5", "west", (5, 22), (10, 10)),
    ("60x60x10x1", "northwest", (10, 1), (60, 53)),     # clipped
    ("60x60x10x1", "southeast", (26, 0), (60, 53)),
    ("500x500", "center", (0, 0), (96, 54)),
    ("1x1x95x53", "northwest", (95, 53), (1, 1)),
])  # fmt: skip
def test_cut_takes_the_rectangle_clipped_to_the_picture(
    text: str, gravity: str, left_top: tuple[int, int], size: tuple[int, int]
) -> None:
    cut = Cut.parse(text, {"gravity": gravity})
    after = cut.measure(WIDE)
    image = cut.apply(numbered(WIDE), WIDE, TOOLS)
    assert (after.width_px, after.height_px) == geometry(image)[:2] == size
    assert image(0, 0)[:2] == list(left_top)


@pytest.mark.parametrize("text", ["1x1x96x0", "1x1x0x54", "5x5x2147483647x0"])
def test_a_rectangle_outside_the_picture_is_refused_for_that_picture(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^cut: .*96x54"):
        Cut.parse(text, {}).measure(WIDE)


@pytest.mark.parametrize("text", [
    "", "x", "5", "5x", "x5", "5x5x", "5x5x1", "5x5x1x", "5x5x1x1x", "0x5x0x0", "5x0x0x0", "5x5x-1x0", "5x5x1.0x0",
    "5x5x9999999999x0", "99999999999x5x0x0", "axbxcxd", " 5x5x0x0",
])  # fmt: skip
def test_a_malformed_rectangle_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^cut: "):
        Cut.parse(text, {})


@pytest.mark.parametrize(("text", "gravity", "canonical"), [
    ("040x40", "northwest", "cut/40x40x0x0"),
    ("40x40x1x2", "SOUTHEAST", "cut/40x40x1x2/gravity/southeast"),
    ("40x40x1x2", "center", "cut/40x40x0x0/gravity/center"),
])  # fmt: skip
def test_one_meaning_has_one_spelling(text: str, gravity: str, canonical: str) -> None:
    assert Cut.parse(text, {"gravity": gravity}).format() == canonical


def test_every_frame_of_an_animation_is_cut_at_the_same_place() -> None:
    frame = Frame(width_px=30, height_px=20, frames=3, alpha=True)
    image = Cut.parse("10x5x3x4", {}).apply(numbered(frame), frame, TOOLS)
    assert geometry(image) == (10, 5, 3, True)
    assert [page(0, 0) for page in pages(image)] == [[3, 4, 0, 255], [3, 4, 40, 252], [3, 4, 80, 249]]


def test_clamping_reads_long_sides_as_the_limit() -> None:
    assert Cut.parse("20000x20000x7x8", {}).clamped(10_000) == Cut.parse("10000x10000x7x8", {})
