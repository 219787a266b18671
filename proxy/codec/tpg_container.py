"""TPG taken apart into its units and put together (spec 07-tpg.md §4).  Pure.

There is no published specification: the layout is that of Tencent's sample files, which are read to their last byte
by it.  Lengths are what the file claims; a walk ends where the file does.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from proxy.errors import InvalidImageFormat

MAGIC: Final = b"TPG AVS2B"
MOST_SIDE_PX: Final = 16_383
MOST_FRAMES: Final = (1 << 24) - 1

_START: Final = b"\x00\x00\x01"
_HEAD, _EXIF, _PICTURE, _ALPHA = 0xB9, 0xBA, 0xBB, 0xBC
_VERSION: Final = 0x14
"""The low five bits of the flags in every sample; taken to be a version, and not looked at."""
_ANIMATED, _HAS_ALPHA = 0x40, 0x80
_HEAD_BYTES, _ANIMATED_HEAD_BYTES = 10, 13
_UNIT_HEAD_BYTES = 8
_OTHER_UNITS: Final = 64
"""Units that are no pictures, in a file that means well; a walk of millions would hold up who walks."""
_CENTISECOND_MS, _UNTOLD_DELAY_MS, _LEAST_DELAY = 10, 100, 2
_MOST_DELAY: Final = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the file says of itself before its units."""

    width_px: int
    height_px: int
    frames: int
    animated: bool
    alpha: bool
    end: int
    """Where the units begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tpg:
    """A picture: AVS2 as it lies in the units, and what is said of it."""

    width_px: int
    height_px: int
    pictures: tuple[bytes, ...]
    """A piece of an AVS2 elementary stream for each frame."""
    alphas: tuple[bytes, ...] = ()
    """One for each frame, or none."""
    delays_ms: tuple[int, ...] = ()
    """One for each frame of an animation; none for a picture that stands still."""
    exif: bytes | None = None
    """A TIFF structure, without the ``Exif`` prefix of JPEG."""

    def first(self, frames: int) -> Tpg:
        """As many frames from the beginning."""
        return replace(
            self,
            pictures=self.pictures[:frames],
            alphas=self.alphas[:frames],
            delays_ms=self.delays_ms[:frames],
        )

    @property
    def streams(self) -> tuple[bytes, ...]:
        """Pictures and alphas in the order in which a decoder wants them; see ``alpha_apart``."""
        if self.alphas and not self.alpha_apart:
            return tuple(piece for pair in zip(self.pictures, self.alphas, strict=True) for piece in pair)
        return self.pictures + self.alphas

    @property
    def alpha_apart(self) -> bool:
        """Whether the alphas are a stream of their own, with a sequence header, or pictures of the one stream."""
        return bool(self.alphas) and self.alphas[0].startswith(_START + b"\xb0")


def head(body: bytes | memoryview) -> Head:
    """What *body* claims to be.

    Raises:
        InvalidImageFormat: no TPG, cut short, or a size or number of frames that there cannot be.
    """
    at = len(MAGIC) + 4
    if bytes(body[:at]) != MAGIC + _START + bytes([_HEAD]) or len(body) < at + _HEAD_BYTES:
        raise InvalidImageFormat("no TPG header")
    length, flags, width_px = struct.unpack_from(">HBI", body, at)
    height_px = int.from_bytes(body[at + 7 : at + 10], "big")
    animated = bool(flags & _ANIMATED)
    if length < (_ANIMATED_HEAD_BYTES if animated else _HEAD_BYTES) or at + length > len(body):
        raise InvalidImageFormat(f"a TPG header of {length} bytes")
    frames = int.from_bytes(body[at + 10 : at + 13], "big") if animated else 1
    if not (1 <= width_px <= MOST_SIDE_PX and 1 <= height_px <= MOST_SIDE_PX and frames):
        raise InvalidImageFormat(f"claims {width_px} x {height_px} x {frames}")
    alpha = bool(flags & _HAS_ALPHA)
    return Head(
        width_px=width_px, height_px=height_px, frames=frames, animated=animated, alpha=alpha, end=at + length
    )  # fmt: skip


def read(body: bytes | memoryview) -> Tpg:
    """*body* in pieces; its ``head`` had better be checked against limits first, as each frame costs a copy.

    Behind the units that the header promises anything may follow.

    Raises:
        InvalidImageFormat: as ``head``, or units are missing, too many, or cut short.
    """
    said = head(body)
    pictures: list[bytes] = []
    alphas: list[bytes] = []
    delays_ms: list[int] = []
    exif: bytes | None = None
    at, left = said.end, _OTHER_UNITS + 2 * said.frames
    while left and at + _UNIT_HEAD_BYTES <= len(body) and body[at : at + 3] == _START:
        kind, length = struct.unpack_from(">BI", body, at + 3)
        end = at + 4 + length
        if length < 4 or end > len(body):
            raise InvalidImageFormat(f"a unit of {length} bytes where {len(body) - at - 4} are left")
        payload = bytes(body[at + _UNIT_HEAD_BYTES : end])
        if kind == _PICTURE and said.animated:
            delays_ms.append(_delay_ms(payload[:2]))
            pictures.append(payload[2:])
        elif kind == _PICTURE:
            pictures.append(payload)
        elif kind == _ALPHA:
            alphas.append(payload)
        elif kind == _EXIF and exif is None:
            exif = payload
        at, left = end, left - 1
    if len(pictures) != said.frames or len(alphas) != said.frames * said.alpha or not all((*pictures, *alphas)):
        raise InvalidImageFormat(f"{len(pictures)} pictures, {len(alphas)} alphas, {said.frames} frames claimed")
    return Tpg(
        width_px=said.width_px,
        height_px=said.height_px,
        pictures=tuple(pictures),
        alphas=tuple(alphas),
        delays_ms=tuple(delays_ms),
        exif=exif or None,
    )


def write(tpg: Tpg) -> bytes:
    """*tpg* as a file.

    Raises:
        ValueError: a size, a number of frames or lists of different lengths that no file can hold.
    """
    frames, animated = len(tpg.pictures), bool(tpg.delays_ms)
    fits = 1 <= tpg.width_px <= MOST_SIDE_PX and 1 <= tpg.height_px <= MOST_SIDE_PX and 1 <= frames <= MOST_FRAMES
    if not fits or len(tpg.delays_ms) != frames * animated or len(tpg.alphas) not in (0, frames):
        raise ValueError(f"no TPG: {tpg.width_px} x {tpg.height_px}, {frames} pictures, {len(tpg.alphas)} alphas")
    if not animated and frames > 1:
        raise ValueError("frames without delays")
    flags = _VERSION | (_ANIMATED if animated else 0) | (_HAS_ALPHA if tpg.alphas else 0)
    length = _ANIMATED_HEAD_BYTES if animated else _HEAD_BYTES
    parts = [MAGIC, _START, struct.pack(">BHBI", _HEAD, length, flags, tpg.width_px), tpg.height_px.to_bytes(3, "big")]
    if animated:
        parts.append(frames.to_bytes(3, "big"))
    if tpg.exif:
        parts += _unit(_EXIF, tpg.exif)
    for number, picture in enumerate(tpg.pictures):
        parts += _unit(_PICTURE, *_delay(tpg.delays_ms[number : number + 1]), picture)
        if tpg.alphas:
            parts += _unit(_ALPHA, tpg.alphas[number])
    return b"".join(parts)


def _unit(kind: int, *payload: bytes) -> Sequence[bytes]:
    return (_START, struct.pack(">BI", kind, 4 + sum(map(len, payload))), *payload)


def _delay_ms(field: bytes) -> int:
    """Tencent's viewer for iOS multiplies by ten, and takes what is less than two for a tenth of a second."""
    delay = int.from_bytes(field, "big")
    return delay * _CENTISECOND_MS if delay >= _LEAST_DELAY else _UNTOLD_DELAY_MS


def _delay(delays_ms: Sequence[int]) -> list[bytes]:
    rounded = [(delay_ms + _CENTISECOND_MS // 2) // _CENTISECOND_MS for delay_ms in delays_ms]
    return [max(0, min(_MOST_DELAY, delay)).to_bytes(2, "big") for delay in rounded]
