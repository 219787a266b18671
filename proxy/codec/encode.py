"""Turns painted pixels into a file: what the format cannot hold is converted or laid on white, then its encoder runs."""

from __future__ import annotations

from dataclasses import replace

from proxy import formats
from proxy.codec import apng, avif_sequence, avs2, colour, gain_map, libvips, pillow, tpg
from proxy.core.model import Format
from proxy.errors import InvalidImageFormat
from proxy.formats import Encoding

_WIDE = frozenset({"png", "tiff"})
"""Written with 16 bits a sample where the source has them."""
_DEEP = (10, 12)
"""Bits a sample that take more than a byte; a GIF's ``bitdepth`` is that of its palette."""
_GREY = frozenset({"jpeg", "png", "tiff", "bmp"})
"""Grey stays grey; the others make RGB of it."""
_NO_PROFILE = frozenset({"bmp", "gif", "jxl", "tpg"})
_NO_XMP = frozenset({"bmp", "gif", "tpg"})

_PUBLIC = "The picture is broken or cannot be converted."


def encodes(name: str) -> bool:
    """Whether there is an encoder for *name* here; whether it works, only trying tells."""
    if name == "tpg":
        return avs2.available()
    plugins = {"heif": pillow.heif, "jxl": pillow.jxl}
    return name in ("apng", "bmp") or plugins.get(name) is not None or libvips.saves(name)


def encode(
    image: libvips.Image, output: Format, encoding: Encoding, *, orientation: int = 1, keep: int = libvips.KEEP_NOTHING
) -> bytes:
    """*image* (frames one below the other) as a file of format *output*; reading its pixels is part of it.

    *keep* is any of ``KEEP_EXIF``, ``KEEP_XMP`` and ``KEEP_ICC``; without ``KEEP_ICC`` a picture that has a profile is converted to
    sRGB first, so that it does not change its colours.

    Raises:
        InvalidImageFormat: broken pixels, or this build has no such encoder.
    """
    if not encodes(output.name):
        raise InvalidImageFormat(f"no encoder for {output.name}", public=f"This server cannot write {output.name}.")
    with libvips.broken_pictures(_PUBLIC):
        options = formats.save_options(output.name, replace(encoding, alpha=output.alpha and image.hasalpha()))
        wide = options.get("bitdepth", 8) in _DEEP
        image = _for_format(image, output, profile=bool(keep & libvips.KEEP_ICC), wide=wide)
        keep = _present(image, keep, orientation)
        integers = {"orientation": orientation}
        if encoding.frames > 1:
            integers |= {"page-height": encoding.height_px, "n-pages": encoding.frames}
        # The thumbnail inside EXIF shows the picture as it was before it was cropped.
        image = libvips.with_fields(image, integers=integers, remove=("jpeg-thumbnail-data",))
        match output.name:
            case "avif" if encoding.frames > 1:
                return avif_sequence.save(image, encoding.frames, options, keep=keep)
            case "apng" if encoding.frames > 1:
                return apng.save(image, encoding.frames, options, keep=keep)
            case "apng":
                return libvips.save("png", image, options, keep=keep)
            case "bmp":
                return pillow.save_bmp(image)
            case "jxl":
                return pillow.save_jxl(image, options, keep=keep)
            case "heif":
                return pillow.save_heif(image, options, keep=keep)
            case "tpg":
                return tpg.save(image, encoding.frames, options, keep=keep)
            case "jpeg":
                return gain_map.save(image, options, keep=keep)
            case name:
                return libvips.save(name, image, options, keep=keep)


def fitted(image: libvips.Image, output: Format, *, keep: int) -> libvips.Image:
    """*image* in memory, converted as ``encode`` would: encoding it several times computes its pixels once.

    Raises:
        InvalidImageFormat: broken pixels.
    """
    with libvips.broken_pictures(_PUBLIC):
        return _for_format(image, output, profile=bool(keep & libvips.KEEP_ICC)).copy_memory()


def holds_xmp(name: str) -> bool:
    """Whether XMP can be written into files of format *name* here."""
    return name not in _NO_XMP


def _for_format(image: libvips.Image, output: Format, *, profile: bool, wide: bool = False) -> libvips.Image:
    """Pixels that the encoder of *output* takes as they are; *wide*: it is told to write more than 8 bits a sample."""
    keeps_grey = output.name in _GREY
    if not profile or output.name in _NO_PROFILE or not colour.profile_fits(image, grey=keeps_grey):
        image = colour.in_srgb(image)
    if output.name not in _WIDE and not wide:
        image = colour.eight_bit(image)
    if not output.alpha:
        image = colour.flat(image)
    if not keeps_grey and image.interpretation in ("b-w", "grey16"):
        image = image.colourspace("srgb" if image.interpretation == "b-w" else "rgb16")
    return colour.sixteen_bit(image) if wide else image


def _present(image: libvips.Image, keep: int, orientation: int) -> int:
    """*keep* without what *image* does not have, or the encoder would make some up; it may, to say an orientation."""
    if not image.get_typeof("exif-data") and orientation == 1:
        keep &= ~libvips.KEEP_EXIF
    if not image.get_typeof("icc-profile-data"):
        keep &= ~libvips.KEEP_ICC
    return keep
