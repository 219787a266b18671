"""watermark/1 and watermark/2: what they are asked, what they refuse, how large what they lay is."""

from __future__ import annotations

from typing import Any

import pytest
from painting import TOOLS, PlainTools, numbered

from proxy.core.grammar import format_plan, parse_plan
from proxy.core.model import Frame
from proxy.core.plan import Need
from proxy.errors import InvalidArgument
from proxy.ops.encoded import encode_text
from proxy.ops.watermark_image import WatermarkImage
from proxy.ops.watermark_text import WatermarkText

FRAME = Frame(width_px=80, height_px=60)
URL = "http://b-1250000000.cos.r.example/mark.png"


class Writer(PlainTools):
    """Remembers what it was asked to draw."""

    def __init__(self) -> None:
        self.drawn: list[tuple[str, str, float]] = []

    def text(self, text: str, *, font: str, size_px: float) -> Any:
        self.drawn.append((text, font, size_px))
        return super().text(text, font=font, size_px=size_px)


def only(text: str) -> Any:
    (stage,) = parse_plan(text).stages
    (operation,) = stage.operations
    return operation


def box(before: Any, after: Any) -> list[int]:
    return (before != after).bandor().find_trim(background=[0], threshold=1, line_art=True)


def test_what_a_text_mark_is_by_default() -> None:
    mark = only("watermark/2/text/aGk")
    assert (mark.text, mark.font, mark.font_size_pt, mark.fill, mark.shadow) == (
        "hi",
        "tahoma.ttf",
        13,
        (61, 61, 61),
        0,
    )


@pytest.mark.parametrize(("text", "canonical"), [
    ("watermark/2/text/aGk=", "watermark/2/text/aGk"),
    ("watermark/2/text/Pz8_", "watermark/2/text/Pz8_"), ("watermark/2/text/Pj4+", "watermark/2/text/Pj4-"),
    ("watermark/2/dx/3/text/aGk/fontsize/013", "watermark/2/text/aGk/dx/3"),
    ("watermark/2/text/aGkK", "watermark/2/text/aGk"), ("watermark/2/text/Cmhp", "watermark/2/text/aGk"),
    ("watermark/2/text/YQ0KYg", "watermark/2/text/YQpi"),
    ("watermark/2/text/aGk/font/dGFob21hLnR0Zg/fill/IzNEM0QzRA==/dissolve/90/shadow/0", "watermark/2/text/aGk"),
    ("watermark/2/text/aGk/font/" + encode_text("Simhei黑体.TTF"), "watermark/2/text/aGk/font/" + encode_text("simhei黑体.ttf")),
    ("watermark/2/text/aGk/bogus/7/shadow/60/", "watermark/2/text/aGk/shadow/60"),
    ("watermark/1/image/" + encode_text("HTTP://b/k"), "watermark/1/image/" + encode_text("http://b/k")),
    ("watermark/1/image_key/YS5wbmc=/blogo/0/dissolve/40", "watermark/1/image_key/YS5wbmc/dissolve/40"),
])  # fmt: skip
def test_one_meaning_has_one_text(text: str, canonical: str) -> None:
    assert format_plan(parse_plan(text)) == canonical
    assert parse_plan(canonical) == parse_plan(text)


