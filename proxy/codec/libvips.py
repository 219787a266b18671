"""libvips kept on a short lead: only the loaders and savers named here, no operation cache, no error text.

``VIPS_CONCURRENCY=1`` must be in the environment before this module is imported (a second thread makes no single
picture faster, and several jobs slower); whoever starts the process sees to it, as nothing here reads or writes the
environment.  libvips' error buffer belongs to the whole process, so what ``pyvips.Error`` says is neither shown nor read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TypeAlias, cast

import pyvips

from proxy.errors import InvalidImageFormat

Image: TypeAlias = pyvips.Image

KEEP_NOTHING, KEEP_EXIF, KEEP_XMP, KEEP_ICC = 0, 1, 2, 8
"""What a saver writes besides pixels (VipsForeignKeep); IPTC never is, nor the source's XMP: 30 KB beside a thumbnail."""

DELAY_MS = 100
"""How long a frame is shown that does not say."""

_LOADERS = {
    "avif": "heifload_buffer",
    "gif": "gifload_buffer",
    "jpeg": "jpegload_buffer",
    "png": "pngload_buffer",
    "svg": "svgload_buffer",
    "tiff": "tiffload_buffer",
    "webp": "webpload_buffer",
}
_SAVERS = {
    "avif": "heifsave_buffer",
    "gif": "gifsave_buffer",
    "jpeg": "jpegsave_buffer",
    "png": "pngsave_buffer",
    "tiff": "tiffsave_buffer",
    "webp": "webpsave_buffer",
}
_PAGED = frozenset({"gif", "webp"})

pyvips.cache_set_max(0)
pyvips.block_untrusted_set(True)
pyvips.operation_block_set("VipsForeignLoad", True)
for _class in ("Heif", "Jpeg", "Nsgif", "Png", "Svg", "Tiff", "Uhdr", "Webp"):
    pyvips.operation_block_set(f"VipsForeignLoad{_class}", False)


def loads(name: str) -> bool:
    """Whether format *name* has a loader here."""
    return name in _LOADERS and bool(pyvips.type_find("VipsForeignLoad", _LOADERS[name]))


def saves(name: str) -> bool:
    """Whether format *name* has a saver here."""
    return name in _SAVERS and bool(pyvips.type_find("VipsForeignSave", _SAVERS[name]))


@contextmanager
def broken_pictures(public: str = "The picture is broken or of a kind that cannot be processed.") -> Iterator[None]:
    """Whatever libvips objects to is the picture's fault, in our words.

    Raises:
        InvalidImageFormat: libvips objected.
    """
    try:
        yield
    except pyvips.Error:
        # Not `from error`: its text is that of whichever operation failed last, anywhere in the process.
        raise InvalidImageFormat("libvips objected", public=public) from None


def load(
    name: str,
    body: bytes | memoryview,
    *,
    frames: int = 1,
    shrink: int = 1,
    drawing: Mapping[str, float] = MappingProxyType({}),
) -> Image:
    """Open *body*, whose format is *name*; pixels are read later, from top to bottom and once.

    With *frames* over one, all frames come one below the other, ``page-height`` apart.  *shrink* is 1, 2, 4 or 8: the
    decoder delivers a picture that many times smaller, at a fraction of the work.  A damaged body fails when its
    pixels are read (the generic ``thumbnail_buffer`` would accept half a file, and plain TIFF loading one it cannot unpack).
    *drawing*: what is to be known of a picture of lines, ``dpi`` and ``scale``.
    """
    options: dict[str, object] = {"access": "sequential", "fail_on": "error", **drawing}
    if name in _PAGED:
        options["n"] = frames
    if shrink > 1 and name == "jpeg":
        options["shrink"] = shrink
    if shrink > 1 and name == "webp":
        options["scale"] = 1 / shrink
    return cast("Image", getattr(pyvips.Image, _LOADERS[name])(body, **options))


def shrinks(name: str) -> bool:
    """Whether the decoder of format *name* can deliver less than the whole."""
    return name in {"jpeg", "webp"}


def save(name: str, image: Image, options: Mapping[str, object], *, keep: int) -> bytes:
    """Encode *image* as format *name*; this is where most of the work happens."""
    return bytes(getattr(image, _SAVERS[name])(keep=keep, **options))


def integer(image: Image, field: str, default: int) -> int:
    """An integer of the header; *default* if there is none or it is something else."""
    if not image.get_typeof(field):
        return default
    value = image.get(field)
    return value if isinstance(value, int) else default


def blob(image: Image, field: str) -> bytes | None:
    """Bytes attached to *image*: ``icc-profile-data``, ``exif-data``."""
    if not image.get_typeof(field):
        return None
    value = image.get(field)
    return value if isinstance(value, bytes) else None


def with_fields(image: Image, *, integers: Mapping[str, int], remove: tuple[str, ...] = ()) -> Image:
    """A copy of *image* that says so in its header."""
    copy = image.copy()
    for field, value in integers.items():
        copy.set_type(pyvips.GValue.gint_type, field, value)
    for field in remove:
        if copy.get_typeof(field):
            copy.remove(field)
    return copy


def with_delays(image: Image, delays_ms: Sequence[int]) -> Image:
    """A copy of *image* whose frames are shown that long."""
    copy = image.copy()
    copy.set_type(pyvips.GValue.array_int_type, "delay", list(delays_ms))
    return copy


def delays_ms(image: Image, frames: int) -> list[int]:
    """How long each of *frames* frames is shown, 0 or more; what does not say is shown for 100 ms."""
    said = image.get("delay") if image.get_typeof("delay") else ()
    told = [each if isinstance(each, int) and each >= 0 else DELAY_MS for each in said[:frames]]
    return told + [DELAY_MS] * (frames - len(told))


def from_memory(
    data: bytes | bytearray | memoryview, width_px: int, height_px: int, bands: int, *, samples: str = "uchar"
) -> Image:
    """A picture from samples, of 8 bits unless told otherwise; *data* is kept alive by it."""
    image = pyvips.Image.new_from_memory(data, width_px, height_px, bands, samples)
    spaces = ("grey16", "rgb16") if samples == "ushort" else ("b-w", "srgb")
    return image.copy(interpretation=spaces[bands >= 3])


def with_blob(image: Image, field: str, data: bytes) -> Image:
    copy = image.copy()
    copy.set_type(pyvips.GValue.blob_type, field, data)
    return copy
