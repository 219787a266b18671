"""Faces are found where they are, and nowhere else; without OpenCV an answer says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import pyvips
from pictures import jpeg, opened, portrait

from proxy.codec import faces
from proxy.codec.vips import probe, render
from proxy.core.model import ImageLimits
from proxy.errors import OperationNotImplemented
from proxy.ports import Job, Rendered

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "images"
with_opencv = pytest.mark.skipif(faces.cv2 is None, reason="needs OpenCV: pip install mogr[face]")


def made(body: bytes, text: str) -> Rendered:
    return render(body, probe(body, ImageLimits()), Job(plan_text=text, format="jpeg", limits=ImageLimits()))


def middles(image: pyvips.Image) -> list[tuple[int, int]]:
    return [(left + width // 2, top + height // 2) for left, top, width, height in faces.find(image)]


def shown(body: bytes) -> pyvips.Image:
    return pyvips.Image.new_from_buffer(body, "")


def test_without_opencv_scrop_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "cv2", None)
    with pytest.raises(OperationNotImplemented) as caught:
        made(portrait(), "imageMogr2/scrop/200x200")
    assert caught.value.public == "scrop needs the optional extra mogr[face], which this server has not."


@with_opencv
@pytest.mark.parametrize("side", [80, 200, 320])
@pytest.mark.parametrize("left", [40, 400, 600])
def test_a_face_is_found_where_it_is(left: int, side: int) -> None:
    ((x, y),) = middles(shown(portrait(left_px=left, side_px=side)))
    assert abs(x - left - side / 2) < side / 5
    assert abs(y - 270) < side / 5


@with_opencv
@pytest.mark.parametrize("convert", [
    lambda image: image.colourspace("b-w"),
    lambda image: image.colourspace("rgb16"),
    lambda image: image.colourspace("grey16"),
    lambda image: image.bandjoin(255),
    lambda image: image.resize(4),
])  # fmt: skip
def test_in_whatever_way_the_pixels_are_kept(convert) -> None:
    image = convert(shown(portrait()))
    ((x, y),) = middles(image)
    assert abs(x / image.width - 700 / 960) < 0.05
    assert abs(y / image.height - 0.5) < 0.1


@with_opencv
@pytest.mark.parametrize("size", [(1, 1), (23, 500), (500, 1), (30, 30)])
def test_there_is_none_in_what_is_too_small(size: tuple[int, int]) -> None:
    assert faces.find(pyvips.Image.black(*size, bands=3).copy(interpretation="srgb")) == []


@with_opencv
def test_the_largest_comes_first() -> None:
    image = shown(portrait(left_px=60, side_px=100)).insert(shown(portrait(300, 400, left_px=50, side_px=180)), 600, 60)
    assert [x > 480 for x, _ in middles(image)] == [True, False]


@with_opencv
def test_scrop_keeps_the_face_and_without_one_the_picture() -> None:
    result = made(portrait(), "imageMogr2/scrop/200x200")
    assert opened(result.body).size == (200, 200) == (result.frame.width_px, result.frame.height_px)
    ((x, y),) = middles(shown(result.body))
    assert abs(x - 100) < 12
    assert abs(y - 100) < 25
    plain = made(jpeg(), "imageMogr2/scrop/100x600")
    assert opened(plain.body).size == (960, 540)


@with_opencv
@pytest.mark.parametrize(("name", "count"), [
    ("photos/kodak/kodim04.png", 1), ("photos/originals/p19_craft_beer.jpg", 1), ("formats/png/pillow__hopper.png", 1),
    ("formats/jpeg/thumbor__Giunchedi__Filippo_January_2015_01.jpg", 1), ("photos/kodak/kodim07.png", 0),
    ("formats/jpeg/vips__sample.jpg", 0), ("formats/jpeg/pillow__app13-multiple.jpg", 0), ("photos/kodak/kodim01.png", 0),
])  # fmt: skip
def test_real_photographs_have_the_faces_they_have(name: str, count: int) -> None:
    path = PHOTOS / name
    if not path.exists():
        pytest.skip("needs ../shared/images, not beside this checkout")
    assert len(faces.find(shown(path.read_bytes()))) == count
