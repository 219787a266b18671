"""Originals of 8, 18 and 30 MB: one photograph of 8 MB as it is, and mosaics of others, since no larger ones are at hand.

A mosaic is made of squares cut out of photographs as they came from phones and cameras, and saved as the JPEG of the highest
quality that fits, colours at full resolution.  A score is the mean over smaller squares at even distances, since SSIMULACRA2
over 50 megapixels would take more memory than there is.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

os.environ["VIPS_CONCURRENCY"] = "1"

import pyvips
from cache import Cache
from judge import score
from pace import cpu_s
from trials import CATALOGUE, Encoding, opened, shown

from proxy import formats
from proxy.codec.encode import encode
from proxy.core.model import Preset

MB = 1_000_000
LEAST_SCORE = 80.0
QUALITIES = {"avif": tuple(range(80, 90)), "heif": (80, 86, 89)}
"""An HEIF of 50 megapixels takes its time."""
TILE_PX = 3000
SQUARE_PX = 768
SQUARES = 9
ASKED: Sequence[tuple[str, Preset]] = (("avif", "realtime"), ("avif", "balanced"), ("heif", "realtime"))
_KEPT = Cache("large")


@dataclass(frozen=True)
class Large:
    """One original in one format, at the lowest of ``QUALITIES`` whose score is at least 80."""

    made_of: str
    original_bytes: int
    megapixels: float
    format: str
    setting: str
    """What the preset came down to for so many pixels."""
    quality: int
    size_bytes: int
    score: float
    cpu_s: float


def measured_large(photograph: Path, originals: Path) -> Sequence[Large]:
    """*photograph* is of 8 MB; *originals* is where the others are."""
    found = []
    for made_of, original_bytes, picture in _originals(photograph, originals):
        for format_, preset in ASKED:
            one = _at_least(picture, made_of, format_, preset, original_bytes)
            if one not in found:  # a preset may come down to another one
                print(one, flush=True)
                found.append(one)
    return found


def _originals(photograph: Path, originals: Path) -> Iterator[tuple[str, int, Any]]:
    """What it is, bytes of the file, and its pixels."""
    own = pyvips.Image.new_from_file(str(photograph)).copy_memory()
    yield "a photograph with a sensor's noise", photograph.stat().st_size, own
    beer = _square(originals, "p19", 0)
    phones = [_square(originals, name) for name in ("p16", "p21", "p27")]
    noisy = own.crop((own.width - TILE_PX) // 2, 0, TILE_PX, TILE_PX)
    for tiles, across, wanted_bytes in (
        (phones[:2], 2, 8 * MB),
        ([*phones, beer], 2, 18 * MB),
        ([*phones, beer, _square(originals, "p19", TILE_PX), noisy], 3, 30 * MB),
    ):
        body = _fitting(pyvips.Image.arrayjoin(tiles, across=across).copy_memory(), wanted_bytes)
        yield f"mosaic of {len(tiles)}", len(body), pyvips.Image.new_from_buffer(body, "").copy_memory()


def _square(originals: Path, name: str, left_px: int | None = None) -> Any:
    """A tile of the photograph whose file name starts with *name*; of its middle, unless told where."""
    image = opened(next(originals.glob(f"{name}*"))).image
    left_px = (image.width - TILE_PX) // 2 if left_px is None else left_px
    return image.crop(left_px, (image.height - TILE_PX) // 2, TILE_PX, TILE_PX)


def _fitting(image: Any, wanted_bytes: int) -> bytes:
    """A JPEG of the highest quality with at most *wanted_bytes*."""
    bodies = (image.jpegsave_buffer(Q=quality, subsample_mode="off", keep=0) for quality in range(99, 80, -1))
    return next(body for body in bodies if len(body) <= wanted_bytes)


def _at_least(picture: Any, made_of: str, format_: str, preset: Preset, original_bytes: int) -> Large:
    for quality in QUALITIES[format_]:
        encoding = Encoding(quality=quality, preset=preset, width_px=picture.width, height_px=picture.height)
        options = formats.save_options(format_, encoding)

        def measured(encoding: Encoding = encoding) -> tuple[int, float, float]:
            body, spent_s, pace = cpu_s(lambda: encode(picture, CATALOGUE[format_], encoding))
            return len(body), _score(picture, shown(format_, body)), spent_s / pace

        size_bytes, reached, spent_s = _KEPT.get([original_bytes, format_, options], measured)
        if reached >= LEAST_SCORE:
            break
    setting = formats.setting(format_, encoding)
    megapixels = 1e-6 * picture.width * picture.height
    return Large(made_of, original_bytes, megapixels, format_, setting, quality, size_bytes, reached, spent_s)


@cache
def _places(width_px: int, height_px: int) -> list[tuple[int, int]]:
    side = round(SQUARES**0.5)
    return [
        ((width_px - SQUARE_PX) * across // (side - 1), (height_px - SQUARE_PX) * down // (side - 1))
        for across in range(side)
        for down in range(side)
    ]


def _score(one: Any, other: Any) -> float:
    places = _places(one.width, one.height)
    return statistics.mean(
        score(*(image.crop(left, top, SQUARE_PX, SQUARE_PX) for image in (one, other))) for left, top in places
    )


__all__ = ["LEAST_SCORE", "QUALITIES", "Large", "measured_large"]
