"""``quality/auto`` in the codec: what an encoding scores, and which quality is enough."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pyvips
from pictures import animated, encoded, scene
from PIL import Image

from proxy.codec import cost, pillow, ssimulacra2
from proxy.codec.scoring import searched, seen
from proxy.codec.vips import capabilities, probe, render
from proxy.core.model import Frame, ImageLimits, Traits
from proxy.core.scores import MOST_PX, Measurement
from proxy.errors import InvalidImageFormat
from proxy.formats import CATALOGUE, Encoding
from proxy.ports import Job, Tuning

LIMITS = ImageLimits()
PHOTOS = Path(__file__).resolve().parents[2] / "photos"
WALRUS = (PHOTOS / "walrus.jpg").read_bytes()
LOSSY = [name for name, row in CATALOGUE.items() if row.quality and name in capabilities().encode]


def made(body: bytes, format_: str, text: str, *, tune: Tuning = "given", quality: int | None = None) -> bytes:
    job = Job(plan_text=text, format=format_, limits=LIMITS, tune=tune, quality=quality)
    return render(body, probe(body, LIMITS), job).body


def measured(body: bytes, format_: str, text: str = "imageMogr2/quality/auto", quality: int = 80) -> Measurement:
    return Measurement.read(json.loads(made(body, format_, text, tune="measure", quality=quality)))


def painted(text: str, body: bytes = WALRUS) -> pyvips.Image:
    """What *text* paints, without loss."""
    return seen(made(body, "png", text))


@pytest.mark.parametrize("format_", LOSSY)
def test_the_measured_score_is_that_of_the_answer(format_: str) -> None:
    text = "imageMogr2/thumbnail/300x/quality/auto"
    found = measured(WALRUS, format_, text, 70)
    assert found.quality == 70
    answer = made(WALRUS, format_, text, quality=70)
    assert found.score == pytest.approx(ssimulacra2.score(painted("imageMogr2/thumbnail/300x"), seen(answer)), abs=0.3)


@pytest.mark.parametrize("format_", LOSSY)
@pytest.mark.parametrize("target", [60, 77])
def test_a_search_finds_the_lowest_quality_that_reaches_the_target(format_: str, target: int) -> None:
    text = f"imageMogr2/thumbnail/200x/quality/auto:{target}"
    image, output = painted("imageMogr2/thumbnail/200x"), CATALOGUE[format_]
    quality = searched(image, output, Encoding(width_px=image.width, height_px=image.height), target).quality
    assert measured(WALRUS, format_, text, quality).score >= target - 0.3
    assert measured(WALRUS, format_, text, quality - 1).score < target + 0.3
    assert made(WALRUS, format_, text, tune="search") == made(WALRUS, format_, text, quality=quality)


@pytest.mark.parametrize("format_", LOSSY)
def test_the_table_answers_where_nothing_is_known(format_: str) -> None:
    answer = seen(made(WALRUS, format_, "imageMogr2/thumbnail/300x/quality/auto"))
    assert ssimulacra2.score(painted("imageMogr2/thumbnail/300x"), answer) == pytest.approx(77, abs=9)


def test_steps_after_it_are_applied_to_what_was_found() -> None:
    given = made(WALRUS, "jpeg", "imageMogr2/thumbnail/300x/quality/auto/rquality/50", quality=80)
    assert given == made(WALRUS, "jpeg", "imageMogr2/thumbnail/300x/quality/40!")
    assert made(WALRUS, "jpeg", "imageMogr2/quality/auto|imageMogr2/quality/33!", tune="search") == made(
        WALRUS, "jpeg", "imageMogr2/quality/33!"
    )


@pytest.mark.parametrize("format_", LOSSY)
@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "I;16"])
def test_any_kind_of_pixel_has_a_score(format_: str, mode: str) -> None:
    picture = Image.new("I;16", (80, 60), 30_000) if mode == "I;16" else scene(80, 60).convert(mode)
    if mode.endswith("A"):
        picture.putalpha(Image.linear_gradient("L").resize((80, 60)))
    assert -200 < measured(encoded(picture, "PNG"), format_, quality=90).score <= 100


@pytest.mark.parametrize("size_px", [(1, 1), (7, 300), (300, 7)])
def test_the_smallest_pictures_have_none_and_get_the_table(size_px: tuple[int, int]) -> None:
    body = encoded(scene(*size_px), "PNG")
    with pytest.raises(InvalidImageFormat):
        measured(body, "webp")
    assert made(body, "webp", "imageMogr2/quality/auto", tune="search") == made(body, "webp", "imageMogr2/quality/auto")


def test_animations_get_the_table() -> None:
    body = animated(64, 48, frames=3)
    text = "imageMogr2/quality/auto"
    assert made(body, "webp", text, tune="search") == made(body, "webp", text)
    with pytest.raises(InvalidImageFormat):
        measured(body, "webp")


def test_lossless_formats_do_not_mind() -> None:
    text = "imageMogr2/thumbnail/100x"
    assert made(WALRUS, "png", f"{text}/quality/auto:30", tune="search") == made(WALRUS, "png", text)


@pytest.mark.parametrize(("size_px", "source"), [
    ((1600, 1000), "png"), ((6000, 260), "png"), ((200, 7000), "png"), ((1600, 1000), "jpeg"), ((6000, 260), "jpeg"),
])  # fmt: skip
def test_tiles_of_a_large_picture_score_as_the_whole_does(size_px: tuple[int, int], source: str) -> None:
    """A photograph repeated, so that any part is like any other; as a JPEG it loses next to nothing by becoming one once more."""
    photo = pyvips.Image.new_from_buffer(WALRUS, "").colourspace("srgb").thumbnail_image(400)
    across, down = (-(-side_px // of) for side_px, of in zip(size_px, (photo.width, photo.height), strict=True))
    large = photo.replicate(across, down).crop(0, 0, *size_px).copy_memory()
    assert large.width * large.height > MOST_PX
    body = large.pngsave_buffer(compression=1) if source == "png" else large.jpegsave_buffer(Q=75)
    found = measured(body, "jpeg", quality=75)
    whole = ssimulacra2.score(seen(body), seen(made(body, "jpeg", "imageMogr2/quality/auto", quality=75)))
    assert source == "png" or whole > 90
    assert found.score == pytest.approx(whole, abs=1.5)


@pytest.mark.parametrize("tune", ["measure", "search"])
def test_it_is_priced(tune: Tuning) -> None:
    traits = Traits(format="jpeg", frame=Frame(width_px=1000, height_px=1000))
    job = Job(plan_text="imageMogr2/quality/auto", format="avif", limits=LIMITS, quality=80)
    plain_s, tuned_s = cost.render_s(traits, job), cost.render_s(traits, replace(job, tune=tune))
    assert tuned_s > plain_s + 0.3
    huge = replace(traits, frame=Frame(width_px=6000, height_px=4000))
    measuring: Callable[[Traits], float] = lambda each: cost.render_s(each, replace(job, tune="measure"))
    assert measuring(huge) - measuring(traits) < 0.5, "encoded and compared are tiles"


@pytest.mark.skipif(pillow.heif is None, reason="needs the extra heif")
def test_the_quality_given_is_the_one_encoded_with() -> None:
    bodies = [made(WALRUS, "heif", "imageMogr2/thumbnail/200x/quality/auto", quality=quality) for quality in (40, 80)]
    assert len(bodies[0]) < 0.8 * len(bodies[1])
