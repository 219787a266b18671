"""The catalogue finds every format, and every format keeps its promises."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from proxy import formats
from proxy.core.model import Format, Frame
from proxy.formats import CATALOGUE, Encoding, avif, heif, jpeg, jxl, webp
from proxy.formats._encoding import on_curve

CURVES = {"avif": avif.CURVE, "heif": heif.CURVE, "jpeg": jpeg.CURVE, "jxl": jxl.CURVE, "webp": webp.CURVE}
WRITTEN = [name for name, format_ in CATALOGUE.items() if format_.spellings]


def test_the_catalogue_is_complete_and_sorted() -> None:
    assert list(CATALOGUE) == ["apng", "avif", "bmp", "gif", "heif", "ico", "jpeg", "jxl", "png", "svg", "tiff", "webp"]
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
    assert format_.quality == (format_.name in CURVES)


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
    """The default of libvips costs sixty times as much."""
    assert formats.save_options("avif", Encoding())["effort"] == 0


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
    [(80, "webp", 83), (90, "webp", 93), (80, "avif", 67), (90, "avif", 86), (80, "heif", 48), (90, "heif", 61)],
)
def test_measured_points_are_met_exactly(quality: int, name: str, own: int) -> None:
    assert on_curve(CURVES[name], quality) == own
