"""Signs hidden in a picture's brightness, and read from it: the arithmetic, on arrays alone.

The scheme is spread spectrum in the cosine transform of the whole picture (Cox, Kilian, Leighton and Shamoon 1997), shaped by
what covers it (Barni, Bartolini, Cappellini and Piva 1998), with the picture's own share of every sum cancelled while hiding
(Malvar and Florêncio 2003), so that it is read without the original.  Waves are counted per picture and not per pixel:
resizing, even to another shape, moves none of them; quarter turns and mirroring permute them.

Marks have to be read for years: nothing here that decides where a sign lies may ever change, nor come from a library's
random numbers.
"""

from __future__ import annotations

import hashlib
import importlib
from functools import lru_cache
from typing import Any

from proxy.errors import OperationNotImplemented

try:
    np: Any = importlib.import_module("numpy")
except ImportError:
    np = None

SIDE_PX = 384
"""Pictures are looked at in this size at most, each side by itself; the shortest wave is still three of these pixels long."""
TURNS = 8
_LOW, _HIGH = 12, 112
"""The waves that carry signs, by half periods per side: long ones are seen, short ones do not survive a half-size copy."""
_FINEST = 0.9
"""Of the waves that a side of so many pixels has."""
_SURVIVING = 0.5
"""What a copy of half the size has of them."""
_DETAIL, _AROUND = 2.5 / 256, 3.0 / 256
"""Standard deviations, in sides: what is finer than the first counts as detail, and covers what lies within the second."""
_QUIET = 2.0
"""Levels of detail that even a flat area is taken to have."""
_LEAST, _MOST, _GAIN = 1.0, 4.0, 1.2
"""Levels that a pattern of size one has where there is little detail, and much; in between it grows with its root."""
_CLIP = 3.0
_STRONGEST, _PEAK = 4.0, 2.0
_ROUNDS, _STEP = 8, 0.8

Array = Any


def library() -> Any:
    """NumPy.

    Raises:
        OperationNotImplemented: it is not installed.
    """
    if np is None:
        raise OperationNotImplemented(
            public="Blind watermarks need the optional extra mogr[blind], which this server has not."
        )
    return np


def spectrum(levels: Array) -> Array:
    """How strong each wave is in *levels* (rows of brightness, 0 to 255, no side over ``SIDE_PX``), detail weighed alike
    everywhere.
    """
    detail = _detail(levels)
    return _waves(detail, _cover(detail))


def turned(found: Array) -> Array:
    """The spectra, one a row, that the picture of *found* has in each of its eight orientations, itself first."""
    across, down, mirror = _places()
    flips = [1 - 2 * (across % 2) * right - 2 * (down % 2) * below + 4 * (across % 2) * right * (down % 2) * below
             for right in (0, 1) for below in (0, 1)]  # fmt: skip
    upright = [found * flip for flip in flips]
    return np.stack([*upright, *(each[mirror] for each in upright)])


def gather(spectra: Array, purpose: str, number: int) -> Array:
    """What *spectra* say of each of *number* signs: the last axis is waves before, signs after."""
    group, chips = _spreading(purpose, number)
    sums = np.zeros((*spectra.shape[:-1], number))
    for row in np.ndindex(spectra.shape[:-1]):
        sums[row] = np.bincount(group, weights=spectra[row] * chips, minlength=number)
    return sums


def agreement(said: Array, signs: Array) -> Array:
    """How far *said* speaks for *signs*, in standard deviations of chance.

    For signs that are random to the picture, at least z has a probability of at most exp(-z*z/2) (Hoeffding's inequality).
    """
    strength = np.sqrt((said * said).sum(axis=-1))
    return (said * signs).sum(axis=-1) / np.maximum(strength, 1e-9)


def pattern(
    levels: Array, signs: Array, purpose: str, *, strength: float, size_px: tuple[int, int], host: bool
) -> Array:
    """What to add to *levels*, of a picture of *size_px*, so that ``gather`` says *signs*.

    With *host* what the picture itself would say is taken into account, which is for reading without the original.
    """
    group, chips = _spreading(purpose, len(signs))
    across, down, _ = _places()
    used = (across < _SURVIVING * size_px[0]) & (down < _SURVIVING * size_px[1])
    wanted = chips * np.asarray(signs, np.float32)[group] * used
    if not host:
        return _pattern(strength * wanted, _cover(_detail(levels)))
    cover = _cover(_detail(levels))
    answer = float((_loudness(cover) / cover).__pow__(2).mean())
    members = np.maximum(1, np.bincount(group, weights=used, minlength=len(signs)))
    weights, added = np.zeros(len(group), np.float32), np.zeros_like(levels)
    for _ in range(_ROUNDS):
        said = np.bincount(group, weights=wanted * spectrum(levels + added), minlength=len(signs)) / members
        lacking = np.maximum(0.0, strength * answer - said)
        weights += (_STEP / answer * lacking[group]).astype(np.float32) * wanted
        added = _pattern(np.clip(weights, -_STRONGEST, _STRONGEST, out=weights), cover)
    return added


