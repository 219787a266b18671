"""The measure by libvips, held to the Python package of the same name."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import pyvips
from PIL import Image

from proxy.codec import ssimulacra2

PHOTOS = Path(__file__).resolve().parents[2] / "photos"
MOST_APART = {90: 0.7, 75: 1.5, 40: 4.0}
"""Points by JPEG quality: the package mirrors a picture at two of its borders, where libjxl's program has nothing beyond any."""


def photo(name: str, width_px: int = 384) -> pyvips.Image:
    return pyvips.Image.thumbnail(str(PHOTOS / name), width_px).colourspace("srgb").copy_memory()


def spoilt(image: pyvips.Image, quality: int) -> pyvips.Image:
    return pyvips.Image.jpegload_buffer(image.jpegsave_buffer(Q=quality)).copy_memory()


@pytest.mark.parametrize("name", ["walrus.jpg", "canyon.jpg", "violets.jpg"])
@pytest.mark.parametrize("quality", sorted(MOST_APART))
def test_it_agrees_with_the_package(name: str, quality: int, tmp_path: Path) -> None:
    one = photo(name)
    other = spoilt(one, quality)
    assert ssimulacra2.score(one, other) == pytest.approx(by_package(one, other, tmp_path), abs=MOST_APART[quality])


@pytest.mark.parametrize("quality", [20, 75])
@pytest.mark.parametrize("size_px", [(301, 203), (97, 120), (40, 33)])
def test_with_equal_borders_it_is_the_same(
    size_px: tuple[int, int], quality: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numpy, ndimage = pytest.importorskip("numpy"), pytest.importorskip("scipy.ndimage")
    package = pytest.importorskip("ssimulacra2.ssimulacra2", reason="needs the extra bench")

    def blurred(image, sigma=1.5):
        padded = numpy.pad(image, ((5, 5), (5, 5), (0, 0)))
        return ndimage.gaussian_filter(padded, sigma=sigma, truncate=3.33, axes=(0, 1))[5:-5, 5:-5]

    monkeypatch.setattr(package, "blur_image", blurred)
    one = photo("violets.jpg").crop(20, 10, *size_px).copy_memory()
    other = spoilt(one, quality)
    assert ssimulacra2.score(one, other) == pytest.approx(by_package(one, other, tmp_path), abs=0.25)


def by_package(one: pyvips.Image, other: pyvips.Image, folder: Path) -> float:
    package = pytest.importorskip("ssimulacra2", reason="needs the extra bench")
    for image, file in ((one, "one.png"), (other, "other.png")):
        image.pngsave(str(folder / file))
    return float(package.compute_ssimulacra2(str(folder / "one.png"), str(folder / "other.png")))


def test_a_picture_looks_exactly_like_itself() -> None:
    one = photo("walrus.jpg")
    assert ssimulacra2.score(one, one) == pytest.approx(100, abs=0.2)


def test_the_worse_the_lower() -> None:
    one = photo("canyon.jpg")
    scores = [ssimulacra2.score(one, spoilt(one, quality)) for quality in (5, 20, 50, 80, 95)]
    assert scores == sorted(scores)
    assert scores[0] < 20
    assert scores[-1] > 85


def test_another_picture_is_far_off() -> None:
    one = photo("canyon.jpg").crop(0, 0, 256, 128)
    other = photo("walrus.jpg").crop(0, 0, 256, 128)
    assert ssimulacra2.score(one, other) < 0


@pytest.mark.parametrize("size_px", [(8, 8), (8, 300), (9, 15), (31, 17), (255, 257), (1, 8)])
def test_any_size_has_a_score(size_px: tuple[int, int]) -> None:
    out = io.BytesIO()
    Image.effect_noise(size_px, 60).convert("RGB").save(out, "PNG")
    one = pyvips.Image.pngload_buffer(out.getvalue()).copy_memory()
    assert -1000 < ssimulacra2.score(one, spoilt(one, 30)) <= 100
