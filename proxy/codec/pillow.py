"""What libvips cannot do, through Pillow: BMP, ICO, reading animations, and HEIC and JPEG XL where their plugins are.

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
from PIL.PngImagePlugin import PngImageFile

from proxy.codec import libvips, metadata
from proxy.codec.ico_header import IcoEntry
from proxy.errors import InvalidImageFormat

try:
    # Optional (extra "heif"): its wheel is GPL, because of x265.
    heif: Any = importlib.import_module("pillow_heif")
except ImportError:
    heif = None

try:
    # Optional (extra "jxl"): its wheel is GPL by its own choice.  Importing it teaches Pillow to save "JXL".
    jxl: Any = importlib.import_module("pillow_jxl")
except ImportError:
    jxl = None

PillowImage.MAX_IMAGE_PIXELS = None  # ours are the limits, checked on the header

_EXIF_PREFIX = b"Exif\x00\x00"


@contextmanager
def broken_pictures() -> Iterator[None]:
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
    with broken_pictures(), BmpImageFile(io.BytesIO(body)) as picture:
        return picture.width, picture.height, picture.mode == "RGBA"


def load_bmp(body: bytes | memoryview) -> libvips.Image:
    with broken_pictures(), BmpImageFile(io.BytesIO(body)) as picture:
        return _from_pillow(picture)


def load_ico(entry: IcoEntry) -> libvips.Image:
    """The pixels of one BMP entry; a PNG one is no business of Pillow's."""
    with broken_pictures(), IcoImageFile(io.BytesIO(entry.alone())) as picture:
        return _from_pillow(picture)


def load_apng(body: bytes | memoryview, frames: int, *, alpha: bool) -> libvips.Image:
    """The first *frames* frames, each as it is seen, one below the other; 8 bits a sample."""
    with broken_pictures(), PngImageFile(io.BytesIO(body)) as picture:
        first = 1 if picture.default_image else 0  # a picture for those who cannot play it
        image = stacked(picture, frames, mode="RGBA" if alpha else "RGB", first=first)
        loop = int(picture.info.get("loop", 0))
    return libvips.with_fields(image, integers={"loop": loop})


def stacked(
    picture: PillowImage.Image,
    frames: int,
    *,
    mode: str,
    first: int = 0,
    turn: PillowImage.Transpose | None = None,
) -> libvips.Image:
    """*frames* frames of *picture* from the number *first* on, one below the other, each shown as long as it says."""
    page_bytes = picture.width * picture.height * len(mode)
    samples = bytearray(page_bytes * frames)
    width_px = height_px = 0
    delays_ms: list[int] = []
    for number in range(frames):
        picture.seek(first + number)
        picture.load()
        page = picture.convert(mode)
        page = page if turn is None else page.transpose(turn)
        width_px, height_px = page.size
        samples[number * page_bytes : (number + 1) * page_bytes] = page.tobytes()
        delays_ms.append(round(float(picture.info.get("duration", 0))))
    image = libvips.from_memory(samples, width_px, height_px * frames, len(mode))
    profile = picture.info.get("icc_profile")
    if isinstance(profile, bytes) and profile:
        image = libvips.with_blob(image, "icc-profile-data", profile)
    image = libvips.with_fields(image, integers={"page-height": height_px, "n-pages": frames})
    return libvips.with_delays(image, delays_ms)


def heif_header(body: bytes | memoryview) -> tuple[int, int, bool]:
    """Width and height after the container's own transforms, and whether there is alpha."""
    with broken_pictures():
        picture = heif.open_heif(bytes(body), convert_hdr_to_8bit=True)
        return picture.size[0], picture.size[1], bool(picture.has_alpha)


def load_heif(body: bytes | memoryview) -> libvips.Image:
    with broken_pictures():
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
    """Encode a picture that stands upright; its EXIF orientation is reset, or it would be turned once more.

    16 bits a sample become 10, which is all that *options* may say of ``bitdepth`` then.
    """
    told = {name: value for name, value in options.items() if name != "bitdepth"}
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[image.bands] + (";16" if image.format == "ushort" else "")
    samples = image.write_to_memory()
    picture = heif.from_bytes(mode, (image.width, image.height), memoryview(samples))
    profile = libvips.blob(image, "icc-profile-data") if keep & libvips.KEEP_ICC else None
    xmp = libvips.blob(image, "xmp-data") if keep & libvips.KEEP_XMP else None
    exif = libvips.blob(image, "exif-data") if keep & libvips.KEEP_EXIF else None
    out = io.BytesIO()
    upright = metadata.upright(exif) if exif else None
    with broken_pictures():  # libheif reports a memory that ran out as a RuntimeError
        picture.save(out, exif=upright, icc_profile=profile, xmp=xmp, **told)
    return out.getvalue()


def save_jxl(image: libvips.Image, options: Mapping[str, object], *, keep: int) -> bytes:
    """Encode an 8-bit sRGB picture that stands upright."""
    exif = libvips.blob(image, "exif-data") if keep & libvips.KEEP_EXIF else None
    xmp = libvips.blob(image, "xmp-data") if keep & libvips.KEEP_XMP else None
    out = io.BytesIO()
    with broken_pictures():
        _to_pillow(image).save(out, "JXL", exif=_jxl_exif(exif) if exif else None, xmp=xmp, **options)
    return out.getvalue()


def _jxl_exif(exif: bytes) -> bytes | None:
    """What the box of a JPEG XL file holds (ISO/IEC 18181-2): first where the TIFF structure begins, which the plugin leaves out."""
    upright = metadata.upright(exif)
    return bytes(4) + upright.removeprefix(_EXIF_PREFIX) if upright else None


def _to_pillow(image: libvips.Image) -> PillowImage.Image:
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[image.bands]
    return PillowImage.frombytes(mode, (image.width, image.height), image.write_to_memory())


__all__ = [
    "bmp_header", "broken_pictures", "heif", "heif_header", "jxl", "load_apng", "load_bmp", "load_heif", "load_ico",
    "save_bmp", "save_heif", "save_jxl", "stacked",
]  # fmt: skip
