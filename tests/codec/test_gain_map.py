"""An Ultra HDR picture stays one through whatever only moves its pixels, shown as bright in the same places."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import pyvips
from pictures import jpeg, opened, png

from proxy.codec import libvips
from proxy.codec.vips import probe, render
from proxy.core.grammar import parse_plan
from proxy.core.model import ImageLimits
from proxy.ports import Job, Rendered

pytestmark = pytest.mark.skipif(
    not pyvips.type_find("VipsForeignSave", "uhdrsave_buffer"), reason="needs a libvips with libultrahdr"
)
LIMITS = ImageLimits()
WIDTH_PX, HEIGHT_PX = 320, 192


@cache
def ultra_hdr(orientation: int = 1) -> bytes:
    """Dim grey with a lamp four times as bright as white, left of the middle and above it."""
    scene = (pyvips.Image.black(WIDTH_PX, HEIGHT_PX, bands=3) + 0.2).draw_circle([4.0] * 3, 80, 48, 30, fill=True)
    scene = scene.gaussblur(6).copy(interpretation="scrgb")
    if orientation != 1:
        scene.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return bytes(scene.uhdrsave_buffer(Q=90))


def made(body: bytes, text: str, **options: Any) -> Rendered:
    traits = probe(body, LIMITS)
    format_ = parse_plan(text).format or "jpeg"
    return render(body, traits, Job(plan_text=text, format=format_, limits=LIMITS, **options))


def light(body: bytes) -> Any:
    """Linear light as an HDR screen shows it; 1 is the white of others."""
    return pyvips.Image.uhdrload_buffer(body).uhdr2scRGB().extract_band(1)


def has_gain_map(body: bytes) -> bool:
    return b"urn:iso:std:iso:ts:21496:-1" in body


def brightest(body: bytes) -> tuple[float, float]:
    """Where the lamp is, as shares of width and height."""
    shown = light(body)
    left, top, width, height = (shown > 2).find_trim(background=0, threshold=10)
    return (left + width / 2) / shown.width, (top + height / 2) / shown.height


@pytest.mark.parametrize(
    ("text", "lamp"),
    [
        ("imageMogr2/quality/80", (0.25, 0.25)),
        ("imageMogr2/thumbnail/160x", (0.25, 0.25)),
        ("imageMogr2/thumbnail/100x100!/interlace/0", (0.25, 0.25)),
        ("imageMogr2/thumbnail/!150p", (0.25, 0.25)),
        ("imageMogr2/format/jpg/thumbnail/160x/quality/60", (0.25, 0.25)),
        ("imageMogr2/rotate/90", (0.75, 0.25)),
        ("imageMogr2/rotate/270/thumbnail/96x", (0.25, 0.75)),
        ("imageMogr2/flip/horizontal", (0.75, 0.25)),
        ("imageMogr2/thumbnail/160x/flip/vertical", (0.25, 0.75)),
        ("imageMogr2/crop/144x96/gravity/center", ((40 - 8) / 144, 0.25)),
        ("imageView2/2/w/160", (0.25, 0.25)),
        ("imageView2/1/w/144/h/96", ((40 - 8) / 144, 0.25)),
        ("imageMogr2/thumbnail/200x|imageMogr2/thumbnail/100x", (0.25, 0.25)),
    ],
)
def test_what_only_moves_pixels_moves_the_light_with_them(text: str, lamp: tuple[float, float]) -> None:
    result = made(ultra_hdr(), text)
    shown = light(result.body)
    assert (shown.width, shown.height) == (result.frame.width_px, result.frame.height_px)
    assert brightest(result.body) == pytest.approx(lamp, abs=0.03)
    assert shown.max() == pytest.approx(light(ultra_hdr()).max(), rel=0.1)
    assert shown(1, shown.height - 2)[0] == pytest.approx(0.2, abs=0.04)


@pytest.mark.parametrize(
    ("orientation", "lamp"), [(2, (0.75, 0.25)), (3, (0.75, 0.75)), (6, (0.75, 0.25)), (8, (0.25, 0.75))]
)
def test_the_map_is_turned_upright_with_the_picture(orientation: int, lamp: tuple[float, float]) -> None:
    body = ultra_hdr(orientation)
    assert probe(body, LIMITS).frame.orientation == orientation
    upright = made(body, "imageMogr2/auto-orient/thumbnail/96x").body
    assert probe(upright, LIMITS).frame.orientation == 1
    assert brightest(upright) == pytest.approx(lamp, abs=0.03)
    assert brightest(made(body, "imageMogr2/thumbnail/96x").body) == pytest.approx((0.25, 0.25), abs=0.03)


@pytest.mark.parametrize(
    "text",
    [
        "strip", "interlace/1", "bright/10", "contrast/10", "grayscale/1", "saturation/10", "blur/5x2", "sharpen/70",
        "rotate/10", "thumbnail/200x200/pad/1", "cut/100x100x0x0", "format/webp", "format/png|imageMogr2/format/jpg",
        "size-limit/100k",
    ],
)  # fmt: skip
def test_where_the_map_would_be_wrong_or_has_no_place_the_picture_goes_without(text: str) -> None:
    body = made(ultra_hdr(), f"imageMogr2/{text}").body
    assert not has_gain_map(body)
    assert opened(body).format != "MPO"


def test_automatic_formats_go_without() -> None:
    assert not has_gain_map(made(ultra_hdr(), "imageMogr2/thumbnail/160x", auto=True).body)


def test_the_map_is_as_coarse_as_it_was_and_means_the_same() -> None:
    carrier = pyvips.Image.uhdrload_buffer(ultra_hdr())
    before = libvips.load("jpeg", carrier.get("gainmap-data"))
    after = pyvips.Image.uhdrload_buffer(made(ultra_hdr(), "imageMogr2/thumbnail/!50p").body)
    small = libvips.load("jpeg", after.get("gainmap-data"))
    assert small.width * 2 == pytest.approx(before.width, abs=2)
    for name in ("gainmap-max-content-boost", "gainmap-hdr-capacity-max", "gainmap-use-base-cg"):
        assert after.get(name) == pytest.approx(carrier.get(name), rel=1e-3)


def test_a_result_is_the_same_bytes_every_time() -> None:
    assert len({made(ultra_hdr(), "imageMogr2/thumbnail/100x").body for _ in range(3)}) == 1


def test_who_cannot_show_it_sees_the_picture_as_ever() -> None:
    shown = opened(made(ultra_hdr(), "imageMogr2/thumbnail/160x").body).convert("RGB")
    lamp, around = shown.getpixel((40, 24)), shown.getpixel((150, 90))
    assert isinstance(lamp, tuple)
    assert isinstance(around, tuple)
    assert lamp[1] > 230
    assert around[1] == pytest.approx(124, abs=12)


def _damages() -> dict[str, bytes]:
    body = ultra_hdr()
    index, second = body.index(b"MPF\0"), body.rindex(b"\xff\xd8\xff")
    metadata = body.rindex(b"urn:iso:std:iso:ts:21496:-1")
    return {
        "no second picture": body[:second],
        "half a second picture": body[: (second + len(body)) // 2],
        "the second picture is no JPEG": body[:second] + b"GIF89a" + body[second + 6 :],
        "the second picture is noise": body[: second + 400] + bytes(range(256)) * 20,
        "an index that points nowhere": body[: index + 12] + b"\xff" * 60 + body[index + 72 :],
        "numbers that are none": body[: metadata + 28] + b"\xff" * 40 + body[metadata + 68 :],
        "a far larger second picture": body[:second] + jpeg(4000, 3000) + body[second:],
        "another format behind": body + png(10, 10),
    }


@pytest.mark.parametrize("name", _damages() if pyvips.type_find("VipsForeignSave", "uhdrsave_buffer") else [])
def test_a_damaged_map_never_costs_the_picture(name: str) -> None:
    result = made(_damages()[name], "imageMogr2/thumbnail/100x")
    assert (result.frame.width_px, result.frame.height_px) == (100, 60)
    assert opened(result.body).size == (100, 60)