def keystream(purpose: str, number: int, secret: bytes = b"") -> Array:
    """*number* signs that look random, always the same for *purpose* and *secret*."""
    data = _random(f"signs {purpose}", -(-number // 8), secret)
    return 1.0 - 2.0 * np.unpackbits(np.frombuffer(data, np.uint8))[:number]


def _pattern(weights: Array, cover: Array) -> Array:
    rows, columns = cover.shape
    grid = np.zeros((_HIGH + 1, _HIGH + 1), np.float32)
    across, down, _ = _places()
    grid[down, across] = weights
    plain = _basis(rows).T @ grid @ _basis(columns) * np.float32(np.sqrt(rows * columns) / 256)
    return np.clip(plain, -_PEAK, _PEAK) * _loudness(cover)


def _detail(levels: Array) -> Array:
    rows, columns = levels.shape
    return levels - _blur(rows, _DETAIL) @ levels @ _blur(columns, _DETAIL).T


def _cover(detail: Array) -> Array:
    """How much detail there is around each place: its geometric mean, so that a lone edge covers nothing beside it."""
    rows, columns = detail.shape
    return np.exp(_blur(rows, _AROUND) @ np.log(np.abs(detail) + np.float32(_QUIET)) @ _blur(columns, _AROUND).T)


def _loudness(cover: Array) -> Array:
    return np.clip(_GAIN * np.sqrt(cover), _LEAST, _MOST)


def _waves(detail: Array, cover: Array) -> Array:
    rows, columns = detail.shape
    even = np.clip(detail / cover, -_CLIP, _CLIP) * (_loudness(cover) / cover)
    grid = _basis(rows) @ even @ _basis(columns).T * np.float32(256 / np.sqrt(rows * columns))
    across, down, _ = _places()
    return grid[down, across]


@lru_cache(maxsize=1)
def _places() -> tuple[Array, Array, Array]:
    """Of each wave that carries a sign: half periods across and down, and the number of the wave that has them exchanged."""
    numpy = library()
    down, across = numpy.mgrid[0 : _HIGH + 1, 0 : _HIGH + 1]
    length = numpy.hypot(across, down)
    chosen = (length >= _LOW) & (length <= _HIGH) & (across > 0) & (down > 0)
    number = numpy.zeros(chosen.shape, int)
    number[chosen] = numpy.arange(chosen.sum())
    return across[chosen], down[chosen], number[across[chosen], down[chosen]]


@lru_cache(maxsize=16)
def _basis(side_px: int) -> Array:
    """The cosines at the pixels of a side, one a row, of length one; none of those that it is too short for."""
    angles = np.outer(np.arange(_HIGH + 1), np.arange(side_px) + 0.5) * (np.pi / side_px)
    rows = np.cos(angles) * np.sqrt(2 / side_px)
    rows[int(_FINEST * side_px) :] = 0
    return rows.astype(np.float32)


@lru_cache(maxsize=32)
def _blur(side_px: int, share: float) -> Array:
    """The matrix that blurs a column of *side_px*, mirrored at its ends."""
    sigma_px = max(share * side_px, 0.6)
    reach_px = int(3 * sigma_px + 0.5)
    steps = np.arange(-reach_px, reach_px + 1)
    kernel = np.exp(-(steps**2) / (2 * sigma_px**2))
    kernel /= kernel.sum()
    at = (np.arange(side_px)[:, None] + steps) % (2 * side_px)
    at = np.where(at >= side_px, 2 * side_px - 1 - at, at)
    matrix = np.zeros((side_px, side_px))
    np.add.at(matrix, (np.arange(side_px)[:, None].repeat(len(steps), 1), at), kernel[None, :].repeat(side_px, 0))
    return matrix.astype(np.float32)


@lru_cache(maxsize=8)
def _spreading(purpose: str, number: int) -> tuple[Array, Array]:
    """Which of *number* signs each wave carries, and whether as it is or reversed."""
    waves = len(_places()[0])
    order = np.argsort(np.frombuffer(_random(f"order {purpose} {number}", 8 * waves), "<u8"), kind="stable")
    group = np.empty(waves, int)
    group[order] = np.arange(waves) % number
    return group, keystream(f"chips {purpose} {number}", waves).astype(np.float32)


def _random(what: str, length: int, secret: bytes = b"") -> bytes:
    return hashlib.shake_256(f"mogr blind watermark 1, {what}\0".encode() + secret).digest(length)
