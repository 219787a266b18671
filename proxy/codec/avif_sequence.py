"""Animated AVIF (brand ``avis``), read and written by libavif through Pillow; libvips knows stills only.

Sizes and the number of frames come from the container, before a frame is decoded.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from PIL import AvifImagePlugin
from PIL import Image as PillowImage
from PIL.Image import Transpose

from proxy.codec import avif_boxes, libvips, pillow
from proxy.errors import InvalidImageFormat

AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # jobs, not pictures, are spread over processors

_ORIENTATION = 0x0112
_NO_TIME_MS = 10
_OPAQUE = 255
_TURNS: Mapping[int, Transpose] = MappingProxyType(
    {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
)


class Header(NamedTuple):
    width_px: int
    """As shown: turning is a property of the container, not a hint."""
    height_px: int
    frames: int
    alpha: bool


def header(body: bytes | memoryview) -> Header | None:
    """What *body*, an AVIF, says of its animation; None for one that stands still, or that only the other decoder may read."""
    if not avif_boxes.is_sequence(body):
        return None
    try:
        with pillow.broken_pictures(), AvifImagePlugin.AvifImageFile(io.BytesIO(body)) as picture:
            width_px, height_px = picture.size
            if _orientation(picture) >= 5:
                width_px, height_px = height_px, width_px
            return (
                Header(width_px, height_px, picture.n_frames, picture.mode == "RGBA") if picture.n_frames > 1 else None
            )
    except InvalidImageFormat:
        return None


def load(body: bytes | memoryview, frames: int) -> libvips.Image:
    """The first *frames* frames, one below the other; 8 bits a sample."""
    with pillow.broken_pictures(), AvifImagePlugin.AvifImageFile(io.BytesIO(body)) as picture:
        turn = _TURNS.get(_orientation(picture))
        mode = "RGBA" if picture.mode == "RGBA" else "RGB"
        image = pillow.stacked(picture, frames, mode=mode, turn=turn)
    return libvips.with_fields(image, integers={"loop": avif_boxes.plays(body)})


def save(image: libvips.Image, frames: int, options: Mapping[str, object], *, keep: int) -> bytes:
    """*frames* pages of 8-bit RGB, one below the other, that stand upright, as an animation."""
    image = image.copy_memory()
    if image.hasalpha() and image.extract_band(3).min() == _OPAQUE:
        image = image.extract_band(0, n=3)  # every GIF says that it may be transparent; alpha is a second video
    samples = bytes(image.write_to_memory())
    size_px = (image.width, image.height // frames)
    page_bytes = len(samples) // frames
    mode = {3: "RGB", 4: "RGBA"}[image.bands]
    pages = [
        PillowImage.frombytes(mode, size_px, samples[at : at + page_bytes]) for at in range(0, len(samples), page_bytes)
    ]
    out = io.BytesIO()
    with pillow.broken_pictures():
        pages[0].save(
            out, "AVIF", save_all=True, append_images=pages[1:], duration=_shown_ms(image, frames),
            exif=_exif(image) if keep & libvips.KEEP_EXIF else None,
            icc_profile=libvips.blob(image, "icc-profile-data") if keep & libvips.KEEP_ICC else None,
            xmp=libvips.blob(image, "xmp-data") if keep & libvips.KEEP_XMP else None,
            **options,
        )  # fmt: skip
    return avif_boxes.finished(out.getvalue(), plays=max(0, libvips.integer(image, "loop", 0)))


def _exif(image: libvips.Image) -> PillowImage.Exif | None:
    """EXIF that says nothing of an orientation, however it is written: libavif 1.4 crashes when a sequence has to be turned."""
    written = libvips.blob(image, "exif-data")
    if not written:
        return None
    exif = PillowImage.Exif()
    try:
        with pillow.broken_pictures():
            exif.load(written)
            exif.pop(_ORIENTATION, None)
            exif.tobytes()
    except InvalidImageFormat:
        return None
    return exif


def _shown_ms(image: libvips.Image, frames: int) -> list[int]:
    """As browsers show GIFs, and libvips writes WebP: who asks for next to no time did not mean it."""
    return [libvips.DELAY_MS if delay_ms <= _NO_TIME_MS else delay_ms for delay_ms in libvips.delays_ms(image, frames)]


def _orientation(picture: PillowImage.Image) -> int:
    """How the container turns and mirrors the picture, which Pillow tells as EXIF would."""
    return int(picture.getexif().get(_ORIENTATION, 1))
