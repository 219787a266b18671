"""iradius and rradius."""

from __future__ import annotations

import math

import pytest
import pyvips
from painting import TOOLS, difference, geometry, numbered, pages

from proxy.core.model import Frame
from proxy.core.schedule import Painter
from proxy.errors import InvalidArgument
from proxy.ops.iradius import InscribedCircle
from proxy.ops.rradius import RoundCorners

WIDE = Frame(width_px=96, height_px=54)


def outside(x: int, y: int, width: int, height: int, radius: int) -> float:
    """How far outside the round corners the middle of a pixel lies; negative inside."""
    across = max(radius - x - 0.5, x + 0.5 - (width - radius), 0)
    down = max(radius - y - 0.5, y + 0.5 - (height - radius), 0)
    return math.hypot(across, down) - radius


@pytest.mark.parametrize("radius", [1, 2, 5, 20, 27])
@pytest.mark.parametrize("kind", [InscribedCircle, RoundCorners])
def test_inside_is_as_it_was_and_outside_is_nothing(kind: type[InscribedCircle | RoundCorners], radius: int) -> None:
    operation = kind.parse(str(radius), {})
    image = operation.apply(numbered(WIDE), WIDE, TOOLS)
    after = operation.measure(WIDE)
    width, height = after.width_px, after.height_px
    assert geometry(image) == (width, height, 1, True)
    left, top = ((96 - width) // 2, (54 - height) // 2)
    pixels = image.write_to_memory()
    for y in range(height):
        for x in range(width):
            pixel = list(pixels[4 * (y * width + x) :][:4])
            distance = outside(x, y, width, height, radius)
            if distance <= -0.5:
                assert pixel == [x + left, y + top, 0, 255]
            elif distance >= 0.5:
                assert pixel == [0, 0, 0, 0]
            else:
                assert abs(pixel[3] - 255 * (0.5 - distance)) <= 1


def test_the_canvas_of_a_circle_just_holds_it_and_round_corners_keep_theirs() -> None:
    assert InscribedCircle(20).measure(WIDE) == Frame(width_px=40, height_px=40, alpha=True)
    assert RoundCorners(20).measure(WIDE) == Frame(width_px=96, height_px=54, alpha=True)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("grey", [False, True])
def test_what_was_half_transparent_remains_so(grey: bool, wide: bool) -> None:
    frame = Frame(width_px=20, height_px=20, alpha=True)
    image = numbered(frame, grey=grey)
    image = image.extract_band(0, n=image.bands - 1).bandjoin(128)
    if wide:
        image = image.colourspace("grey16" if grey else "rgb16")
    done = RoundCorners(5).apply(image, frame, TOOLS)
    assert (done.format, done.interpretation, done.bands) == (image.format, image.interpretation, image.bands)
    assert done(10, 10) == image(10, 10)
    assert done(0, 0) == [0] * image.bands


def test_wide_samples_get_a_wide_alpha() -> None:
    image = numbered(WIDE).colourspace("rgb16")
    assert RoundCorners(5).apply(image, WIDE, TOOLS)(10, 10)[3] == 65_535


def test_profile_and_exif_stay() -> None:
    image = numbered(WIDE).copy()
    for field in ("icc-profile-data", "exif-data"):
        image.set_type(pyvips.GValue.blob_type, field, b"told")
    for operation in (RoundCorners(5), InscribedCircle(5)):
        done = operation.apply(image, WIDE, TOOLS)
        assert [done.get(field) for field in ("icc-profile-data", "exif-data")] == [b"told", b"told"]


@pytest.mark.parametrize("operation", [InscribedCircle(9), RoundCorners(9)])
def test_every_frame_of_an_animation_is_rounded(operation: Painter) -> None:
    frame = Frame(width_px=40, height_px=30, frames=3)
    image = operation.apply(numbered(frame), frame, TOOLS)
    first, *others = pages(image)
    assert all(difference(first.extract_band(3), other.extract_band(3)) == 0 for other in others)
    assert [page(9, 9)[2] for page in pages(image)] == [0, 40, 80]


@pytest.mark.parametrize("kind", [InscribedCircle, RoundCorners])
def test_a_radius_of_more_than_half_the_shorter_side_is_refused_for_that_picture(
    kind: type[InscribedCircle | RoundCorners],
) -> None:
    kind.parse("27", {}).measure(WIDE)
    for text in ("28", "2147483647"):
        with pytest.raises(InvalidArgument, match=rf"^{kind.name}: .*from 1 to 27"):
            kind.parse(text, {}).measure(WIDE)
    with pytest.raises(InvalidArgument, match="from 1 to 0"):
        kind.parse("1", {}).measure(Frame(width_px=1, height_px=9))


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "x", "10x", "9999999999", "9" * 40, "²"])
@pytest.mark.parametrize("kind", [InscribedCircle, RoundCorners])
def test_a_malformed_radius_is_refused_by_name(kind: type[InscribedCircle | RoundCorners], text: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{kind.name}: "):
        kind.parse(text, {})
