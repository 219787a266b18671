"""dpr: what it multiplies, and how far."""

from __future__ import annotations

import pytest

from proxy.core.grammar import format_plan, parse_plan
from proxy.core.model import Frame, ImageLimits
from proxy.core.schedule import schedule
from proxy.errors import ImageResolutionExceed, InvalidArgument
from proxy.formats import CATALOGUE
from proxy.ops.crop import Crop
from proxy.ops.density import format_dpr, parse_dpr

PHOTO = Frame(width_px=960, height_px=540)


def size(text: str, frame: Frame = PHOTO) -> tuple[int, int]:
    after = schedule(
        parse_plan(text), frame, output=CATALOGUE["png"], auto=False, orient=False, limits=ImageLimits()
    ).frame
    return after.width_px, after.height_px


@pytest.mark.parametrize(("text", "tenths", "canonical"), [
    ("1", 10, ""), ("1.0", 10, ""), ("2", 20, "/dpr/2"), ("1.5", 15, "/dpr/1.5"), ("2.0", 20, "/dpr/2"),
    ("5", 50, "/dpr/5"), ("4.9", 49, "/dpr/4.9"),
])  # fmt: skip
def test_it_is_read_to_one_decimal_and_has_one_spelling(text: str, tenths: int, canonical: str) -> None:
    assert parse_dpr(text) == tenths
    assert format_dpr(tenths) == canonical


@pytest.mark.parametrize(
    "text", ["", "0", "0.9", "5.1", "6", "-1", "1.55", "1,5", "1.", ".5", "x", "1e1", "٢", "9" * 40]
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^dpr: "):
        parse_plan(f"imageMogr2/thumbnail/5x/dpr/{text}")


@pytest.mark.parametrize(("dense", "plain"), [
    ("dpr/2/thumbnail/300x", "thumbnail/600x"),
    ("thumbnail/300x200/dpr/2", "thumbnail/600x400"),
    ("thumbnail/301x/dpr/1.5", "thumbnail/452x"),                  # 451.5
    ("thumbnail/100x100/pad/1/dpr/3", "thumbnail/300x300/pad/1"),
    ("thumbnail/10000@/dpr/2", "thumbnail/40000@"),
    ("thumbnail/!50p/dpr/2", "thumbnail/!50p"),
    ("thumbnail/960x/dpr/2", "thumbnail/1920x"),                   # thumbnails enlarge
    ("crop/100x200/dpr/2", "crop/200x400"),
    ("crop/100x/dpr/2", "crop/200x"),
    ("focus/100x200/dpr/2", "focus/200x400"),
    ("thumbnail/100x/crop/50x50/dpr/2", "thumbnail/200x/crop/100x100"),
    ("thumbnail/200x200!/iradius/50/dpr/2", "thumbnail/400x400!/iradius/100"),
    ("cut/100x100x0x0/dpr/2", "cut/100x100x0x0"),                  # lengths of the original, as indexcrop's
    ("indexcrop/width/100/dpr/2", "indexcrop/width/100"),
])  # fmt: skip
def test_the_lengths_of_a_stage_are_multiplied(dense: str, plain: str) -> None:
    assert size(f"imageMogr2/{dense}") == size(f"imageMogr2/{plain}")


def test_offsets_are_lengths_too() -> None:
    assert Crop.parse("100x", {"dx": "10", "dy": "4"}).times(20, PHOTO) == Crop.parse("200x", {"dx": "20", "dy": "8"})


@pytest.mark.parametrize(("text", "wanted"), [
    ("crop/400x400/dpr/3", (540, 540)),       # not the 1200 that a crop of 960 x 540 cannot have
    ("crop/500x200/dpr/3", (960, 384)),
    ("crop/960x540/dpr/3", (960, 540)),
    ("iradius/200/dpr/5", (540, 540)),
    ("rradius/200/dpr/5", (960, 540)),
])  # fmt: skip
def test_what_may_not_be_larger_than_the_picture_goes_as_far_as_the_picture(text: str, wanted: tuple[int, int]) -> None:
    assert size(f"imageMogr2/{text}") == wanted


@pytest.mark.parametrize("text", ["crop/961x/dpr/2", "iradius/271/dpr/2"])
def test_what_is_refused_without_it_is_refused_with_it(text: str) -> None:
    with pytest.raises(InvalidArgument):
        size(f"imageMogr2/{text}")


def test_limits_hold_for_what_comes_out() -> None:
    with pytest.raises(ImageResolutionExceed):
        size("imageMogr2/thumbnail/9000x/dpr/5")


def test_it_is_its_stages_own_and_where_nothing_heeds_it_nothing_is_said() -> None:
    assert size("imageMogr2/thumbnail/100x/dpr/2|imageMogr2/crop/50x50") == (50, 50)
    canonical = format_plan(parse_plan("imageMogr2/dpr/2/rotate/90|imageMogr2/dpr/2.0/thumbnail/9x/format/png"))
    assert canonical == "imageMogr2/rotate/90|imageMogr2/thumbnail/9x/dpr/2/format/png"
    assert format_plan(parse_plan("imageMogr2/dpr/3")) == "imageMogr2"
