"""One picture, one format, one setting, one quality: how many bytes, which score, how much CPU.

Encoded by the server's own code (``proxy.codec.encode``); decoded by what browsers decode with, where the wheels have it
(libavif with dav1d for AVIF), and rounded to 8 bits, as a screen shows it.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

os.environ["VIPS_CONCURRENCY"] = "1"  # before pyvips is imported

import numpy as np
import pyvips
from cache import Cache
from judge import score
from pace import cpu_s
from PIL import Image as PillowImage

from proxy import formats
from proxy.codec import libvips, pillow
from proxy.codec.capabilities import capabilities
from proxy.codec.encode import encode
from proxy.core.model import Preset
from proxy.formats import CATALOGUE, Encoding
from proxy.formats.jpeg import FULL_CHROMA_FROM

_KEPT = Cache("trials")
PLAIN = "libjpeg-turbo"
"""The yardstick: JPEG without any search, not even for Huffman tables."""


@dataclass(frozen=True)
class Setting:
    """A row of the tables: a format, and what a preset means there for a picture of some size."""

    format: str
    name: str
    preset: Preset
    declared_px: int = 1_500_000
    """What the encoder is told, since some settings depend on it."""

    def encoding(self, quality: int) -> Encoding:
        return Encoding(quality=quality, preset=self.preset, width_px=self.declared_px)


SETTINGS = (
    Setting("jpeg", "realtime", "realtime"),
    Setting("jpeg", "best", "best"),
    Setting("webp", "realtime", "realtime"),
    Setting("webp", "balanced", "balanced"),
    Setting("webp", "best", "best"),
    Setting("heif", "realtime", "realtime"),
    Setting("heif", "balanced", "balanced"),
    Setting("heif", "best", "best"),
    Setting("avif", "realtime", "realtime"),
    Setting("avif", "balanced", "balanced"),
    Setting("avif", "best", "best"),
    Setting("avif", "best, small", "best", 500_000),
    Setting("jxl", "realtime", "realtime"),
)
"""Each that has a curve of its own; equal ones are left out (JPEG's balanced is its best)."""


@dataclass(frozen=True, eq=False)
class Picture:
    name: str
    image: Any
    """8 bits, sRGB, no alpha, in memory."""

    @property
    def megapixels(self) -> float:
        return float(1e-6 * self.image.width * self.image.height)

    @property
    def digest(self) -> str:
        return _digest(self)


@cache
def _digest(picture: Picture) -> str:
    return hashlib.sha256(picture.image.write_to_memory()).hexdigest()[:16]


@dataclass(frozen=True)
class Trial:
    own: float
    """Quality as the encoder counts it."""
    size_bytes: int
    score: float
    cpu_s: float
    """At the pace of a quiet machine."""


def opened(path: Path, *, most_px: int | None = None, crop_px: int | None = None) -> Picture:
    """The picture of a file, upright and in sRGB; scaled to *most_px* on the longer side, or the middle *crop_px* square."""
    if path.suffix == ".heic":
        body = path.read_bytes()
        image = pillow.load_heif(body)
    else:
        image = pyvips.Image.new_from_file(str(path))
    image = image.autorot()
    if image.get_typeof("icc-profile-data"):
        image = image.icc_transform("srgb", embedded=True)
    image = image.colourspace("srgb").flatten() if image.hasalpha() else image.colourspace("srgb")
    if most_px is not None and max(image.width, image.height) > most_px:
        image = image.thumbnail_image(most_px, size="down")
    if crop_px is not None:
        image = image.crop((image.width - crop_px) // 2, (image.height - crop_px) // 2, crop_px, crop_px)
    plain = libvips.from_memory(image.cast("uchar").write_to_memory(), image.width, image.height, 3)
    return Picture(path.stem, plain)


def trial(picture: Picture, setting: Setting, quality: int) -> Trial:
    """*picture* encoded as *setting* at *quality*, which counts as JPEG does, and judged."""
    encoding = setting.encoding(quality)
    own, key = _told(picture, setting, quality)
    kept = _KEPT.get(
        key,
        lambda: _measured(picture, setting.format, lambda: encode(picture.image, CATALOGUE[setting.format], encoding)),
    )
    return Trial(own, *kept)


def tried_before(picture: Picture, setting: Setting, quality: int) -> Trial | None:
    """What ``trial`` would return, if it had not to measure."""
    own, key = _told(picture, setting, quality)
    kept = _KEPT.peek(key)
    return None if kept is None else Trial(own, *kept)


def own_quality(setting: Setting, quality: int) -> float:
    """*quality* as the encoder counts it."""
    options = formats.save_options(setting.format, setting.encoding(quality))
    return float(options.get("Q", options.get("quality", 0)))


def kind(setting: Setting, quality: int) -> str:
    """What the encoder is told besides a quality: between two kinds nothing may be interpolated."""
    options = formats.save_options(setting.format, setting.encoding(quality))
    said = {name: value for name, value in options.items() if name not in ("Q", "quality")}
    if setting.format == "jpeg" and "subsample_mode" not in said:  # libvips goes by the quality then
        said["subsample_mode"] = "off" if own_quality(setting, quality) >= FULL_CHROMA_FROM else "on"
    return repr(said)


def _told(picture: Picture, setting: Setting, quality: int) -> tuple[float, object]:
    """The encoder's own number, and the key of all it is told."""
    options = formats.save_options(setting.format, setting.encoding(quality))
    return own_quality(setting, quality), [picture.digest, setting.format, options, versions()]


def plain_jpeg(picture: Picture, quality: int) -> Trial:
    """The yardstick: what libjpeg-turbo makes of *picture* unasked."""
    kept = _KEPT.get(
        [picture.digest, PLAIN, quality, versions()],
        lambda: _measured(picture, "jpeg", lambda: picture.image.jpegsave_buffer(Q=quality, keep=0)),
    )
    return Trial(quality, *kept)


def _measured(picture: Picture, name: str, work: Any) -> tuple[int, float, float]:
    body, spent_s, pace = cpu_s(work)
    return len(body), score(picture.image, shown(name, body)), spent_s / pace


def shown(name: str, body: bytes) -> Any:
    """What a screen shows of *body*."""
    if name in ("jpeg", "webp"):
        return pyvips.Image.new_from_buffer(body, "")
    if name == "heif":
        return _from_array(_heif(body))
    return _from_array(np.asarray(PillowImage.open(io.BytesIO(body)).convert("RGB")))


def _heif(body: bytes) -> Any:
    picture = pillow.heif.open_heif(body, convert_hdr_to_8bit=False)
    if picture.mode == "RGB":
        return np.asarray(picture.to_pillow())
    # pillow-heif gives 10 bits in the upper ones of 16.
    tenth = np.asarray(picture).astype(np.float64) / 64
    return np.clip(np.round(tenth * 255 / 1023), 0, 255).astype(np.uint8)


def _from_array(array: Any) -> Any:
    return pyvips.Image.new_from_array(np.ascontiguousarray(array)).copy(interpretation="srgb")


@cache
def versions() -> Mapping[str, str]:
    """Those of the libraries that encode: with others, what was measured is no longer true."""
    told = capabilities().versions
    return MappingProxyType({name: told[name] for name in ("libvips", "pillow", "pillow_heif", "pillow_jxl")})


__all__ = [
    "CATALOGUE",
    "PLAIN",
    "SETTINGS",
    "Encoding",
    "Picture",
    "Setting",
    "Trial",
    "kind",
    "opened",
    "own_quality",
    "plain_jpeg",
    "shown",
    "trial",
    "tried_before",
    "versions",
]
