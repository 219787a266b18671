"""The catalogue finds every format, and every format keeps its promises."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from proxy import formats
from proxy.core.model import PRESETS, Format, Frame, Preset
from proxy.formats import CATALOGUE, Encoding, avif, heif, jpeg, jxl, tpg, webp
from proxy.formats._encoding import on_curve

CURVES = {
    f"{name} {setting}": curve
    for name, module in {"avif": avif, "heif": heif, "jpeg": jpeg, "jxl": jxl, "tpg": tpg, "webp": webp}.items()
    for setting, curve in module.CURVES.items()
}
WRITTEN = [name for name, format_ in CATALOGUE.items() if format_.spellings]


def test_the_catalogue_is_complete_and_sorted() -> None:
    assert list(CATALOGUE) == [
        "apng", "avif", "bmp", "gif", "heif", "ico", "jpeg", "jxl", "png", "svg", "tiff", "tpg", "webp",
    ]  # fmt: skip
    assert all(name == format_.name for name, format_ in CATALOGUE.items())


def test_the_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CATALOGUE["new"] = CATALOGUE["png"]  # type: ignore[index]


def test_two_formats_cannot_claim_one_name() -> None:
    twice = dataclasses.replace(CATALOGUE["png"], name="other")
    with pytest.raises(ValueError, match="png and other both claim 'png'"):
        formats.index([CATALOGUE["png"], twice], lambda format_: format_.spellings)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("jpg", "jpeg"),
        ("jpeg", "jpeg"),
        ("yjpeg", "jpeg"),
        ("JPG", "jpeg"),
        ("heic", "heif"),
        ("heif", "heif"),
        ("tif", "tiff"),
        ("webp", "webp"),
        ("avif", "avif"),
        ("gif", "gif"),
        ("bmp", "bmp"),
        ("png", "png"),
        ("svgc", "svg"),
        ("ico", None),  # read only
        ("auto", None),
        ("", None),
        ("jpg ", None),
    ],
)
def test_a_spelling_names_a_format(text: str, name: str | None) -> None:
    found = formats.by_spelling(text)
    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("media_type", "name"),
    [("image/heic", "heif"), ("IMAGE/AVIF", "avif"), ("image/jpeg", "jpeg"), ("image/*", None), ("image/jpg", None)],
)
def test_a_media_type_names_a_format(media_type: str, name: str | None) -> None:
    found = formats.by_accept_type(media_type)
    assert (found and found.name) == name


def test_a_suffix_names_a_format() -> None:
    assert formats.by_suffix(".JPG") is CATALOGUE["jpeg"]
    assert formats.by_suffix(".txt") is None


@pytest.mark.parametrize("format_", CATALOGUE.values(), ids=lambda format_: format_.name)
def test_a_format_is_what_its_row_says(format_: Format) -> None:
    assert format_.media_type in format_.accept_types
    assert all(suffix.startswith(".") for suffix in format_.suffixes)
    costly = format_.animation_seconds_per_megapixel is not None
    assert format_.uniform == (format_.alpha and format_.animation and not costly)
    assert format_.seconds_per_megapixel > 0
    assert format_.quality == (f"{format_.name} realtime" in CURVES)


@pytest.mark.parametrize("name", WRITTEN)
def test_save_options_depend_on_quality_only_where_the_row_says_so(name: str) -> None:
    low, high = (formats.save_options(name, Encoding(quality=quality)) for quality in (20, 80))
    assert (low != high) == CATALOGUE[name].quality
    assert formats.save_options(name, Encoding()) is not formats.save_options(name, Encoding())


def test_only_jpeg_heeds_interlace() -> None:
    heeding = [
        name
        for name in WRITTEN
        if formats.save_options(name, Encoding(interlace=True)) != formats.save_options(name, Encoding())
    ]
    assert heeding == ["jpeg"]


def test_a_format_that_is_only_read_has_no_save_options() -> None:
    with pytest.raises(KeyError):
        formats.save_options("ico", Encoding())


def test_avif_always_says_its_effort() -> None:
    """The default of libvips costs sixty times as much as realtime may, and is kept for small pictures."""
    sides = (500, 1200, 3000, 6000)
    effort = {
        preset: [formats.save_options("avif", _square(side, preset))["effort"] for side in sides] for preset in PRESETS
    }
    assert effort == {"realtime": [0, 0, 0, 0], "balanced": [1, 1, 1, 0], "best": [4, 3, 1, 0]}


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_taken_as_far_as_it_is_affordable(name: str, preset: Preset) -> None:
    """The larger a picture the plainer its encoding, down to realtime; never the other way."""
    sides = (10, 600, 2000, 4000, 8000, 16_000)
    ranks = [PRESETS.index(formats.affordable(name, _square(side, preset)).preset) for side in sides]
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[0] == PRESETS.index(preset)
    assert formats.affordable(name, _square(16_000, "realtime")) == _square(16_000, "realtime")
    for side in sides:
        asked = _square(side, preset)
        assert formats.save_options(name, asked) == formats.save_options(name, formats.affordable(name, asked))


@pytest.mark.parametrize(("preset", "effort"), [("realtime", 2), ("balanced", 4), ("best", 4)])
def test_webp_with_alpha_never_takes_the_effort_that_takes_minutes(preset: Preset, effort: int) -> None:
    encoding = dataclasses.replace(_square(800, preset), alpha=True)
    assert formats.save_options("webp", encoding)["effort"] == effort


@pytest.mark.parametrize("name", ["avif", "jpeg"])
@pytest.mark.parametrize("preset", PRESETS)
def test_colours_are_at_full_resolution_from_quality_90(name: str, preset: Preset) -> None:
    if (name, preset) == ("jpeg", "realtime"):
        pytest.skip("libvips' own rule")
    encoding = _square(800, preset)
    modes = [formats.save_options(name, dataclasses.replace(encoding, quality=q))["subsample_mode"] for q in (80, 90)]
    assert modes[1] == "off"
    assert name == "avif" or modes[0] == "on"


def _square(side_px: int, preset: Preset) -> Encoding:
    return Encoding(width_px=side_px, height_px=side_px, preset=preset)


def test_an_animated_avif_is_faster_the_larger_it_is() -> None:
    sides = [(80, 60), (480, 270), (1920, 1080)]
    options = [
        formats.save_options("avif", Encoding(width_px=width_px, height_px=height_px, frames=25))
        for width_px, height_px in sides
    ]
    assert [each["speed"] for each in options] == [6, 7, 9]
    assert {each["max_threads"] for each in options} == {1}


def test_what_an_animation_costs_is_told_by_its_frames() -> None:
    row = CATALOGUE["avif"]
    still, moving = Frame(width_px=1000, height_px=1000), Frame(width_px=1000, height_px=1000, frames=2)
    assert row.encoding_s(still) == pytest.approx(row.seconds_per_megapixel)
    assert row.encoding_s(moving) == pytest.approx(2 * row.animation_seconds_per_megapixel)
    assert CATALOGUE["webp"].encoding_s(moving) == pytest.approx(2 * CATALOGUE["webp"].seconds_per_megapixel)


@pytest.mark.parametrize("name", CURVES)
def test_quality_curves_rise_from_end_to_end(name: str) -> None:
    own = [on_curve(CURVES[name], quality) for quality in range(101)]
    assert all(a <= b for a, b in itertools.pairwise(own))
    assert own[0] <= 1
    assert own[100] == 100
    assert on_curve(CURVES[name], -5) == own[0]
    assert on_curve(CURVES[name], 1000) == 100


@pytest.mark.parametrize(
    ("quality", "name", "own"),
    [
        (80, "webp realtime", 84),
        (80, "avif realtime", 67),
        (90, "avif realtime", 87),
        (80, "avif balanced", 65),
        (80, "heif best", 49),
        (80, "jpeg realtime", 80),
        (80, "jpeg best", 82),
    ],
)
def test_measured_points_are_met_exactly(quality: int, name: str, own: int) -> None:
    assert on_curve(CURVES[name], quality) == own
