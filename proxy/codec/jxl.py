"""JPEG XL read by the plugin that writes it: stills, and of an animation the last frame, as the plugin has no other.

The codestream is taken out of its container first, so that one that transcribes a JPEG comes as pixels as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from proxy.codec import jxl_header, libvips, pillow
from proxy.errors import InvalidImageFormat

_EXIF_PREFIX = b"Exif\x00\x00"


def load(body: bytes | memoryview) -> libvips.Image:
    """The pixels, upright: 16 bits a sample where a grey picture has more than 8, else 8 bits; its size was checked before."""
    header = jxl_header.read(body)
    with pillow.broken_pictures(), _panics():
        decoder = pillow.jxl.Decoder(num_threads=0)
        _, info, samples, profile, _ = decoder(jxl_header.codestream(body))
    bands = int(info.num_channels) + bool(info.has_alpha_channel)
    image = _image(samples, info.width, info.height, bands)
    if profile and not header.srgb:
        image = libvips.with_blob(image, "icc-profile-data", bytes(profile))
    exif = jxl_header.exif(body)
    return libvips.with_blob(image, "exif-data", _EXIF_PREFIX + exif) if exif else image


def _image(samples: bytes, width_px: int, height_px: int, bands: int) -> libvips.Image:
    """Only grey samples come as wide as they are; floating ones lie between 0 and 1."""
    values = width_px * height_px * bands
    match len(samples) / values:
        case 1:
            return libvips.from_memory(samples, width_px, height_px, bands)
        case 2:
            return libvips.from_memory(samples, width_px, height_px, bands, samples="ushort")
        case 4:
            image = libvips.from_memory(samples, width_px, height_px, bands, samples="float")
            return (image * 255).cast("uchar").copy(interpretation="b-w")
    raise InvalidImageFormat(f"{len(samples)} bytes of samples for {values} of them")


@contextmanager
def _panics() -> Iterator[None]:
    """A panic of the plugin's Rust is no Exception for Python, and would end the process."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise InvalidImageFormat("the JPEG XL plugin panicked") from None
