"""The picture that a report is about, decoded as far as the report needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxy.codec import colour, libvips
from proxy.codec.decode import decode
from proxy.core.model import Traits

_UPRIGHT = {2: "horizontal", 4: "vertical"}


@dataclass(frozen=True, slots=True)
class Subject:
    """A file and what its header says.  All pictures of it are of its first frame, 8 bits a sample, in sRGB."""

    body: bytes | memoryview
    traits: Traits
    inputs: Sequence[bytes] = ()
    """Other pictures that the report compares with, as PNG."""

    def whole(self) -> libvips.Image:
        """Every pixel of it; read once, from top to bottom.

        Raises:
            InvalidImageFormat: it cannot be decoded.
        """
        return _plain(decode(self.body, self.traits, frames=1))

    def reduced(self, enough_px: int) -> libvips.Image:
        """As small as the decoder delivers it without going below *enough_px* a side, if it is larger."""
        frame = self.traits.frame
        small_px = (min(enough_px, frame.width_px), min(enough_px, frame.height_px))
        return _plain(decode(self.body, self.traits, frames=1, enough_px=small_px))

    def within(self, side_px: int) -> libvips.Image:
        """In memory, turned upright and no larger than *side_px* a side.

        Raises:
            InvalidImageFormat: it cannot be decoded.
        """
        with libvips.broken_pictures():
            image = self.reduced(side_px).copy_memory()
            longest_px = max(image.width, image.height)
            if longest_px > side_px:
                image = _resized(image, side_px, longest_px)
            image = libvips.with_fields(image, integers={"orientation": self.traits.frame.orientation})
            return image.autorot().copy_memory()


def _plain(image: libvips.Image) -> libvips.Image:
    with libvips.broken_pictures():
        return colour.eight_bit(colour.in_srgb(image))


def _resized(image: libvips.Image, side_px: int, longest_px: int) -> libvips.Image:
    """*image* with its longest side *side_px*; what is transparent has no colour to lend to its neighbours."""
    wide_px, high_px = (
        max(1, (side * side_px * 2 + longest_px) // (longest_px * 2)) for side in (image.width, image.height)
    )
    seen = image.premultiply() if image.hasalpha() else image
    seen = seen.resize(wide_px / image.width, vscale=high_px / image.height)
    if image.hasalpha():
        seen = seen.unpremultiply()
    return seen.cast("uchar", shift=False).copy(interpretation=image.interpretation)
