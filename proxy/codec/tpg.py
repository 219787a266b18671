"""TPG to pixels and back: BT.601 in limited range, 4:2:0, alpha as the luma of further pictures (spec 07-tpg.md §4).

The container is ``tpg_container``'s business, AVS2 that of ``avs2``; here lies what is between: colours and padding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import cast

import pyvips

from proxy.codec import avs2, avs2_stream, libvips, metadata, tpg_container
from proxy.codec.tpg_container import Tpg
from proxy.errors import InvalidImageFormat

_EXIF_PREFIX = b"Exif\x00\x00"
_UNIT_PX = 8
_GREY_LEVEL = 128
_OPAQUE = 255
_COARSEST = 63
_COARSER = (0, 12, 24)
_MOST_BYTES_PER_PIXEL = 1.75
_UNTOLD_DELAY_MS = 100
_TO_YUV = (
    (0.256788, 0.504129, 0.097906),
    (-0.148223, -0.290993, 0.439216),
    (0.439216, -0.367788, -0.071427),
)
_TO_RGB = (
    (1.164384, 0.0, 1.596027),
    (1.164384, -0.391762, -0.812968),
    (1.164384, 2.017232, 0.0),
)
"""ITU-R BT.601-7 §2.5, 8 bits, Y from 16 to 235."""
_HALF = 0.5  # casting to integers cuts off


def load(body: bytes | memoryview, frames: int) -> libvips.Image:
    """The first *frames* frames, one below the other.

    Raises:
        InvalidImageFormat: broken, or this build has no decoder.
    """
    tpg = tpg_container.read(body)
    pages = tpg.first(frames)
    stream, width_px, height_px = avs2_stream.playable(pages.streams)
    _check_padding(tpg, width_px, height_px)
    planes = _Planes(width_px, height_px)
    samples = memoryview(avs2.decode(stream, width_px, height_px, len(pages.streams)))
    colour_step, alpha_from = (1, frames) if tpg.alpha_apart or not tpg.alphas else (2, 1)
    joined = []
    for number in range(frames):
        page = planes.colours(samples, number * colour_step)
        if tpg.alphas:
            page = page.bandjoin(planes.luma(samples, number * colour_step + alpha_from))
        joined.append(page.crop(0, 0, tpg.width_px, tpg.height_px))
    image = pyvips.Image.arrayjoin(joined, across=1) if frames > 1 else joined[0]
    image = image.copy(interpretation="srgb")
    if tpg.exif:
        image = libvips.with_blob(image, "exif-data", _EXIF_PREFIX + tpg.exif)
    if frames == 1:
        return image
    image = libvips.with_fields(image, integers={"page-height": tpg.height_px, "n-pages": frames, "loop": 0})
    return libvips.with_delays(image, pages.delays_ms)


def check(tpg: Tpg) -> None:
    """Look at *tpg*, whose size was checked, without decoding it.

    Raises:
        InvalidImageFormat: its AVS2 is not what the container says.
    """
    _, width_px, height_px = avs2_stream.playable(tpg.streams)
    _check_padding(tpg, width_px, height_px)


def save(image: libvips.Image, frames: int, options: Mapping[str, object], *, keep: int) -> bytes:
    """Encode an 8-bit sRGB picture that stands upright, its frames one below the other.

    Raises:
        InvalidImageFormat: no encoder, or it failed.
    """
    image = image.copy_memory()
    opaque = image.hasalpha() and image[image.bands - 1].min() == _OPAQUE
    height_px = image.height // frames
    planes = _Planes(
        max(avs2.LEAST_SIDE_PX, -(-image.width // _UNIT_PX) * _UNIT_PX),
        max(avs2.LEAST_SIDE_PX, -(-height_px // _UNIT_PX) * _UNIT_PX),
    )
    pages = [planes.padded(image.crop(0, n * height_px, image.width, height_px)) for n in range(frames)]
    pictures = planes.encoded(
        [planes.of_colours(page) for page in pages], quantiser=cast("int", options["quantiser"]), intra=frames == 1
    )
    alphas: Sequence[bytes] = ()
    if image.hasalpha() and not opaque:
        levels = [planes.of_luma(page[image.bands - 1]) for page in pages]
        quantiser = cast("int", options["alpha_quantiser"])
        if frames > 1:
            alphas = planes.encoded(levels, quantiser=quantiser, intra=False)
        else:
            # The second picture of the stream, as in Tencent's sample: the first one here only takes its number.
            blank = planes.of_luma(pyvips.Image.black(planes.width_px, planes.height_px))
            alphas = planes.encoded([blank, *levels], quantiser=quantiser, intra=True)[1:]
            pictures = [pictures[0].removesuffix(avs2_stream.END)]
    exif = libvips.blob(image, "exif-data") if keep & libvips.KEEP_EXIF else None
    upright = metadata.upright(exif) if exif else None
    return tpg_container.write(
        Tpg(
            width_px=image.width,
            height_px=height_px,
            pictures=tuple(pictures),
            alphas=tuple(alphas),
            delays_ms=_delays_ms(image, frames) if frames > 1 else (),
            exif=upright.removeprefix(_EXIF_PREFIX) if upright else None,
        )
    )


def _check_padding(tpg: Tpg, width_px: int, height_px: int) -> None:
    """A decoder is asked for no more than a little over what was checked against the limits."""
    most = avs2_stream.MOST_PADDING_PX
    fits = 0 <= width_px - tpg.width_px <= most and 0 <= height_px - tpg.height_px <= most
    if not fits or width_px % _UNIT_PX or height_px % _UNIT_PX:
        raise InvalidImageFormat(f"{tpg.width_px} x {tpg.height_px} coded as {width_px} x {height_px}")


def _delays_ms(image: libvips.Image, frames: int) -> tuple[int, ...]:
    said: Sequence[object] = image.get("delay") if image.get_typeof("delay") else ()
    delays_ms = [delay if isinstance(delay, int) and delay >= 0 else _UNTOLD_DELAY_MS for delay in said[:frames]]
    return tuple(delays_ms + [_UNTOLD_DELAY_MS] * (frames - len(delays_ms)))


class _Planes:
    """8-bit 4:2:0 pictures of one size, whose sides are even: Y, U and V one behind the other."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self.width_px, self.height_px = width_px, height_px
        self._luma_bytes = width_px * height_px
        self._chroma_bytes = self._luma_bytes // 4
        self.picture_bytes = self._luma_bytes + 2 * self._chroma_bytes

    def luma(self, samples: memoryview, number: int) -> libvips.Image:
        start = number * self.picture_bytes
        plane = samples[start : start + self._luma_bytes]
        return libvips.from_memory(plane, self.width_px, self.height_px, 1)

    def colours(self, samples: memoryview, number: int) -> libvips.Image:
        start = number * self.picture_bytes + self._luma_bytes
        halves = [samples[at : at + self._chroma_bytes] for at in (start, start + self._chroma_bytes)]
        u, v = (libvips.from_memory(half, self.width_px // 2, self.height_px // 2, 1) for half in halves)
        u, v = self._doubled(u), self._doubled(v)
        yuv = self.luma(samples, number).bandjoin([u, v]).copy(interpretation="multiband")
        # One step: the matrix applied to the offsets is an offset again.
        offsets = [_HALF - row[0] * 16 - (row[1] + row[2]) * _GREY_LEVEL for row in _TO_RGB]
        return yuv.recomb(_matrix(_TO_RGB)).linear([1.0] * 3, offsets).cast("uchar")

    def _doubled(self, half: libvips.Image) -> libvips.Image:
        """Each sample of *half* lies in the middle of four; libvips' own ``resize`` would move it by half a pixel."""
        return half.affine(
            [2, 0, 0, 2], interpolate=pyvips.Interpolate.new("bilinear"), idx=0.25, idy=0.25, extend="copy",
            oarea=[0, 0, self.width_px, self.height_px],
        )  # fmt: skip

    def padded(self, image: libvips.Image) -> libvips.Image:
        return image.embed(0, 0, self.width_px, self.height_px, extend="copy")

    def of_colours(self, page: libvips.Image) -> list[bytes]:
        rgb = page.extract_band(0, n=3) if page.bands > 3 else page
        yuv = rgb.copy(interpretation="multiband").recomb(_matrix(_TO_YUV))
        luma = (yuv[0] + (16 + _HALF)).cast("uchar")
        chroma = (yuv.extract_band(1, n=2).shrink(2, 2) + (_GREY_LEVEL + _HALF)).cast("uchar")
        return [bytes(plane.write_to_memory()) for plane in (luma, chroma[0], chroma[1])]

    def of_luma(self, levels: libvips.Image) -> list[bytes]:
        grey = bytes([_GREY_LEVEL]) * self._chroma_bytes
        return [bytes(levels.write_to_memory()), grey, grey]

    def encoded(self, pictures: Sequence[Sequence[bytes]], *, quantiser: int, intra: bool) -> list[bytes]:
        """One piece of a stream for each of *pictures*: the first with the header, the last with the end.

        xavs2 writes over the end of its buffer at about two bytes a pixel, which takes noise and a fine quantiser; such
        pictures are encoded again, coarser.
        """
        planes = [plane for picture in pictures for plane in picture]
        for coarser in _COARSER:
            with suppress(InvalidImageFormat):
                stream = avs2.encode(
                    planes, self.width_px, self.height_px, quantiser=min(_COARSEST, quantiser + coarser), intra=intra
                )
                header, pieces = avs2_stream.cut(stream)
                if len(pieces) == len(pictures) and max(map(len, pieces)) < _MOST_BYTES_PER_PIXEL * self._luma_bytes:
                    pieces[0] = header + pieces[0]
                    pieces[-1] += avs2_stream.END
                    return pieces
        raise InvalidImageFormat("xavs2 fails", public="The picture cannot be encoded as TPG.")


def _matrix(rows: Sequence[Sequence[float]]) -> libvips.Image:
    return pyvips.Image.new_from_array([list(row) for row in rows])
