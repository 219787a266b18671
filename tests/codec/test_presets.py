"""What presets change: the search for bytes, never what the picture shows."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from pictures import encoded, scene
from PIL import Image, ImageChops, ImageFilter

from proxy.codec import cost, jpeg_header, pillow
from proxy.codec.cost_table import SECONDS
from proxy.codec.vips import capabilities, probe, render
from proxy.core.model import PRESETS, Frame, ImageLimits, Preset, Traits
from proxy.formats import CATALOGUE
from proxy.ports import Job

LIMITS = ImageLimits()
PHOTO = (Path(__file__).resolve().parents[2] / "photos/walrus.jpg").read_bytes()
TEN_BITS = [
    "avif",
    pytest.param("heif", marks=pytest.mark.skipif(pillow.heif is None, reason="needs the extra heif")),
]
LOSSY = [*TEN_BITS, "jpeg", "webp"]


def made(body: bytes, format_: str, preset: Preset, text: str = "imageMogr2") -> bytes:
    return render(body, probe(body, LIMITS), Job(plan_text=text, format=format_, limits=LIMITS, preset=preset)).body


def shown(body: bytes, format_: str) -> Image.Image:
    if format_ == "heif":
        return pillow.heif.open_heif(body, convert_hdr_to_8bit=True).to_pillow().convert("RGBA")
    return Image.open(io.BytesIO(body)).convert("RGBA")


@pytest.mark.parametrize("format_", LOSSY)
@pytest.mark.parametrize("preset", ["balanced", "best"])
def test_searching_saves_bytes_at_much_the_same_quality(format_: str, preset: Preset) -> None:
    """A photograph: at most a few bytes more, and as near to it as realtime is."""
    text = "imageMogr2/thumbnail/300x/quality/75!"
    reference = shown(made(PHOTO, "png", "realtime", "imageMogr2/thumbnail/300x"), "png")
    (plain_bytes, plain_off), (searched_bytes, searched_off) = (
        (len(body), _off(reference, shown(body, format_)))
        for body in (made(PHOTO, format_, each, text) for each in ("realtime", preset))
    )
    assert searched_bytes < 1.05 * plain_bytes
    assert searched_off < 1.25 * plain_off


def _off(one: Image.Image, other: Image.Image) -> float:
    """Root of the mean squared difference."""
    histogram = ImageChops.difference(one, other).convert("L").histogram()
    return (sum(count * level**2 for level, count in enumerate(histogram)) / sum(histogram)) ** 0.5


@pytest.mark.parametrize("format_", TEN_BITS)
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("level", [0, 1, 127, 254, 255])
def test_ten_bits_leave_levels_where_they_were(format_: str, preset: Preset, level: int) -> None:
    """Shifted, as libvips would by itself, white becomes a light grey."""
    body = encoded(Image.new("RGB", (64, 64), (level,) * 3), "PNG")
    low, high = shown(made(body, format_, preset, "imageMogr2/quality/90!"), format_).getextrema()[0]
    assert (low, high) == (level, level)


@pytest.mark.parametrize("format_", TEN_BITS)
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_ten_bits_take_every_kind_of_pixel(format_: str, mode: str) -> None:
    picture = (
        Image.new("I;16", (64, 48), 30_000)
        if mode == "I;16"
        else scene(64, 48).filter(ImageFilter.GaussianBlur(6)).convert(mode)
    )
    if mode.endswith("A"):
        picture.putalpha(128)
    result = shown(made(encoded(picture, "PNG"), format_, "best", "imageMogr2/quality/95!"), format_)
    wanted = Image.new("RGBA", (64, 48), (117, 117, 117, 255)) if mode == "I;16" else picture.convert("RGBA")
    assert result.size == (64, 48)
    assert _off(wanted, result) < 6
    assert abs(result.getpixel((30, 30))[3] - wanted.getpixel((30, 30))[3]) <= 1


@pytest.mark.parametrize(("preset", "progressive"), [("realtime", False), ("balanced", True), ("best", True)])
def test_jpegs_beyond_realtime_are_progressive_and_of_tables_that_suit_the_eye(
    preset: Preset, progressive: bool
) -> None:
    body = made(PHOTO, "jpeg", preset, "imageMogr2/thumbnail/200x/quality/80!")
    assert (jpeg_header.read(body).scans > 1) == progressive
    assert (made(PHOTO, "jpeg", "realtime", "imageMogr2/thumbnail/200x/quality/80!") == body) == (not progressive)


@pytest.mark.parametrize("colours", [2, 200, 100_000])
@pytest.mark.parametrize("alpha", [False, True])
def test_the_best_png_shows_exactly_what_realtime_shows_in_no_more_bytes(colours: int, alpha: bool) -> None:
    picture = (
        scene(120, 90).quantize(min(colours, 256)).convert("RGBA") if colours < 257 else scene(120, 90).convert("RGBA")
    )
    picture.putalpha(picture.getchannel("R").point(lambda level: 255 if level > 99 else 0) if alpha else 255)
    body = encoded(picture, "PNG")
    plain, best = (made(body, "png", preset, "imageMogr2/flip/horizontal") for preset in ("realtime", "best"))
    assert len(best) <= len(plain)
    ours, theirs = shown(best, "png"), shown(plain, "png")
    for image in (ours, theirs):  # what hides behind full transparency is nobody's business
        image.paste((0, 0, 0, 0), mask=image.getchannel("A").point(lambda level: 255 * (level == 0)))
    assert ImageChops.difference(ours, theirs).getbbox(alpha_only=False) is None


def test_few_colours_become_a_palette_in_the_best_png_alone() -> None:
    body = encoded(scene(120, 90).quantize(100).convert("RGB"), "PNG")
    modes = {
        preset: Image.open(io.BytesIO(made(body, "png", preset, "imageMogr2/flip/vertical"))).mode for preset in PRESETS
    }
    assert modes == {"realtime": "RGB", "balanced": "RGB", "best": "P"}


def test_what_a_build_writes_it_writes_with_every_preset() -> None:
    for format_ in (name for name in capabilities().encode if not CATALOGUE[name].vector):
        sizes = [len(made(PHOTO, format_, preset, "imageMogr2/thumbnail/16x")) for preset in PRESETS]
        assert min(sizes) > 0


@pytest.mark.parametrize("format_", [name for name, row in CATALOGUE.items() if row.spellings])
@pytest.mark.parametrize("side_px", [300, 900, 2500, 7000])
def test_a_thorough_preset_is_never_predicted_to_cost_less(format_: str, side_px: int) -> None:
    high_px = min(side_px, CATALOGUE[format_].max_height_px or side_px)
    traits = Traits(format="jpeg", frame=Frame(width_px=side_px, height_px=high_px), size_bytes=side_px**2 // 8)
    plain_s, *searched_s = (_predicted_s(traits, format_, preset) for preset in PRESETS)
    assert all(each >= plain_s for each in searched_s)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("format_", ["avif", "gif", "heif", "jpeg", "jxl", "png", "webp"])
@pytest.mark.parametrize("side_px", [300, 900, 2500, 7000])
def test_the_cost_of_every_setting_was_measured(format_: str, preset: Preset, side_px: int) -> None:
    traits = Traits(format="png", frame=Frame(width_px=side_px, height_px=side_px, alpha=True))
    kinds = cost.work(traits, Job(plan_text="imageMogr2", format=format_, limits=LIMITS, preset=preset))
    assert {kind for kind in kinds if kind.startswith("encode")} <= SECONDS.keys()


def _predicted_s(traits: Traits, format_: str, preset: Preset) -> float:
    return cost.render_s(traits, Job(plan_text="imageMogr2", format=format_, limits=LIMITS, preset=preset))


@pytest.mark.parametrize(
    ("picture", "options", "bits"),
    [
        (Image.new("I;16", (9, 9), 300), {"format_": "PNG"}, 16),
        (Image.new("L", (9, 9)), {"format_": "PNG"}, 8),
        (Image.new("I;16", (9, 9), 300), {"format_": "TIFF"}, 16),
        (Image.new("RGB", (9, 9)), {"format_": "TIFF"}, 8),
        (Image.new("RGB", (9, 9)), {"format_": "AVIF"}, 8),
        (Image.new("RGB", (9, 9)), {"format_": "JPEG"}, 8),
        (Image.new("P", (9, 9)), {"format_": "PNG"}, 8),
    ],
    ids=str,
)
def test_a_probe_tells_how_wide_samples_are(picture: Image.Image, options: dict[str, Any], bits: int) -> None:
    assert probe(encoded(picture, **options), LIMITS).bits == bits


def test_wide_samples_are_predicted_to_cost_more() -> None:
    job = Job(plan_text="imageMogr2/blur/40x20", format="png", limits=LIMITS)
    narrow, wide = (
        Traits(format="png", frame=Frame(width_px=2000, height_px=2000), size_bytes=8_000_000, bits=bits)
        for bits in (8, 16)
    )
    assert cost.render_s(wide, job) > 2 * cost.render_s(narrow, job)
