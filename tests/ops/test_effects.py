"""Effects: every pixel by a formula one can check by hand, neighbours only within the radius and the page."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from painting import TOOLS, difference, numbered, pages

from proxy.core.grammar import format_plan, parse_plan
from proxy.core.model import Frame
from proxy.errors import InvalidArgument
from proxy.ops import PARAMETERS
from proxy.ops.gaussian import weights

EFFECTS = ("blur", "bright", "contrast", "grayscale", "saturation", "sharpen")
TOPS = {"uchar": 255, "ushort": 65_535}
SPACES = {"uchar": ("srgb", "b-w"), "ushort": ("rgb16", "grey16")}


def effect(text: str, image: Any, frames: int = 1) -> Any:
    name, value = text.split("/")
    operation = PARAMETERS[name].parse(value, {})
    assert operation is not None
    height_px = image.height // frames
    frame = Frame(width_px=image.width, height_px=height_px, frames=frames, alpha=image.hasalpha())
    assert operation.measure(frame) == frame
    return operation.apply(image, frame, TOOLS).copy_memory()


def one_pixel(levels: list[int], format_: str, *, side_px: int = 1) -> Any:
    """A picture of one colour; the last of two or four levels is alpha."""
    image = (pyvips.Image.black(side_px, side_px) + levels).cast(format_)
    return image.copy(interpretation=SPACES[format_][len(levels) < 3])


def checkered(side_px: int = 24, *, alpha: int | None = None) -> Any:
    """Four-pixel squares of two colours."""
    x, y = pyvips.Image.xyz(side_px, side_px).bandsplit()
    odd = ((x // 4).floor() + (y // 4).floor()) % 2 == 1
    image = odd.ifthenelse([200, 90, 30], [20, 130, 220]).cast("uchar")
    return (image if alpha is None else image.bandjoin(alpha)).copy(interpretation="srgb")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("blur/8x5", "blur/8x5"),
        ("blur/08x05.50", "blur/8x5.5"),
        ("blur/1x0.0001", "blur/1x0.001"),
        ("blur/50x1000000", "blur/50x1000"),
        ("blur/50x9999999999.9999999999", "blur/50x1000"),
        ("sharpen/010", "sharpen/10"),
        ("sharpen/300", "sharpen/300"),
        ("bright/-100", "bright/-100"),
        ("bright/007", "bright/7"),
        ("contrast/100", "contrast/100"),
        ("saturation/-05", "saturation/-5"),
        ("grayscale/1", "grayscale/1"),
        ("bright/0", ""),
        ("bright/-0", ""),
        ("contrast/0", ""),
        ("saturation/000", ""),
        ("grayscale/0", ""),
    ],
)
def test_an_effect_has_one_spelling_and_none_if_it_does_nothing(text: str, canonical: str) -> None:
    assert format_plan(parse_plan(f"imageMogr2/{text}")) == "/".join(filter(None, ["imageMogr2", canonical]))


@pytest.mark.parametrize(
    "text",
    [
        *(f"{name}/{value}" for name in EFFECTS for value in ("", "x", "5x", "1e2", "+5", "٣", "99999999999", "5.5", "--5")),
        "blur/8", "blur/x5", "blur/0x5", "blur/51x5", "blur/-1x5", "blur/8x0", "blur/8x0.0", "blur/8x-5", "blur/8x.5",
        "blur/8x5.", "blur/8x5x2", "blur/8xinf", "blur/8xnan", "blur/8x99999999999", "blur/8x1e9", "sharpen/0",
        "sharpen/9", "sharpen/301", "sharpen/-70", "bright/101", "bright/-101", "contrast/101", "contrast/-101",
        "saturation/101", "saturation/-101", "grayscale/2", "grayscale/-1", "grayscale/true",
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_named_with_its_value_and_its_range(text: str) -> None:
    name, value = text.split("/")
    with pytest.raises(InvalidArgument) as caught:
        parse_plan(f"imageMogr2/{text}")
    assert name in caught.value.public
    assert value in caught.value.public


def bright(value: int) -> Callable[[float], float]:
    return lambda level: level + value / 100


def contrast(value: int) -> Callable[[float], float]:
    if value == 100:
        return lambda level: float(level > 0.5)
    slope = 1 + value / 100 if value < 0 else 100 / (100 - value)
    return lambda level: (level - 0.5) * slope + 0.5


@pytest.mark.parametrize("format_", TOPS)
@pytest.mark.parametrize("name", ["bright", "contrast"])
@given(value=st.integers(-100, 100).filter(bool), shares=st.lists(st.floats(0, 1), min_size=4, max_size=4))
@settings(max_examples=60)
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_light_and_contrast_follow_their_lines(
    name: str, format_: str, bands: int, value: int, shares: list[float]
) -> None:
    top = TOPS[format_]
    levels = [round(share * top) for share in shares[:bands]]
    line = {"bright": bright, "contrast": contrast}[name](value)
    colours = bands - (bands % 2 == 0)
    wanted = [min(1.0, max(0.0, line(level / top))) * top for level in levels[:colours]] + levels[colours:]
    found = effect(f"{name}/{value}", one_pixel(levels, format_))
    assert all(abs(a - b) <= 0.51 for a, b in zip(found(0, 0), wanted, strict=True))
    assert (found.format, found.interpretation) == (format_, SPACES[format_][bands < 3])


@pytest.mark.parametrize(("text", "levels"), [("bright/100", 255), ("bright/-100", 0), ("contrast/-100", 128)])
def test_the_ends_of_the_scales_leave_one_colour(text: str, levels: int) -> None:
    found = effect(text, checkered())
    assert (found.min(), found.max()) == (levels, levels)


def test_half_a_level_brighter_keeps_every_level_apart() -> None:
    """10 % of 255 is 25.5."""
    ramp = pyvips.Image.identity()
    found = effect("bright/10", ramp.copy(interpretation="b-w"))
    assert [found(x, 0)[0] for x in range(200)] == [x + 26 for x in range(200)]


@given(value=st.integers(-100, 100).filter(bool), levels=st.lists(st.integers(0, 255), min_size=4, max_size=4))
@pytest.mark.parametrize("scale", [1, 257])
def test_saturation_moves_colours_from_their_grey(value: int, levels: list[int], scale: int) -> None:
    format_ = "uchar" if scale == 1 else "ushort"
    levels = [level * scale for level in levels]
    found = effect(f"saturation/{value}", one_pixel(levels, format_))(0, 0)
    grey = 0.213 * levels[0] + 0.715 * levels[1] + 0.072 * levels[2]
    wanted = [min(255 * scale, max(0, grey + (level - grey) * (1 + value / 100))) for level in levels[:3]]
    assert all(abs(a - b) <= 0.51 for a, b in zip(found[:3], wanted, strict=True))
    assert found[3] == levels[3]


@pytest.mark.parametrize("text", ["saturation/100", "saturation/-100", "grayscale/1"])
@pytest.mark.parametrize("levels", [[90], [90, 200]])
def test_grey_has_no_colour_to_change(text: str, levels: list[int]) -> None:
    assert effect(text, one_pixel(levels, "uchar"))(0, 0) == levels


def luminance(levels: list[int], top: int) -> float:
    """The grey of sRGB of the same CIE Y (IEC 61966-2-1)."""

    def light(share: float) -> float:
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    y = sum(weight * light(level / top) for weight, level in zip((0.2126, 0.7152, 0.0722), levels, strict=True))
    return top * (12.92 * y if y <= 0.0031308 else 1.055 * y ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("format_", TOPS)
@given(levels=st.lists(st.integers(0, 255), min_size=4, max_size=4))
def test_grayscale_is_as_light_as_the_colour_was(format_: str, levels: list[int]) -> None:
    top = TOPS[format_]
    levels = [level * top // 255 for level in levels]
    found = effect("grayscale/1", one_pixel(levels, format_))
    assert found.interpretation == SPACES[format_][1]
    grey, alpha = found(0, 0)
    assert abs(grey - luminance(levels[:3], top)) <= top / 255
    assert alpha == levels[3]


@pytest.mark.parametrize("text", ["bright/30", "contrast/-40", "saturation/70", "grayscale/1", "sharpen/300"])
def test_alpha_is_no_colour(text: str) -> None:
    image = numbered(Frame(width_px=40, height_px=30, alpha=True))
    alpha = (image.extract_band(0) * 6).cast("uchar")
    image = image.extract_band(0, n=3).bandjoin(alpha).copy(interpretation="srgb")
    found = effect(text, image)
    assert difference(found.extract_band(found.bands - 1), alpha) == 0


@pytest.mark.parametrize("text", ["bright/30", "contrast/60", "saturation/-70", "grayscale/1"])
@given(x=st.integers(0, 39), y=st.integers(0, 29))
@settings(max_examples=20)
def test_a_pixel_does_not_depend_on_others(text: str, x: int, y: int) -> None:
    image = numbered(Frame(width_px=40, height_px=30, alpha=True))
    assert effect(text, image)(x, y) == effect(text, image.crop(x, y, 1, 1))(0, 0)


@given(radius_px=st.integers(1, 50), sigma_px=st.floats(0.001, 1000))
def test_weights_are_symmetric_and_what_vectors_compute_exactly(radius_px: int, sigma_px: float) -> None:
    found = weights(radius_px, sigma_px)
    total = sum(found)
    assert len(found) == 2 * radius_px + 1
    assert found == found[::-1]
    assert total & (total - 1) == 0
    assert min(found) >= 0
    assert max(found) <= 64
    bell = [math.exp(-0.5 * (distance / sigma_px) ** 2) for distance in range(-radius_px, radius_px + 1)]
    assert all(abs(a - b * total / sum(bell)) <= 1.5 for a, b in zip(found, bell, strict=True))


@pytest.mark.parametrize("format_", TOPS)
@pytest.mark.parametrize(("radius_px", "sigma"), [(1, "1"), (8, "5"), (50, "12"), (50, "1000000")])
def test_blur_is_the_gaussian_cut_off_at_its_radius(format_: str, radius_px: int, sigma: str) -> None:
    side_px, top = 2 * radius_px + 21, TOPS[format_]
    image = pyvips.Image.gaussnoise(side_px, side_px, mean=top / 2, sigma=top / 5, seed=7).cast(format_)
    image = image.copy(interpretation=SPACES[format_][1])
    bell = [math.exp(-0.5 * (d / min(1000, float(sigma))) ** 2) for d in range(-radius_px, radius_px + 1)]
    mask = pyvips.Image.new_from_array([bell], scale=sum(bell))
    wanted = image.cast("double").convsep(mask, precision="float")
    found = effect(f"blur/{radius_px}x{sigma}", image)
    assert difference(found, wanted) <= top / 255 * 1.2
    assert abs((found.cast("double") - wanted).avg()) <= 0.05 * top / 255


@pytest.mark.parametrize(
    "levels", [[100], [100, 200], [7, 130, 250], [7, 130, 250, 128], [0, 0, 0, 1], [255, 255, 255, 255]]
)
@pytest.mark.parametrize("text", ["blur/50x1000", "blur/3x2", "sharpen/300"])
def test_one_colour_stays_that_colour(text: str, levels: list[int]) -> None:
    image = one_pixel(levels, "uchar", side_px=60)
    assert difference(effect(text, image), image) <= (1 if levels[-1] in (128, 200) else 0)


def test_nothing_farther_than_the_radius_is_touched() -> None:
    image = pyvips.Image.black(41, 41).draw_rect(255, 20, 20, 1, 1, fill=True).cast("uchar").copy(interpretation="b-w")
    found = effect("blur/5x1000", image)
    left, top, width, height = found.find_trim(background=0, threshold=0)
    assert (left, top, width, height) == (15, 15, 11, 11)


def test_what_transparency_hides_does_not_come_out() -> None:
    red = one_pixel([255, 0, 0, 0], "uchar", side_px=20)
    blue = one_pixel([0, 0, 255, 255], "uchar", side_px=20)
    image = pyvips.Image.arrayjoin([red, blue], across=2).copy(interpretation="srgb")
    for text in ("blur/10x6", "sharpen/200"):
        shown = effect(text, image).flatten(background=[0, 0, 0])
        assert shown.extract_band(0).max() == 0
    soft = effect("blur/10x6", image)
    assert soft(20, 5)[:3] == [0, 0, 255]
    assert 100 < soft(20, 5)[3] < 200


@pytest.mark.parametrize("text", ["blur/20x10", "sharpen/300"])
@pytest.mark.parametrize("alpha", [True, False])
def test_frames_do_not_bleed_into_each_other(text: str, alpha: bool) -> None:
    frame = Frame(width_px=30, height_px=25, frames=3, alpha=alpha)
    black, white = ([level] * 3 + [255] * alpha for level in (0, 255))
    shots = [one_pixel(levels, "uchar").embed(0, 0, 30, 25, extend="copy") for levels in (black, white, black)]
    film = pyvips.Image.arrayjoin(shots, across=1).copy(interpretation="srgb")
    film.set_type(pyvips.GValue.gint_type, "page-height", frame.height_px)
    found = effect(text, film, frames=3)
    assert found.get("page-height") == 25
    assert [(page.extract_band(0).min(), page.extract_band(0).max()) for page in pages(found)] == [
        (0, 0),
        (255, 255),
        (0, 0),
    ]


@pytest.mark.parametrize("value", [10, 70, 300])
def test_sharpening_adds_the_difference_from_the_surroundings(value: int) -> None:
    image = checkered()
    bell = list(weights(3, 1.0))
    mask = pyvips.Image.new_from_array([bell], scale=sum(bell))
    around = image.cast("double").convsep(mask, precision="float")
    wanted = (image + (image - around) * (value / 100)).cast("double")
    wanted = (wanted < 0).ifthenelse(0, (wanted > 255).ifthenelse(255, wanted))
    assert difference(effect(f"sharpen/{value}", image), wanted) <= 0.51


def test_effects_keep_what_is_attached() -> None:
    image = checkered().copy()
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", b"colours")
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    for text in ("blur/3x2", "sharpen/70", "bright/5", "contrast/5", "saturation/5"):
        found = effect(text, image)
        assert found.get("icc-profile-data") == b"colours"
        assert found.get("orientation") == 6
