"""What libvips cannot do, through Pillow: BMP and ICO, and HEIC where pillow-heif is installed.

Each format's own reader is called; ``Image.open``, which guesses, never is.  Sizes are checked by the probe, from the
header, before anything here decodes.
"""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from PIL import Image as PillowImage
from PIL.BmpImagePlugin import BmpImageFile
from PIL.IcoImagePlugin import IcoImageFile

from proxy.codec import libvips
from proxy.codec.ico_header import IcoEntry
from proxy.errors import InvalidImageFormat

try:
    # Optional (extra "heif"): its wheel is GPL, because of x265.
    heif: Any = importlib.import_module("pillow_heif")
except ImportError:
    heif = None

PillowImage.MAX_IMAGE_PIXELS = None  # ours are the limits, checked on the header

_ORIENTATION = 0x0112
_EXIF_PREFIX = b"Exif\x00\x00"


@contextmanager
def _broken_pictures() -> Iterator[None]:
    """Pillow lets all sorts of exceptions out of a broken file (OSError, SyntaxError, IndexError, struct.error, …)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MemoryError:
        raise  # the caller's business: it tells a bloated picture from a broken one
    except Exception as error:
        raise InvalidImageFormat(
            f"Pillow objected: {type(error).__name__}",
            public="The picture is broken or of a kind that cannot be processed.",
        ) from None


def bmp_header(body: bytes | memoryview) -> tuple[int, int, bool]:
    """Width, height, and whether there is alpha."""
    with _broken_pictures(), BmpImageFile(io.BytesIO(body)) as picture:
        return picture.width, picture.height, picture.mode == "RGBA"


def load_bmp(body: bytes | memoryview) -> libvips.Image:
    with _broken_pictures(), BmpImageFile(io.BytesIO(body)) as picture:
        return _from_pillow(picture)


def load_ico(entry: IcoEntry) -> libvips.Image:
    """The pixels of one BMP entry; a PNG one is no business of Pillow's."""
    with _broken_pictures(), IcoImageFile(io.BytesIO(entry.alone())) as picture:
        return _from_pillow(picture)


def heif_header(body: bytes | memoryview) -> tuple[int, int, bool]:
    """Width and height after the container's own transforms, and whether there is alpha."""
    with _broken_pictures():
        picture = heif.open_heif(bytes(body), convert_hdr_to_8bit=True)
        return picture.size[0], picture.size[1], bool(picture.has_alpha)


def load_heif(body: bytes | memoryview) -> libvips.Image:
    with _broken_pictures():
        picture = heif.open_heif(bytes(body), convert_hdr_to_8bit=True)
        image = _from_pillow(picture.to_pillow())
        profile, exif = picture.info.get("icc_profile"), picture.info.get("exif")
    if isinstance(profile, bytes) and profile:
        image = libvips.with_blob(image, "icc-profile-data", profile)
    if isinstance(exif, bytes) and exif:
        image = libvips.with_blob(image, "exif-data", exif if exif.startswith(_EXIF_PREFIX) else _EXIF_PREFIX + exif)
    return image


def _from_pillow(picture: PillowImage.Image) -> libvips.Image:
    mode = "RGBA" if picture.has_transparency_data else "L" if picture.mode in ("1", "L") else "RGB"
    plain = picture if picture.mode == mode else picture.convert(mode)
    return libvips.from_memory(plain.tobytes(), plain.width, plain.height, len(mode))


def save_bmp(image: libvips.Image) -> bytes:
    """Encode an 8-bit picture without alpha."""
    out = io.BytesIO()
    _to_pillow(image).save(out, "BMP")
    return out.getvalue()


def save_heif(image: libvips.Image, options: Mapping[str, object], *, keep: int) -> bytes:
    """Encode an 8-bit picture that stands upright; its EXIF orientation is reset, or it would be turned once more."""
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[image.bands]
    samples = image.write_to_memory()
    picture = heif.from_bytes(mode, (image.width, image.height), memoryview(samples))
    profile = libvips.blob(image, "icc-profile-data") if keep & libvips.KEEP_ICC else None
    exif = libvips.blob(image, "exif-data") if keep & libvips.KEEP_EXIF else None
    out = io.BytesIO()
    upright = _upright(exif) if exif else None
    with _broken_pictures():  # libheif reports a memory that ran out as a RuntimeError
        picture.save(out, exif=upright, icc_profile=profile, **options)
    return out.getvalue()


def _to_pillow(image: libvips.Image) -> PillowImage.Image:
    mode = "L" if image.bands == 1 else "RGB"
    return PillowImage.frombytes(mode, (image.width, image.height), image.write_to_memory())


def _upright(exif: bytes) -> bytes | None:
    """*exif* with orientation 1; None if it cannot be read."""
    tags = PillowImage.Exif()
    try:
        with _broken_pictures():
            tags.load(exif)
            tags[_ORIENTATION] = 1
            return tags.tobytes()
    except InvalidImageFormat:
        return None


__all__ = ["bmp_header", "heif", "heif_header", "load_bmp", "load_heif", "load_ico", "save_bmp", "save_heif"]
