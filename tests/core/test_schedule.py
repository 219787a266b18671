from __future__ import annotations

import pytest

from proxy.core.grammar import parse_plan
from proxy.core.model import Frame, ImageLimits
from proxy.core.schedule import Schedule, schedule
from proxy.errors import ImageResolutionExceed, InvalidArgument
from proxy.formats import CATALOGUE

PHOTO = Frame(width_px=960, height_px=540)
PHONE = Frame(width_px=960, height_px=540, orientation=6)
ANIMATION = Frame(width_px=200, height_px=100, frames=5, alpha=True)


def scheduled(
    text: str, frame: Frame = PHOTO, output: str = "jpeg", *, auto: bool = False, orient: bool = False,
    limits: ImageLimits = ImageLimits(),
) -> Schedule:  # fmt: skip
    return schedule(
        parse_plan(f"imageMogr2/{text}"), frame, output=CATALOGUE[output], auto=auto, orient=orient, limits=limits
    )


def names(found: Schedule) -> list[str]:
    return [type(operation).__name__ for operation, _ in found.steps]


def test_stages_are_fused_in_order_and_every_step_knows_the_frame_before_it() -> None:
    found = scheduled("rotate/90|imageMogr2/thumbnail/270x|imageMogr2/crop/100x200")
    assert names(found) == ["Rotate", "Thumbnail", "Crop"]
    assert [(frame.width_px, frame.height_px) for _, frame in found.steps] == [(960, 540), (540, 960), (270, 480)]
    assert (found.frame.width_px, found.frame.height_px) == (100, 200)


def test_nothing_to_do_is_no_step() -> None:
    assert scheduled("format/webp/quality/80").steps == ()
    assert scheduled("auto-orient").steps == ()
    assert scheduled("", auto=True, orient=True).frame == PHOTO


@pytest.mark.parametrize("flag", ["auto", "orient"])
def test_orienting_comes_first_and_once(flag: str) -> None:
    found = scheduled("thumbnail/270x|imageMogr2/auto-orient/rotate/90", PHONE, **{flag: True})
    assert names(found) == ["AutoOrient", "Thumbnail", "Rotate"]
    assert found.frame == Frame(width_px=480, height_px=270)


def test_without_being_asked_nothing_is_oriented() -> None:
    assert scheduled("thumbnail/480x", PHONE).frame == Frame(width_px=480, height_px=270, orientation=6)


def test_a_format_that_stores_the_turn_in_its_container_gets_the_picture_upright() -> None:
    found = scheduled("thumbnail/480x", PHONE, "avif")
    assert names(found) == ["Thumbnail", "AutoOrient"]
    assert found.frame == Frame(width_px=270, height_px=480)


def test_a_format_without_animation_drops_frames_before_anything_is_painted() -> None:
    for text in ("thumbnail/!300p", "thumbnail/!300p|imageMogr2/format/jpg"):
        found = scheduled(text, ANIMATION)
        assert names(found) == ["Through", "Thumbnail", "Through"]
        assert found.frame == Frame(width_px=600, height_px=300)
        assert found.frames == 1
    assert scheduled("thumbnail/100x", ANIMATION, "gif").frames == 5
    assert scheduled("format/png|imageMogr2/format/gif", ANIMATION, "gif").frames == 1


def test_a_format_in_between_loses_what_it_cannot_carry() -> None:
    turned = "rotate/45/format/jpg|imageMogr2/thumbnail/100x100!/format/webp"
    found = scheduled(turned, output="webp")
    assert names(found) == ["Rotate", "Through", "Thumbnail"]
    assert not found.frame.alpha
    assert scheduled(turned.replace("jpg", "png"), output="webp").frame.alpha
    assert scheduled(
        "format/jpg|imageMogr2/rotate/45|imageMogr2/format/jpg|imageMogr2/format/png", ANIMATION, "png"
    ).frame == (Frame(width_px=212, height_px=212))


def test_the_format_that_is_negotiated_is_not_one_in_between() -> None:
    found = scheduled("format/avif|imageMogr2/thumbnail/100x", ANIMATION, "gif")
    assert found.frame == Frame(width_px=100, height_px=50, frames=5, alpha=True)


def test_a_format_without_alpha_flattens_at_the_end() -> None:
    found = scheduled("rotate/45")
    assert names(found) == ["Rotate", "Through"]
    assert not found.frame.alpha
    assert found.steps[1].frame.alpha


@pytest.mark.parametrize(("text", "frame", "auto", "enough"), [
    ("thumbnail/480x", PHOTO, False, (480, 270)),
    ("crop/100x100", PHOTO, False, (178, 100)),
    ("thumbnail/480x480/pad/1", PHOTO, False, (480, 270)),
    ("thumbnail/480x", PHONE, False, (480, 270)),
    ("thumbnail/270x", PHONE, True, (480, 270)),        # upright 270 x 480, stored 480 x 270
    ("auto-orient|imageMogr2/thumbnail/270x", PHONE, False, (480, 270)),
    ("cut/100x100|imageMogr2/thumbnail/50x", PHOTO, False, None),
    ("rotate/90|imageMogr2/thumbnail/50x", PHOTO, False, None),
    ("flip/vertical", PHOTO, False, None),
    ("", PHOTO, False, None),
    ("thumbnail/50x", ANIMATION, False, (50, 25)),
])  # fmt: skip
def test_how_few_pixels_are_enough_to_start_from(
    text: str, frame: Frame, auto: bool, enough: tuple[int, int] | None
) -> None:
    assert scheduled(text, frame, auto=auto).enough_px == enough


def test_sizes_on_the_way_and_in_the_end_are_checked_before_anything_is_painted() -> None:
    with pytest.raises(ImageResolutionExceed, match="on the way"):
        scheduled("thumbnail/2147483647x2147483647!|imageMogr2/thumbnail/10x10!")
    with pytest.raises(ImageResolutionExceed, match="9999"):
        scheduled("thumbnail/10000x")
    assert scheduled("thumbnail/10000x|imageMogr2/thumbnail/100x").frame.width_px == 100
    many = ImageLimits(max_output_side_px=None)
    with pytest.raises(ImageResolutionExceed, match="as webp"):
        scheduled("thumbnail/20000x10!", output="webp", limits=many)
    assert scheduled("thumbnail/20000x10!", output="png", limits=many).frame.width_px == 20_000


def test_an_operation_that_does_not_fit_the_picture_it_meets_is_refused() -> None:
    assert scheduled("crop/600x").frame.width_px == 600
    with pytest.raises(InvalidArgument, match="480x270"):
        scheduled("thumbnail/480x|imageMogr2/crop/600x")
