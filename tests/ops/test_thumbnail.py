from __future__ import annotations

import pytest
from painting import TOOLS, difference, geometry, numbered, pages

from proxy.core.model import Frame
from proxy.errors import InvalidArgument
from proxy.ops.thumbnail import Thumbnail


def thumbnail(text: str, **modifiers: str) -> Thumbnail:
    found = Thumbnail.parse(text, modifiers)
    assert found is not None
    return found


@pytest.mark.parametrize(("text", "source", "size"), [
    ("!50p", (960, 540), (480, 270)),
    ("!50p", (5, 3), (3, 2)),               # 2.5 and 1.5: half up
    ("!1p", (10, 10), (1, 1)),              # at least one pixel
    ("!1000p", (100, 50), (1000, 500)),
    ("!50px", (960, 540), (480, 540)),
    ("!x50p", (960, 540), (960, 270)),
    ("480x", (960, 540), (480, 270)),
    ("1920x", (960, 540), (1920, 1080)),
    ("x270", (960, 540), (480, 270)),
    ("x1", (3, 1000), (1, 1)),
    ("300x300", (960, 540), (300, 169)),
    ("960x90", (960, 540), (160, 90)),
    ("1920x1920", (960, 540), (1920, 1080)),
    ("320x320>", (960, 540), (320, 180)),
    ("1920x1920>", (960, 540), (960, 540)),
    ("1920x270>", (960, 540), (480, 270)),
    ("480x1920>", (960, 540), (480, 270)),
    ("960x540>", (960, 540), (960, 540)),
    ("1920x1920<", (960, 540), (1920, 1080)),
    ("1920x2160<", (960, 540), (1920, 1080)),
    ("480x480<", (960, 540), (960, 540)),
    ("1920x270<", (960, 540), (960, 540)),
    ("!480x135r", (960, 540), (480, 270)),
    ("!240x270r", (960, 540), (480, 270)),
    ("!7x7r", (960, 540), (12, 7)),
    ("10x1000!", (960, 540), (10, 1000)),
    ("129600@", (960, 540), (480, 270)),
    ("518400@", (960, 540), (960, 540)),
    ("4000000@", (960, 540), (960, 540)),   # small enough already
    ("100000@", (960, 540), (421, 237)),    # 421 x 237 = 99,777; rounded up it would be 100,014
    ("4@", (10_000, 1), (4, 1)),
    ("1@", (7, 5), (1, 1)),
])  # fmt: skip
def test_each_geometry_has_its_rule(text: str, source: tuple[int, int], size: tuple[int, int]) -> None:
    after = thumbnail(text).measure(Frame(width_px=source[0], height_px=source[1]))
    assert (after.width_px, after.height_px) == size


@pytest.mark.parametrize(
    "text", ["!0p", "!1001p", "!1001px", "!x1001p", "!0px", "!-5p", "!x-5p", f"!{'9' * 400}p", "!100p", "!x100p"]
)
def test_a_scale_out_of_range_or_of_100_per_cent_is_not_processed(text: str) -> None:
    assert Thumbnail.parse(text, {}) is None


@pytest.mark.parametrize("text", [
    "", "abc", "x", "!", "!p", "50p", "!50", "!50pp", "!x50px", "300", "300x200x", "300x200>>", "300x200<>", "!300x200",
    "!300xr", "!x200r", "300x!", "0x", "x0", "0x10", "10x0", "0x0!", "0@", "@", "-1x", "1.5x", "1e3x", " 300x", "300 x",
    "３００x", "300X200", "2147483648x", "300x99999999999", "!--5p", "!-p", "!5.5p", "300x200R", "300x\n", "x200\x00",
])  # fmt: skip
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^thumbnail: "):
        Thumbnail.parse(text, {})


