"""Colour spaces: into the few that operations paint in, and out into what a format can hold.

Painting happens in sRGB-like RGB or grey, 8 or 16 bit, with or without alpha.  An RGB or grey ICC profile stays
attached meanwhile, so a wide-gamut picture keeps its colours; what cannot be shown (CMYK, Lab, …) is converted, and so
is what has 16 bits and a profile.
"""

from __future__ import annotations

import pyvips

from proxy.codec.libvips import Image, blob, with_blob

_PROFILE = "icc-profile-data"
_PAINTABLE = frozenset({"srgb", "rgb16", "b-w", "grey16"})
_GREY = frozenset({"b-w", "grey16"})
_WIDE = frozenset({"rgb16", "grey16"})


def profile_space(image: Image) -> str | None:
    """``rgb``, ``gray``, ``cmyk``, …: what the attached ICC profile is for (ICC.1 §7.2.6); None without one."""
    profile = blob(image, _PROFILE)
    return None if profile is None else profile[16:20].decode("latin-1").strip().lower()


def paintable(image: Image) -> Image:
    """*image* in a colour space operations can paint in."""
    if image.interpretation == "multiband":
        image = image.copy(interpretation="b-w" if image.bands < 3 else "srgb")
    if image.interpretation == "cmyk":
        image = _without_profile(image.icc_transform("srgb", embedded=True, input_profile="cmyk", intent="perceptual"))
    elif image.interpretation not in _PAINTABLE:
        image = _without_profile(image.colourspace("srgb"))
    if image.format not in ("uchar", "ushort") or (image.format == "ushort") != (image.interpretation in _WIDE):
        image = _plain_samples(image)
    if image.format == "ushort":
        # libvips resizes in 8 bits, which shows bands under the linear profiles that 16-bit pictures often have.
        image = in_srgb(image)
    most = 2 if image.interpretation in _GREY else 4
    return image if image.bands <= most else image.extract_band(0, n=most)


def _plain_samples(image: Image) -> Image:
    """Samples as wide as the interpretation says; TIFF may hold 16-bit, 32-bit and floating ones in any."""
    if image.format == "ushort":
        return image.copy(interpretation="grey16" if image.interpretation in _GREY else "rgb16")
    narrow = "b-w" if image.interpretation in _GREY else "srgb"
    return image.cast("uchar").copy(interpretation=narrow)


def eight_bit(image: Image) -> Image:
    """*image* with 8 bits a sample."""
    if image.format == "uchar":
        return image
    return image.colourspace("b-w" if image.interpretation in _GREY else "srgb")


def sixteen_bit(image: Image) -> Image:
    """*image* with 16 bits a sample, white at 65535.

    Left to itself libvips' encoders shift, so that the white of 8 bits becomes 1020 of 1023 in 10: a grey, if a light one.
    """
    if image.format == "ushort":
        return image
    wide = image.cast("ushort")
    return ((wide << 8) | wide).copy(interpretation="grey16" if image.interpretation in _GREY else "rgb16")


def in_srgb(image: Image) -> Image:
    """*image* converted by its ICC profile to sRGB, without a profile; as it is if it has none.

    A profile that nobody can read, or that is for other pixels than these, is dropped.
    """
    space = profile_space(image)
    if space is None:
        return image
    if space == ("gray" if image.interpretation in _GREY else "rgb"):
        try:
            depth = 16 if image.format == "ushort" else 8
            image = image.icc_transform("srgb", embedded=True, intent="perceptual", depth=depth)
        except pyvips.Error:
            pass
    return _without_profile(image)


def matched(image: Image, like: Image) -> Image:
    """*image*, 8-bit sRGB or grey without a profile, in the numbers that look the same by the RGB profile of *like*.

    As it is if *like* has no such profile, or one that nobody can read: then its own numbers count as sRGB too.
    """
    if profile_space(like) != "rgb" or like.interpretation in _GREY:
        return image
    colours = image.extract_band(0, n=image.bands - image.hasalpha())
    if colours.bands == 1:
        colours = colours.bandjoin([colours, colours])
    try:
        # Two steps, because libvips takes the second profile either from a file or from the picture.
        seen = colours.copy(interpretation="srgb").icc_import(input_profile="srgb", intent="relative")
        known = with_blob(seen, _PROFILE, blob(like, _PROFILE) or b"")
        colours = _without_profile(known.icc_export(intent="relative", depth=8)).copy_memory()
    except pyvips.Error:
        return image
    return colours.bandjoin(image.extract_band(image.bands - 1)) if image.hasalpha() else colours


def flat(image: Image) -> Image:
    """8-bit *image* without alpha: what was transparent lies on white."""
    return image.flatten(background=[255] * (image.bands - 1)) if image.hasalpha() else image


def profile_fits(image: Image, *, grey: bool) -> bool:
    """Whether the attached profile may stay, for an encoder that keeps grey pictures grey or (not *grey*) makes RGB."""
    space = profile_space(image)
    if image.interpretation in _GREY:
        return space is None or (space == "gray" and grey)
    return space is None or space == "rgb"


def _without_profile(image: Image) -> Image:
    copy = image.copy()
    if copy.get_typeof(_PROFILE):
        copy.remove(_PROFILE)
    return copy
