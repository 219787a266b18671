"""HDR in a JPEG: the gain map of an Ultra HDR picture, carried through whatever only moves pixels or recompresses them.

Such a file is an ordinary JPEG with a second one behind it that says how much brighter each place may be shown.  The map
is a picture in its own right: what moves pixels must move it too, and what changes their values makes it wrong; then the
result goes without (docs/decisions/0007-hdr.md).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyvips

from proxy.codec import libvips
from proxy.codec.probe import probe
from proxy.core.model import ImageLimits, Traits
from proxy.core.plan import Output, Plan, Stage, Tools
from proxy.core.schedule import Scaler, Schedule
from proxy.errors import MogrError
from proxy.ops.auto_orient import AutoOrient
from proxy.ops.crop import Crop
from proxy.ops.flip import Flip
from proxy.ops.rotate import Rotate
from proxy.ops.thumbnail import Thumbnail
from proxy.ops.view import View

_KEEP = 32
"""libvips' flag for writing it (VipsForeignKeep)."""
_INDEX = b"MPF\x00"
_INDEX_WITHIN_BYTES = 1 << 20
"""Where the index of a file with several pictures has to begin (CIPA DC-007): in its header."""
_GAIN = re.compile(rb"http://ns\.adobe\.com/hdr-gain-map/1\.0/|urn:iso:std:iso:ts:21496:-1")
"""Adobe's and ISO's gain maps.  Apple's older ones follow another formula, so what libultrahdr makes of them is not right."""
_BUILT = bool(pyvips.type_find("VipsForeignSave", "uhdrsave_buffer"))
"""Whether this libvips has libultrahdr."""
_NUMBERS = (
    "gainmap-max-content-boost", "gainmap-min-content-boost", "gainmap-gamma", "gainmap-offset-sdr", "gainmap-offset-hdr",
    "gainmap-hdr-capacity-min", "gainmap-hdr-capacity-max",
)  # fmt: skip
_MAP = "gainmap"
_OWN_GAMUT = "gainmap-use-base-cg"


@dataclass(frozen=True, slots=True)
class GainMap:
    """The map as pixels, and the fields that say what they mean."""

    image: libvips.Image
    numbers: Mapping[str, object]
    own_gamut: int
    """1 if the map is meant for the colours of the picture itself, 0 for those of its HDR version."""


def carried(body: bytes | memoryview, traits: Traits, plan: Plan, planned: Schedule, output: str) -> bool:
    """Whether *body* may have a gain map and *planned* leaves it true: scaled, cropped, turned, recompressed."""
    return (
        traits.format == output == "jpeg"
        and _BUILT
        and all(map(_plain, plan.stages))
        and all(_moves(step.operation) for step in planned.steps)
        and _INDEX in bytes(body[:_INDEX_WITHIN_BYTES])
        and _GAIN.search(body) is not None
    )


def read(body: bytes | memoryview, base: Traits, limits: ImageLimits) -> GainMap | None:
    """The gain map behind the picture of *body*; None if there is none that can be read."""
    try:
        with libvips.broken_pictures():
            # The header only: what it says of the base picture is not used, which is decoded like any other.
            carrier = pyvips.Image.uhdrload_buffer(body)
            packed = libvips.blob(carrier, "gainmap-data")
            if packed is None:
                return None
            traits = probe(packed, limits)
            if traits.format != "jpeg" or traits.frame.pixels > base.frame.pixels:
                return None
            image = libvips.load("jpeg", packed)
            if image.bands not in (1, 3):
                return None
            # Its samples alone: the saver would write down whatever is attached to it.
            plain = libvips.from_memory(image.write_to_memory(), image.width, image.height, image.bands)
            numbers = {name: carrier.get(name) for name in _NUMBERS}
            return GainMap(plain, numbers, 0 if carrier.get(_OWN_GAMUT) == 0 else 1)
    except MogrError:
        return None


def attached(image: libvips.Image, gain_map: GainMap, planned: Schedule, tools: Tools) -> libvips.Image:
    """*image*, which is what *planned* made, with *gain_map* moved like it."""
    moved = gain_map.image
    with libvips.broken_pictures():
        for operation, before in planned.steps:
            # What scales trusts sizes it has measured, not that of what arrives; what turns takes anything.
            size_px = {} if isinstance(operation, Scaler) else {"width_px": moved.width, "height_px": moved.height}
            moved = operation.apply(moved, replace(before, **size_px), tools)
        if (moved.width, moved.height) == (image.width, image.height):
            # What scales has made it as large as the picture: back to as coarse as it was.
            share = math.sqrt(gain_map.image.width * gain_map.image.height / planned.source.pixels)
            moved = moved.resize(share, kernel="linear")
    copy = image.copy()
    for name, value in gain_map.numbers.items():
        kind = pyvips.GValue.array_double_type if isinstance(value, list) else pyvips.GValue.gdouble_type
        copy.set_type(kind, name, value)
    copy.set_type(pyvips.GValue.gint_type, _OWN_GAMUT, gain_map.own_gamut)
    copy.set_type(pyvips.GValue.image_type, _MAP, moved)
    return copy


def save(image: libvips.Image, options: Mapping[str, object], *, keep: int) -> bytes:
    """*image* as a JPEG, with the gain map attached to it, if there is one, behind it."""
    if image.get_typeof(_MAP) and image.bands == 3:
        image = image.copy_memory()
        try:
            return bytes(image.uhdrsave_buffer(Q=options["Q"], keep=keep | _KEEP))
        except pyvips.Error:
            pass  # libultrahdr did not take the two together
    return libvips.save("jpeg", image, options, keep=keep)


def _plain(stage: Stage) -> bool:
    """Whether *stage* asks for nothing of the file but a quality, and for no other format on the way."""
    asked = replace(stage.output, quality=(), interlace=stage.output.interlace or None)
    return asked in (Output(), Output(format="jpeg"))


def _moves(operation: object) -> bool:
    """Whether *operation* puts pixels of the picture somewhere, and no others."""
    match operation:
        case Thumbnail():
            return operation.canvas is None
        case Rotate():
            return operation.degrees % 90 == 0
        case _:
            return isinstance(operation, AutoOrient | Crop | Flip | View)
