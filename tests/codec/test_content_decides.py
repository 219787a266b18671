"""Where the content decides how large a picture is, everything after it goes by the picture really painted."""

from __future__ import annotations

import dataclasses

import pytest
from pictures import encoded, opened, scene
from PIL import Image

from proxy.codec.vips import probe, render
from proxy.core.grammar import parse_plan
from proxy.core.model import Format, Frame, ImageLimits
from proxy.core.schedule import resume, schedule
from proxy.errors import ImageResolutionExceed, InternalError, InvalidArgument
from proxy.formats import CATALOGUE
from proxy.ports import Job, Rendered

LIMITS = ImageLimits()


def framed(box: tuple[int, int, int, int], size: tuple[int, int] = (400, 300)) -> bytes:
    """A scene in *box* (left, top, width, height) on a border of one colour."""
    picture = Image.new("RGB", size, (1, 2, 250))
    inner = scene(box[2], box[3]).point(lambda level: level // 2 + 100)
    inner.putpixel((0, 0), (255, 0, 0))
    picture.paste(inner, box[:2])
    return encoded(picture, "PNG")


def made(body: bytes, text: str, format_: str = "png", limits: ImageLimits = LIMITS) -> Rendered:
    return render(body, probe(body, limits), Job(plan_text=f"imageMogr2/{text}", format=format_, limits=limits))


@pytest.mark.parametrize(("text", "size"), [
    ("trim/20", (200, 100)),
    ("trim/20/thumbnail/300x", (300, 150)),                      # of 200 x 100, not of 400 x 300
    ("thumbnail/200x150!/trim/20", (100, 50)),
    ("trim/20/crop/200x50", (200, 50)),
    ("trim/20/crop/150x80/dpr/3", (188, 100)),                   # as far as what was found, 1.25 times
    ("trim/20|imageMogr2/rotate/90|imageMogr2/rcrop/100x100", (100, 100)),
    ("trim/20|imageMogr2/trim/20|imageMogr2/iradius/50", (100, 100)),
    ("trim/20/rradius/50/rotate/90", (100, 200)),
    ("trim/20/focus/90x90", (90, 90)),
    ("trim/20/indexcrop/width/150/index/1", (50, 100)),
])  # fmt: skip
@pytest.mark.parametrize("format_", ["png", "jpeg", "webp", "avif"])
def test_what_follows_is_measured_on_what_was_found(text: str, size: tuple[int, int], format_: str) -> None:
    result = made(framed((120, 80, 200, 100)), text, format_)
    assert (result.frame.width_px, result.frame.height_px, result.frame.exact) == (*size, True)
    again = probe(result.body, LIMITS).frame
    assert (again.width_px, again.height_px) == size
    if format_ == "png" and text == "trim/20":
        assert opened(result.body).getpixel((0, 0)) == (255, 0, 0)


def test_an_animation_is_measured_by_the_page() -> None:
    pages = [opened(framed((50 + 20 * number, 80, 100, 100))) for number in range(3)]
    body = encoded(pages[0], "WEBP", save_all=True, append_images=pages[1:], lossless=True)
    result = made(body, "trim/20/thumbnail/70x", "webp")
    assert (result.frame.width_px, result.frame.height_px, result.frame.frames) == (70, 50, 3)
    assert probe(result.body, LIMITS).frame == dataclasses.replace(result.frame, alpha=False)


@pytest.mark.parametrize("text", ["crop/300x", "iradius/60", "indexcrop/width/201", "indexcrop/width/100/index/2"])
def test_what_the_found_picture_cannot_give_is_refused(text: str) -> None:
    body = framed((120, 80, 200, 100))
    made(body, text)
    with pytest.raises(InvalidArgument):
        made(body, f"trim/20/{text}")


def test_limits_are_checked_again_where_a_narrow_strip_would_grow_tall() -> None:
    body = framed((100, 10, 4, 280))
    limits = dataclasses.replace(LIMITS, max_side_px=5000)
    assert made(body, "trim/20/thumbnail/40x", limits=limits).frame.height_px == 2800
    with pytest.raises(ImageResolutionExceed, match="5000"):
        made(body, "trim/20/thumbnail/80x", limits=limits)
    with pytest.raises(ImageResolutionExceed, match="as webp"):
        made(body, "trim/20/thumbnail/240x", "webp", dataclasses.replace(LIMITS, max_output_side_px=None))


def planned(text: str, output: Format):
    frame = Frame(width_px=400, height_px=300)
    return schedule(parse_plan(f"imageMogr2/{text}"), frame, output=output, auto=False, orient=False, limits=LIMITS)


def test_limits_are_checked_on_bounds_before_anything_is_decoded() -> None:
    found = planned("trim/20/thumbnail/200x", CATALOGUE["png"])
    assert (found.frame.width_px, found.frame.height_px, found.frame.exact) == (200, 150, False)
    assert found.enough_px is None
    with pytest.raises(ImageResolutionExceed):
        planned("trim/20/thumbnail/90000x", CATALOGUE["png"])
    with pytest.raises(InvalidArgument):
        planned("trim/20/crop/401x", CATALOGUE["png"])


def test_more_than_the_bound_is_a_bug() -> None:
    found = planned("trim/20/thumbnail/200x", CATALOGUE["png"])
    with pytest.raises(InternalError):
        resume(found, 1, (401, 300), output=CATALOGUE["png"], limits=LIMITS)
    rest = resume(found, 1, (100, 300), output=CATALOGUE["png"], limits=LIMITS)
    assert [type(operation).__name__ for operation, _ in rest.steps] == ["Thumbnail"]
    assert rest.frame == Frame(width_px=200, height_px=600)