@pytest.mark.parametrize(("modifiers", "says"), [
    ({"pad": "2"}, "pad"), ({"pad": ""}, "pad"), ({"pad": "yes"}, "pad"),
    ({"pad": "1", "color": ""}, "color"), ({"pad": "1", "color": "red"}, "color"),
    ({"pad": "1", "color": "I0ZGRkY"}, "color"), ({"pad": "1", "color": "A" * 9999}, "color"),
    ({"pad": "1", "color": "0"}, "color"), ({"color": "中"}, "color"),
])  # fmt: skip
def test_a_malformed_pad_or_color_is_refused_by_name(modifiers: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{says}: "):
        Thumbnail.parse("10x10", modifiers)


@pytest.mark.parametrize(("text", "modifiers", "canonical"), [
    ("0300x", {}, "thumbnail/300x"),
    ("!007p", {}, "thumbnail/!7p"),
    ("300x200>", {"pad": "1"}, "thumbnail/300x200>"),       # a canvas only belongs to <w>x<h>
    ("300x200", {"pad": "0", "color": "I0ZGMDAwMA"}, "thumbnail/300x200"),
    ("300x200", {"pad": "1"}, "thumbnail/300x200/pad/1"),
    ("300x200", {"pad": "1", "color": "I0ZGRkZGRg=="}, "thumbnail/300x200/pad/1"),
    ("300x200", {"pad": "1", "color": "I2ZmMDAwMA"}, "thumbnail/300x200/pad/1/color/I0ZGMDAwMA"),
])  # fmt: skip
def test_one_meaning_has_one_spelling(text: str, modifiers: dict[str, str], canonical: str) -> None:
    assert thumbnail(text, **modifiers).format() == canonical


@pytest.mark.parametrize(
    "text", ["!300p", "!200px", "!x200p", "300x", "x300", "500x500", "500x500<", "!300x300r", "10x300!"]
)
def test_an_animated_picture_is_never_enlarged(text: str) -> None:
    frame = Frame(width_px=200, height_px=100, frames=5)
    assert thumbnail(text).measure(frame) == frame


def test_an_animated_picture_keeps_its_frames_when_it_shrinks() -> None:
    frame = Frame(width_px=64, height_px=50, frames=4)
    small = thumbnail("31x").apply(numbered(frame), frame, TOOLS)
    assert geometry(small) == (31, 24, 4, False)
    assert [round(page.extract_band(2).avg()) for page in pages(small)] == [0, 40, 80, 120]


@pytest.mark.parametrize("frames", [1, 3])
def test_pad_centres_on_a_canvas_of_the_colour(frames: int) -> None:
    frame = Frame(width_px=40, height_px=20, frames=frames, alpha=True)
    pad = thumbnail("30x30", pad="1", color="I0ZGMDAxMA")
    image = pad.apply(numbered(frame), frame, TOOLS)
    assert geometry(image) == (30, 30, frames, False)
    assert pad.measure(frame) == Frame(width_px=30, height_px=30, frames=frames)
    for page in pages(image):
        assert [page(0, 0), page(29, 29), page(15, 6)] == [[255, 0, 16]] * 3
        assert page(0, 7) != [255, 0, 16]
        assert page(29, 21) != [255, 0, 16]
        assert page(15, 22) == [255, 0, 16]


def test_pad_shows_its_colour_through_transparent_parts() -> None:
    frame = Frame(width_px=20, height_px=10, alpha=True)
    clear = numbered(frame).extract_band(0, n=3).bandjoin(0)
    assert thumbnail("20x20", pad="1", color="I0ZGMDAwMA").apply(clear, frame, TOOLS)(10, 10) == [255, 0, 0]


def test_a_grey_picture_stays_grey_on_a_grey_canvas_and_gets_colours_for_a_coloured_one() -> None:
    frame = Frame(width_px=20, height_px=10)
    grey = numbered(frame, grey=True)
    assert thumbnail("20x20", pad="1").apply(grey, frame, TOOLS)(0, 0) == [255]
    assert thumbnail("20x20", pad="1", color="I0ZGMDAwMA").apply(grey, frame, TOOLS)(0, 0) == [255, 0, 0]


@pytest.mark.parametrize("alpha", [False, True])
def test_a_16_bit_picture_is_padded_in_16_bits(alpha: bool) -> None:
    frame = Frame(width_px=20, height_px=10, alpha=alpha)
    wide = numbered(frame).colourspace("rgb16")
    image = thumbnail("20x20", pad="1", color="I0ZGMDAwMA").apply(wide, frame, TOOLS)
    assert (image.format, image(0, 0)) == ("ushort", [65_535, 0, 0])


def test_pixels_that_were_shrunk_on_load_are_painted_to_the_size_of_the_whole_picture() -> None:
    frame = Frame(width_px=200, height_px=117)
    whole = numbered(frame)
    half = whole.resize(0.5)
    small = thumbnail("33x")
    assert (half.width, half.height) != (frame.width_px, frame.height_px)
    after = small.measure(frame)
    image = small.apply(half, frame, TOOLS)
    assert geometry(image) == (after.width_px, after.height_px, 1, False)
    assert difference(image, small.apply(whole, frame, TOOLS)) < 6


def test_the_orientation_tag_survives_and_is_not_applied() -> None:
    frame = Frame(width_px=60, height_px=20, orientation=6)
    image = thumbnail("30x").apply(numbered(frame), frame, TOOLS)
    assert (image.width, image.height, image.get("orientation")) == (30, 10, 6)


def test_clamping_reads_long_sides_as_the_limit_and_leaves_scales_and_areas() -> None:
    assert thumbnail("20000x10!").clamped(10_000) == thumbnail("10000x10!")
    assert thumbnail("20000@").clamped(10_000) == thumbnail("20000@")
    assert thumbnail("!900p").clamped(100) == thumbnail("!900p")
