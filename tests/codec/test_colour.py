"""Colours look the same whatever space, depth or format they travel in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pyvips
from pictures import encoded, opened
from PIL import Image

from proxy.codec import pillow
from proxy.codec.sniff import sniff
from proxy.codec.vips import capabilities, probe, render
from proxy.core.model import ImageLimits
from proxy.formats import CATALOGUE
from proxy.ops.encoded import encode_text
from proxy.ports import Job

LIMITS = ImageLimits()
ENCODABLE = [name for name in capabilities().encode if not CATALOGUE[name].vector]
KEEPING = [name for name in ENCODABLE if name not in ("gif", "bmp", "jxl", "tpg")]
PATCHES = ((200, 40, 40), (40, 160, 60), (50, 70, 190), (230, 210, 90), (128, 128, 128), (20, 20, 20))
SIDE_PX = 32


def patches() -> Any:
    """Six patches side by side, as an sRGB libvips picture."""
    columns = [
        (pyvips.Image.black(SIDE_PX, SIDE_PX) + list(rgb)).cast("uchar").copy(interpretation="srgb") for rgb in PATCHES
    ]
    return pyvips.Image.arrayjoin(columns, across=len(columns))


def rendered(body: bytes, format_: str, text: str = "imageMogr2/thumbnail/!50p") -> bytes:
    return render(body, probe(body, LIMITS), Job(plan_text=text, format=format_, limits=LIMITS)).body


def shown(body: bytes) -> list[tuple[int, ...]]:
    """The middle of each patch, in sRGB as a browser that heeds profiles shows it."""
    if sniff(body) == "heif":
        file = pillow.heif.open_heif(body)
        picture, profile = file.to_pillow(), file.info.get("icc_profile")
    else:
        picture = opened(body)
        profile = picture.info.get("icc_profile")
    picture = picture.convert("RGB")
    image = pyvips.Image.new_from_memory(picture.tobytes(), picture.width, picture.height, 3, "uchar")
    image = image.copy(interpretation="srgb")
    if profile:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        image = image.icc_transform("srgb", embedded=True)
    step = image.width / len(PATCHES)
    return [tuple(image(int(step * (index + 0.5)), image.height // 2)) for index in range(len(PATCHES))]


def alike(body: bytes, tolerance: int) -> bool:
    return all(
        abs(a - b) <= tolerance
        for one, other in zip(shown(body), PATCHES, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def display_p3(depth: int = 8) -> Any:
    return patches().icc_transform("p3", input_profile="srgb", depth=depth)


@pytest.mark.parametrize("format_", ENCODABLE)
@pytest.mark.parametrize("depth", [8, 16])
def test_display_p3_looks_right_everywhere(format_: str, depth: int) -> None:
    assert alike(rendered(display_p3(depth).pngsave_buffer(), format_), 10)


@pytest.mark.parametrize("format_", ENCODABLE)
@pytest.mark.parametrize("text", ["thumbnail/!50p", "thumbnail/!50p/strip"])
@pytest.mark.parametrize(("saver", "options"), [("jpegsave_buffer", {"Q": 95}), ("pngsave_buffer", {})])
def test_adobe_rgb_looks_right_everywhere(
    format_: str, text: str, saver: str, options: dict[str, int], tmp_path: Path
) -> None:
    (tmp_path / "adobe.icc").write_bytes(rgb_profile(2.2, _ADOBE))
    adobe = patches().icc_transform(str(tmp_path / "adobe.icc"), input_profile="srgb")
    # Its own numbers are paler, so that a reader who drops the profile shows it.
    assert abs(adobe(SIDE_PX // 2, 8)[0] - PATCHES[0][0]) > 20
    assert alike(rendered(getattr(adobe, saver)(**options), format_, f"imageMogr2/{text}"), 10)


@pytest.mark.parametrize("format_", ["jpeg", "webp", "gif"])
@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_grayscale_weighs_what_is_seen_and_not_the_numbers(format_: str, gamma: float, tmp_path: Path) -> None:
    (tmp_path / "wide.icc").write_bytes(rgb_profile(gamma, _ADOBE))
    wide = patches().icc_transform(str(tmp_path / "wide.icc"), input_profile="srgb", depth=16).pngsave_buffer()
    wanted = patches().colourspace("b-w")
    found = shown(rendered(wide, format_, "imageMogr2/grayscale/1"))
    for index, pixel in enumerate(found):
        assert pixel == pytest.approx(wanted(int(SIDE_PX * (index + 0.5)), 8) * 3, abs=6)


def test_a_linear_profile_is_not_left_on_8_bits() -> None:
    """The darkest tenth of the levels would share one per cent of the numbers."""
    levels = (pyvips.Image.identity(ushort=True, size=4096) * 16).cast("ushort").copy(interpretation="grey16")
    linear = levels.bandjoin([levels, levels]).copy(interpretation="rgb16").embed(0, 0, 4096, 64, extend="copy")
    linear.set_type(pyvips.GValue.blob_type, "icc-profile-data", rgb_profile(gamma=1.0))
    body = rendered(linear.pngsave_buffer(), "png", "imageMogr2/thumbnail/1024x16!")
    result = pyvips.Image.pngload_buffer(body)
    assert not result.get_typeof("icc-profile-data")
    assert len({tuple(result(x, 8)) for x in range(100)}) > 60


@pytest.mark.parametrize("format_", KEEPING)
def test_a_wide_gamut_is_kept(format_: str) -> None:
    source = display_p3().pngsave_buffer()
    body = rendered(source, format_)
    profile = pillow.heif.open_heif(body).info["icc_profile"] if format_ == "heif" else opened(body).info["icc_profile"]
    assert profile == opened(source).info["icc_profile"]


@pytest.mark.parametrize("format_", ENCODABLE)
def test_strip_converts_before_it_drops_the_profile(format_: str) -> None:
    body = rendered(display_p3().pngsave_buffer(), format_, "imageMogr2/thumbnail/!50p/strip")
    assert alike(body, 10)
    if format_ not in ("heif", "jxl", "tpg"):  # Pillow cannot open the one, and makes up a profile for the other
        assert not opened(body).info.get("icc_profile")


@pytest.mark.parametrize("format_", ENCODABLE)
@pytest.mark.parametrize("saver", ["jpegsave_buffer", "tiffsave_buffer"])
@pytest.mark.parametrize("profile", [True, False], ids=["with-profile", "without-profile"])
def test_cmyk_becomes_rgb_even_in_jpeg(format_: str, saver: str, profile: bool) -> None:
    cmyk = patches().icc_transform("cmyk", input_profile="srgb", intent="perceptual")
    if not profile:
        cmyk = cmyk.copy()
        cmyk.remove("icc-profile-data")
    options = {"Q": 95, "keep": 8 if profile else 0} if saver.startswith("jpeg") else {"keep": 8 if profile else 0}
    body = rendered(getattr(cmyk, saver)(**options), format_)
    if format_ != "heif":
        assert opened(body).mode in ("RGB", "P")
    assert alike(body, 64)  # ink on paper has no such blue; inverted channels would be off by far more


@pytest.mark.parametrize("format_", ENCODABLE)
def test_sixteen_bits_become_eight_where_they_must(format_: str) -> None:
    source = patches().colourspace("rgb16").pngsave_buffer()
    body = rendered(source, format_, "imageMogr2/flip/vertical")
    assert alike(body, 10)
    if format_ in ("png", "tiff"):
        load = pyvips.Image.pngload_buffer if format_ == "png" else pyvips.Image.tiffload_buffer
        assert load(body).format == "ushort"


@pytest.mark.parametrize("format_", ENCODABLE)
@pytest.mark.parametrize(
    "convert",
    [
        lambda image: image.colourspace("lab").tiffsave_buffer(),
        lambda image: image.colourspace("scrgb").tiffsave_buffer(),
        lambda image: image.bandjoin(255).copy(interpretation="srgb").pngsave_buffer(),
        lambda image: image.pngsave_buffer(palette=True),
        lambda image: image.bandjoin([255, 7]).tiffsave_buffer(),
    ],
    ids=["lab", "float", "alpha", "palette", "five-bands"],
)
def test_other_spaces_look_the_same(format_: str, convert: Callable[[Any], bytes]) -> None:
    assert alike(rendered(convert(patches()), format_), 12)


@pytest.mark.parametrize("format_", ENCODABLE)
@pytest.mark.parametrize("mode", ["L", "LA", "I;16", "1"])
def test_grey_stays_grey(format_: str, mode: str) -> None:
    grey = Image.linear_gradient("L").resize((64, 64))
    picture = (
        Image.frombytes("I;16", (64, 64), b"".join(bytes([0, v]) for v in grey.tobytes()))
        if mode == "I;16"
        else grey.convert(mode)
    )
    body = rendered(encoded(picture, "PNG"), format_, "imageMogr2/format/png")
    result = pillow.heif.open_heif(body).to_pillow() if format_ == "heif" else opened(body)
    if result.mode == "I;16":
        result = result.point(lambda value: value / 257).convert("L")
    pixels = list(zip(*[iter(result.convert("RGB").tobytes())] * 3, strict=True))
    assert all(max(pixel) - min(pixel) <= 3 for pixel in pixels)
    top, bottom = pixels[64 * 4][0], pixels[64 * 59][0]
    assert top < 45
    assert bottom > 210


@pytest.mark.parametrize("format_", KEEPING)
def test_a_grey_profile_never_ends_on_rgb_pixels(format_: str) -> None:
    """Decoders refuse, or misread, a picture whose profile is for another number of channels."""
    gamma = pyvips.Image.black(32, 32).cast("uchar").copy(interpretation="b-w")
    gamma.set_type(pyvips.GValue.blob_type, "icc-profile-data", grey_profile())
    result = rendered(gamma.pngsave_buffer(), format_)
    profile = (
        pillow.heif.open_heif(result).info.get("icc_profile")
        if format_ == "heif"
        else opened(result).info.get("icc_profile")
    )
    mode = "RGB" if format_ == "heif" else opened(result).mode
    assert not profile or (profile[16:20] == b"GRAY" and mode in ("L", "I;16"))


@pytest.mark.parametrize("format_", ENCODABLE)
def test_a_profile_that_nobody_can_read_does_no_harm(format_: str) -> None:
    image = patches()
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", b"garbage" * 50)
    assert alike(rendered(image.pngsave_buffer(), format_), 12)


@pytest.mark.parametrize("colour", ["red", "grey"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "I;16"])
def test_a_canvas_has_the_colour_asked_in_every_kind_of_picture(mode: str, colour: str) -> None:
    text = {"red": "I0ZGMDAwMA", "grey": "IzgwODA4MA"}[colour]
    picture = Image.new(mode, (40, 20), 40_000 if mode == "I;16" else "white")
    body = rendered(encoded(picture, "PNG"), "png", f"imageMogr2/thumbnail/40x40/pad/1/color/{text}")
    image = pyvips.Image.pngload_buffer(body).colourspace("srgb")
    assert (image.width, image.height) == (40, 40)
    assert image(2, 2)[:3] == {"red": [255, 0, 0], "grey": [128, 128, 128]}[colour]


@pytest.mark.parametrize("colour", [(200, 40, 40), (40, 160, 60), (128, 128, 128), (255, 255, 255), (0, 0, 0)])
@pytest.mark.parametrize(("space", "depth"), [("p3", 8), ("p3", 16), ("adobe", 8), ("linear", 8)])
@pytest.mark.parametrize("alpha", [False, True])
def test_a_colour_of_the_url_is_srgb_whatever_the_picture_has(
    space: str, depth: int, colour: tuple[int, int, int], alpha: bool, tmp_path: Path
) -> None:
    """As a canvas and as a text: both are looked at through the profile of the picture, which stays."""
    profile = {"p3": "p3", "adobe": str(tmp_path / "adobe.icc"), "linear": str(tmp_path / "linear.icc")}[space]
    (tmp_path / "adobe.icc").write_bytes(rgb_profile(2.2, _ADOBE))
    (tmp_path / "linear.icc").write_bytes(rgb_profile(1.0, _ADOBE))
    wide = patches().icc_transform(profile, input_profile="srgb", depth=depth)
    body = (
        wide.bandjoin(65_535 if depth == 16 else 255).copy(interpretation=wide.interpretation) if alpha else wide
    ).pngsave_buffer()
    fill = encode_text("#{:02X}{:02X}{:02X}".format(*colour))
    plans = {
        f"imageMogr2/thumbnail/60x60/pad/1/color/{fill}": (2, 2),
        f"watermark/2/text/{encode_text('█')}/fontsize/30/dissolve/100/gravity/northwest/fill/{fill}": (8, 12),
        f"watermark/2/text/{encode_text('█')}/fontsize/30/dissolve/100/gravity/northwest/fill/{fill}/shadow/1": (8, 12),
    }
    for plan, place in plans.items():
        image = pyvips.Image.pngload_buffer(rendered(body, "png", plan))
        assert depth == 16 or image.get_typeof("icc-profile-data")
        if image.get_typeof("icc-profile-data"):
            image = image.icc_transform("srgb", embedded=True)
        assert image.colourspace("srgb")(*place)[:3] == pytest.approx(colour, abs=2 if space == "p3" else 4), plan


def grey_profile() -> bytes:
    return _profile(b"GRAY", [(b"kTRC", _curve(2.2))])


_SRGB = ("00006fa2000038f500000390", "000062990000b785000018da", "000024a000000f840000b6cf")
_ADOBE = ("00009c1800004fa5000004fc", "0000348d0000a02c00000f95", "000026310000102f0000be9c")
"""Red, green and blue in XYZ, adapted to D50."""


def rgb_profile(gamma: float, primaries: tuple[str, str, str] = _SRGB) -> bytes:
    """A power of *gamma* over *primaries*."""
    named = zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)
    tags = [(name, b"XYZ " + bytes(4) + bytes.fromhex(value)) for name, value in named]
    return _profile(b"RGB ", tags + [(name, _curve(gamma)) for name in (b"rTRC", b"gTRC", b"bTRC")])


def _curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + (1).to_bytes(4, "big") + round(gamma * 256).to_bytes(2, "big") + bytes(2)


def _profile(space: bytes, tags: list[tuple[bytes, bytes]]) -> bytes:
    """The least ICC profile there is (ICC.1:2010 §7, version 2)."""
    d50 = bytes.fromhex("0000f6d6000100000000d32d")
    tags = [
        (b"desc", b"desc" + bytes(4) + (2).to_bytes(4, "big") + b"g" + bytes(79)),
        (b"wtpt", b"XYZ " + bytes(4) + d50),
        (b"cprt", b"text" + bytes(4) + b"none" + bytes(4)),
        *tags,
    ]
    entries, data, at = b"", b"", 128 + 4 + len(tags) * 12
    for name, value in tags:
        entries += name + (at + len(data)).to_bytes(4, "big") + len(value).to_bytes(4, "big")
        data += value
    header = (at + len(data)).to_bytes(4, "big") + bytes(4) + bytes.fromhex("02100000") + b"mntr" + space + b"XYZ "
    header += bytes(12) + b"acsp" + bytes(28) + d50 + bytes(48)
    return header + len(tags).to_bytes(4, "big") + entries + data
