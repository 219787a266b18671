"""The last step: painted pixels become the file that was asked for, by one encoding or, where bytes count, by several."""

from __future__ import annotations

import math
from dataclasses import replace

from proxy.codec import aigc, libvips
from proxy.codec.encode import encode, fitted, holds_xmp
from proxy.codec.slimming import MOST_PX, SLIMMED
from proxy.core.model import Format
from proxy.core.plan import Plan
from proxy.errors import InvalidImageFormat
from proxy.formats import Encoding, affordable

_PALETTE_MOST_PX = 4_000_000
_PALETTE_LEAST_DB = 36.0
"""How near a palette must come to the picture.  Looked at: at 33 dB soft gradients show steps, at 37 nothing is seen."""
_SAMPLED_ABOVE_PX = 65_536
_SAMPLING = 4
"""Every fourth pixel of every fourth row tells within 1 dB how near a palette comes, except that it flatters."""


def original_will_do(plan: Plan, output: Format) -> bool:
    """Whether the URL prefers the original's bytes to as many or more of the result's; never to a label."""
    limit = plan.size_limit
    limited = limit is not None and limit.or_original and output.name == "jpeg"
    return (plan.minsize or plan.only_slim or limited) and not plan.label


def finish(
    image: libvips.Image,
    output: Format,
    encoding: Encoding,
    plan: Plan,
    *,
    source_format: str,
    orientation: int,
    keep: int,
) -> bytes:
    """*image* as a file of format *output*, within the size that *plan* allows and with the label that it asks for.

    Raises:
        InvalidImageFormat: broken pixels, this build has no such encoder, or the format has no place for a label.
    """
    if plan.label:
        if not holds_xmp(output.name):
            raise InvalidImageFormat(
                f"no XMP in {output.name}", public=f"AIGCMetadata cannot be written into {output.name}."
            )
        image = libvips.with_blob(image, "xmp-data", aigc.write(dict(plan.label)))
        keep |= libvips.KEEP_XMP
    gif = output.name == source_format == "gif"
    if gif and plan.cgif:
        encoding = replace(encoding, few_colours=True)
    if plan.slim and output.name in SLIMMED and encoding.pixels <= MOST_PX:
        encoding = replace(encoding, slim=True)
    encoder = _Encoder(output, orientation, keep)
    limit = plan.size_limit
    if output.name == "jpeg" and limit is not None:
        return encoder.within(image, encoding, limit.kibibytes * 1024)
    if output.name == "png" and encoding.slim:
        return encoder.slim_png(image, encoding)
    if output.name == "png" and affordable("png", encoding).preset == "best":
        return encoder.best_png(image, encoding)
    return encoder.encode(image, encoding)


class _Encoder:
    """``encode`` with what stays the same over several tries."""

    def __init__(self, output: Format, orientation: int, keep: int) -> None:
        self._output = output
        self._orientation = orientation
        self._keep = keep

    def encode(self, image: libvips.Image, encoding: Encoding) -> bytes:
        return encode(image, self._output, encoding, orientation=self._orientation, keep=self._keep)

    def within(self, image: libvips.Image, encoding: Encoding, limit_bytes: int) -> bytes:
        """The best quality, up to that of *encoding*, that fits into *limit_bytes*; the worst if none does.

        Bisection: at most eight encodings.
        """
        image = fitted(image, self._output, keep=self._keep)
        made = self.encode(image, encoding)
        found = made if len(made) <= limit_bytes else None
        low, high = 1, 0 if found else encoding.quality - 1
        while low <= high:
            quality = (low + high) // 2
            made = self.encode(image, replace(encoding, quality=quality))
            if len(made) <= limit_bytes:
                found, low = made, quality + 1
            else:
                high = quality - 1
        # When nothing fitted, quality 1 was the last one tried.
        return found or made

    def best_png(self, image: libvips.Image, encoding: Encoding) -> bytes:
        """Lossless, in the fewest bytes: searching longer can end worse, and a palette may hold all colours there are."""
        image = fitted(image, self._output, keep=self._keep)
        made = [self.encode(image, each) for each in (encoding, replace(encoding, preset="balanced"))]
        encoding = replace(encoding, few_colours=True)
        if image.format == "uchar" and image.bands >= 3 and encoding.pixels <= _PALETTE_MOST_PX:
            sample = (
                image.subsample(_SAMPLING, _SAMPLING).copy_memory() if encoding.pixels > _SAMPLED_ABOVE_PX else image
            )
            if math.isinf(_nearness_db(sample, self.encode(sample, encoding))):
                reduced = self.encode(image, encoding)
                if math.isinf(_nearness_db(image, reduced)):
                    made.append(reduced)
        return min(made, key=len)

    def slim_png(self, image: libvips.Image, encoding: Encoding) -> bytes:
        """With a palette where that is not seen and fewer bytes, else lossless."""
        image = fitted(image, self._output, keep=self._keep)
        lossless = self.encode(image, encoding)
        if image.format != "uchar" or image.bands < 3 or encoding.pixels > _PALETTE_MOST_PX:
            return lossless
        encoding = replace(encoding, few_colours=True)
        if encoding.pixels > _SAMPLED_ABOVE_PX:
            # Soft gradients with soft alpha are what no palette can show, and take seven seconds a megapixel to try.
            sample = image.subsample(_SAMPLING, _SAMPLING).copy_memory()
            if _nearness_db(sample, self.encode(sample, encoding)) < _PALETTE_LEAST_DB:
                return lossless
        reduced = self.encode(image, encoding)
        if len(reduced) < len(lossless) and _nearness_db(image, reduced) >= _PALETTE_LEAST_DB:
            return reduced
        return lossless


def _nearness_db(one: libvips.Image, png: bytes) -> float:
    """Peak signal to noise ratio of *png* to *one*; transparent pixels are alike whatever colour they hide."""
    other = libvips.load("png", png)
    if one.bands != other.bands:
        one, other = (image if image.hasalpha() else image.bandjoin(255) for image in (one, other))
    if one.hasalpha():
        one, other = one.premultiply(), other.premultiply()
    mean_square = ((one.cast("float") - other.cast("float")) ** 2).avg()
    return math.inf if mean_square == 0 else 10 * math.log10(255**2 / mean_square)