@pytest.mark.parametrize(("text", "names"), [
    ("watermark/2", "text"), ("watermark/2/fontsize/20", "text"), ("watermark/2/text/", "text"), ("watermark/2/text/!", "text"),
    ("watermark/2/text/" + encode_text(" \n "), "text"), ("watermark/2/text/" + encode_text("a\0b"), "text"),
    ("watermark/2/text/" + encode_text("a\x1bb"), "text"), ("watermark/2/text/" + encode_text("x" * 257), "text"),
    ("watermark/2/text/aGk/fontsize/0", "fontsize"), ("watermark/2/text/aGk/fontsize/1001", "fontsize"),
    ("watermark/2/text/aGk/fontsize/", "fontsize"), ("watermark/2/text/aGk/fontsize/12px", "fontsize"),
    ("watermark/2/text/aGk/fill/red", "fill"), ("watermark/2/text/aGk/fill/", "fill"),
    ("watermark/2/text/aGk/shadow/101", "shadow"), ("watermark/2/text/aGk/shadow/-1", "shadow"),
    ("watermark/2/text/aGk/font/%", "font"), ("watermark/2/text/aGk/font/" + encode_text("x" * 65), "font"),
    ("watermark/1", "image"), ("watermark/1/gravity/north", "image"), ("watermark/1/image/", "image"),
    ("watermark/1/image/" + encode_text("https://b/k"), "image"), ("watermark/1/image/" + encode_text("b/k"), "image"),
    ("watermark/1/image/" + encode_text("//b/k"), "image"), ("watermark/1/image/" + encode_text("file:///etc/passwd"), "image"),
    ("watermark/1/image/" + encode_text("http://b/k\r\nX: y"), "image"), ("watermark/1/image/" + encode_text(URL) + "/blogo/3", "blogo"),
    ("watermark/1/image_key/", "image_key"), ("watermark/1/image_key/" + encode_text("k" * 851), "image_key"),
])  # fmt: skip
def test_what_is_malformed_is_named(text: str, names: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_plan(text)
    assert caught.value.public.startswith(f"{names}: ")


def test_a_plan_says_which_other_pictures_it_needs_in_order() -> None:
    plan = parse_plan(
        f"watermark/1/image/{encode_text(URL)}|imageMogr2/thumbnail/9x|watermark/2/text/aGk|watermark/1/image_key/YQ"
    )
    assert plan.needs == (Need(url=URL), Need(key="a"))
    assert parse_plan("imageMogr2/thumbnail/9x").needs == ()


def test_a_font_size_is_in_pixels_and_the_text_is_drawn_as_it_stands() -> None:
    writer = Writer()
    only("watermark/2/text/" + encode_text("<b>&") + "/fontsize/20").apply(numbered(FRAME), FRAME, writer)
    assert writer.drawn == [("<b>&", "tahoma.ttf", 20.0)]


@pytest.mark.parametrize(("share", "size_px"), [
    ("scatype/1/spcent/500", (40, 20)), ("scatype/2/spcent/500", (60, 30)), ("scatype/3/spcent/250", (49, 24)),
])  # fmt: skip
def test_text_that_is_a_share_of_the_picture_is_drawn_again_in_that_size(share: str, size_px: tuple[int, int]) -> None:
    writer = Writer()
    before = numbered(FRAME)
    mark = only(f"watermark/2/text/aGlnaA/fontsize/10/dissolve/100/gravity/northwest/{share}")
    after = mark.apply(before, FRAME, writer)
    assert box(before, after)[2:] == pytest.approx(size_px, abs=1)
    assert writer.drawn[1][2] == pytest.approx(size_px[1], abs=1)


def test_text_too_large_to_be_drawn_is_drawn_smaller_and_enlarged() -> None:
    writer = Writer()
    before = numbered(FRAME)
    only("watermark/2/text/" + encode_text("x" * 200) + "/fontsize/1000").apply(before, FRAME, writer)
    assert len(writer.drawn) == 1
    assert writer.drawn[0][2] < 200
    assert writer.drawn[0][2] * 200 < 32_767


@pytest.mark.parametrize("fill", ["", "/fill/I0ZGMDAwMA"])
def test_a_shadow_lies_to_the_lower_right_and_darkens(fill: str) -> None:
    white = (numbered(FRAME) * 0 + 255).cast("uchar").copy(interpretation="srgb")
    mark = f"watermark/2/text/aGk/fontsize/40/gravity/northwest/dissolve/100{fill}"
    width, height = box(white, only(mark).apply(white, FRAME, TOOLS))[2:]
    shaded = only(mark + "/shadow/100").apply(white, FRAME, TOOLS).copy_memory()
    all_width, all_height = box(white, shaded)[2:]
    assert all_width > width
    assert all_height > height
    # At 40 pixels the shadow is moved by two, and two more are left around for its blur.
    beside = shaded(2 + width, height // 2)
    assert beside[0] < 200
    assert len(set(beside)) == 1, "it has no colour"
    assert shaded(0, height // 2)[0] > beside[0], "there is less of it on the other side"


@pytest.mark.parametrize(("fit", "seen_px"), [("", (4, 4)), ("/blogo/1", (4, 2)), ("/blogo/2", (4, 4))])
def test_a_mark_larger_than_the_picture_hangs_over_or_is_fitted_or_cut(fit: str, seen_px: tuple[int, int]) -> None:
    frame = Frame(width_px=4, height_px=9)
    before = (numbered(frame) * 0 + 77).cast("uchar").copy(interpretation="srgb")
    after = only(f"watermark/1/image_key/YQ/dissolve/100{fit}").apply(before, frame, TOOLS)
    assert tuple(box(before, after)[2:]) == seen_px
    # Of 8 x 4 pixels, blue and green: the right half is in the corner, unless it was cut off.
    blue, green = after(1, 7)[2], after(1, 7)[1]
    assert (blue > green) == (fit == "/blogo/2") or fit == "/blogo/1"


def test_a_small_mark_is_not_fitted() -> None:
    before = numbered(FRAME)
    for fit in ("1", "2"):
        after = only(f"watermark/1/image_key/YQ/blogo/{fit}").apply(before, FRAME, TOOLS)
        assert box(before, after)[2:] == [8, 4]


def test_the_size_of_the_picture_never_changes() -> None:
    for text in ("watermark/2/text/aGk/fontsize/900", "watermark/1/image_key/YQ/scatype/2/spcent/1000/degree/45"):
        operation = only(text)
        assert operation.measure(FRAME) == FRAME
        assert (WatermarkText, WatermarkImage)[text[10] == "1"] is type(operation)
        after = operation.apply(numbered(FRAME), FRAME, TOOLS)
        assert (after.width, after.height) == (80, 60)
