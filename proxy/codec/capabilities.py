"""What this build can really do, found by doing it: an 8 x 8 picture through every encoder and back.

libvips lists suffixes whose codecs it lacks, and HEIC opens without a decoder for its pixels; only trying tells.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache

import pyvips
from PIL import Image as PillowImage

from proxy.codec import libvips, svg
from proxy.codec.decode import decode
from proxy.codec.encode import encode
from proxy.codec.probe import probe
from proxy.codec.sniff import sniff
from proxy.codec.versions import VERSIONS
from proxy.core.model import PRESETS, Format, ImageLimits, Preset
from proxy.errors import MogrError
from proxy.formats import CATALOGUE, Encoding, save_options

_SIDE_PX = 8
_NEAR = 16
"""Levels by which lossy formats may miss what they were given."""
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><path d="M0 0h8v8z"/></svg>'
_SIDES_PX = (100, 2000, 3500, 5000, 8000)
_QUALITIES = (0, 20, 40, 60, 80, 90, 100)
_ROUND = 1
"""Raised by hand when pixels change for a reason that versions and save options do not show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The answer; ``asdict`` makes JSON of it."""

    decode: tuple[str, ...]
    """Catalogue names."""
    encode: tuple[str, ...]
    """Stills and, where the catalogue says so, animations."""
    animate: tuple[str, ...]
    """Those whose animations come back as such."""
    versions: Mapping[str, str]
    policy: str
    """Short; changes whenever the same plan might give other bytes: versions, what can be encoded, save options."""

    def asdict(self) -> dict[str, object]:
        return asdict(self)


@cache
def capabilities() -> Capabilities:
    """Try everything, once a process; takes about a tenth of a second, and loads what is loaded lazily."""
    stills = {name: body for name, format_ in CATALOGUE.items() if (body := _encoded(format_, 1))}
    moving = {name: body for name in stills if CATALOGUE[name].animation and (body := _encoded(CATALOGUE[name], 2))}
    if libvips.loads("svg"):
        stills["svg"] = svg.clean(_SVG, sniff)
    animate = tuple(name for name, body in moving.items() if _comes_back(name, body, 2))
    encodable = tuple(
        name for name, row in CATALOGUE.items() if name in stills and (name in moving or not row.animation)
    )
    samples = stills | {"ico": _ico()}
    return Capabilities(
        decode=tuple(name for name in CATALOGUE if name in animate or _comes_back(name, samples.get(name, b""), 1)),
        encode=encodable,
        animate=animate,
        versions=dict(VERSIONS),
        policy=_policy(encodable, VERSIONS),
    )


def _encoded(format_: Format, frames: int) -> bytes | None:
    """A little picture as realtime has it; None unless every preset can be written."""
    bodies = [_encoded_with(preset, format_, frames) for preset in PRESETS]
    return bodies[0] if all(bodies) else None


def _encoded_with(preset: Preset, format_: Format, frames: int) -> bytes | None:
    """A black frame and white ones."""
    pages = [pyvips.Image.black(_SIDE_PX, _SIDE_PX, bands=3) + 255 * (number > 0) for number in range(frames)]
    picture = pyvips.Image.arrayjoin(pages, across=1).cast("uchar").copy(interpretation="srgb")
    try:
        encoding = Encoding(width_px=_SIDE_PX, height_px=_SIDE_PX, frames=frames, preset=preset)
        return encode(picture, format_, encoding)
    except MogrError:
        return None


def _comes_back(name: str, body: bytes, frames: int) -> bool:
    """Whether *body* is told to be *name* and decodes to a black frame and white ones."""
    try:
        traits = probe(body, ImageLimits())
        image = decode(body, traits, frames=traits.frame.frames).extract_band(0).copy_memory()
        height_px = traits.frame.height_px
        shades = [image.crop(0, number * height_px, image.width, height_px).avg() for number in range(frames)]
    except (MogrError, pyvips.Error):
        return False
    alike = all(abs(shade - 255 * (number > 0)) < _NEAR for number, shade in enumerate(shades))
    return (traits.format, traits.frame.frames) == (name, frames) and alike


def _ico() -> bytes:
    out = io.BytesIO()
    PillowImage.new("RGBA", (16, 16)).save(out, "ICO", bitmap_format="bmp")
    return out.getvalue()


def _policy(encodable: tuple[str, ...], versions: Mapping[str, str]) -> str:
    options = {
        name: [
            save_options(name, Encoding(
                quality=quality, width_px=side, height_px=side, frames=frames, slim=slim, few_colours=slim, preset=preset,
            ))
            for quality in _QUALITIES for side in _SIDES_PX for slim in (False, True) for preset in PRESETS
            for frames in ((1, 2, 10) if CATALOGUE[name].animation else (1,))
        ]
        for name in encodable
    }  # fmt: skip
    said = json.dumps([_ROUND, options, dict(versions)], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]
