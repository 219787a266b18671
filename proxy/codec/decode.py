"""Opens a picture that was probed, with the one decoder that is meant for its format."""

from __future__ import annotations

from proxy.codec import avif_sequence, avs2, codes, colour, ico_header, jxl, libvips, pillow, svg, tpg
from proxy.core import codes as drawn
from proxy.core.model import Traits
from proxy.errors import InvalidImageFormat

SHRINKS = (8, 4, 2)


def decodes(name: str) -> bool:
    """Whether there is a decoder for *name* here; whether it works, only trying tells."""
    if name == "tpg":
        return avs2.available()
    plugins = {"heif": pillow.heif, "jxl": pillow.jxl}
    return name in ("apng", "bmp", "ico") or plugins.get(name) is not None or libvips.loads(name)


def shrink_on_load(traits: Traits, width_px: int, height_px: int) -> int:
    """How many times smaller the decoder may deliver a picture that will be resized to *width_px* x *height_px*.

    At least a factor of two stays for the resize, as in libvips' own thumbnailer: a decoder's shrink is a box filter,
    and the last step is what the eye sees.  The sides are those before orientation was applied.
    """
    if not libvips.shrinks(traits.format) or traits.frame.animated:  # an animated WebP comes whole
        return 1
    room = min(traits.frame.width_px / width_px, traits.frame.height_px / height_px) / 2
    return next((shrink for shrink in SHRINKS if shrink <= room), 1)


def decode(
    body: bytes | memoryview, traits: Traits, *, frames: int, enough_px: tuple[int, int] | None = None
) -> libvips.Image:
    """*body* as pixels that operations can paint on, read from top to bottom and once.

    *enough_px*: the sides that it will be scaled to, if that is the first thing that is done to it; it may then come
    smaller than it is, though not smaller than that, and an SVG larger.

    Raises:
        InvalidImageFormat: the header is broken, or not the one that *traits* describe.
    """
    if traits.format == "svg":
        with libvips.broken_pictures():
            size_px = (traits.frame.width_px, traits.frame.height_px)
            return colour.paintable(svg.drawn(svg.unpacked(body), size_px, enough_px))
    shrink = shrink_on_load(traits, *enough_px) if enough_px is not None else 1
    with libvips.broken_pictures():
        image = colour.paintable(_open(body, traits, frames=frames, shrink=shrink))
        height_px = image.height // frames
        expected = tuple(-(-side // shrink) for side in (traits.frame.width_px, traits.frame.height_px))
        # WebP's scaler rounds down where JPEG's rounds up.
        if abs(image.width - expected[0]) > (shrink > 1) or abs(height_px - expected[1]) > (shrink > 1):
            raise InvalidImageFormat(f"{image.width} x {height_px} is not {expected}, shrunk {shrink} times")
        return image


def ingredient(body: bytes) -> libvips.Image:
    """A picture that goes into another one, from its PNG: 8-bit sRGB or grey, with alpha, in memory.

    Raises:
        InvalidImageFormat: it is broken.
    """
    with libvips.broken_pictures():
        image = colour.eight_bit(colour.in_srgb(colour.paintable(libvips.load("png", body))))
        return (image if image.hasalpha() else image.addalpha()).copy_memory()


def _open(body: bytes | memoryview, traits: Traits, *, frames: int, shrink: int) -> libvips.Image:
    match traits.format:
        case "apng" if frames > 1:
            return pillow.load_apng(body, frames, alpha=traits.frame.alpha)
        case "apng":
            return libvips.load("png", body)
        case "avif" if traits.frame.animated:
            return avif_sequence.load(body, frames)
        case "bmp":
            return pillow.load_bmp(body)
        case "heif":
            return pillow.load_heif(body)
        case "ico":
            entry = ico_header.best(body)
            if entry is None:
                raise InvalidImageFormat("no entry that can be read")
            return libvips.load("png", entry.payload) if entry.png else pillow.load_ico(entry)
        case "jxl":
            return jxl.load(body)
        case "tpg":
            return tpg.load(body, frames)
        case drawn.QR | drawn.BARCODE as kind:
            # A source of ours alone: no file is ever sniffed as text to draw.
            return codes.draw(drawn.Code(kind, bytes(body).decode(), traits.frame.width_px))
        case name if libvips.loads(name):
            return libvips.load(name, body, frames=frames, shrink=shrink)
        case name:
            raise InvalidImageFormat(f"no decoder for {name}")
