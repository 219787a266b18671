"""Text as signs that survive when many of them are misread: a checksum, and the convolutional code of deep space.

The code has rate 1/2 and memory 6, generators 171 and 133 (CCSDS 131.0-B §3), and is read softly (Viterbi 1967); the checksum
is CRC-32.  A text takes the smallest of a few lengths, and the reader tries them all.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Any

from proxy.codec.blind import waves
from proxy.ops.blind import TEXT_BYTES

Array = Any

_GENERATORS = (0o171, 0o133)
_MEMORY = 6
_STATES = 1 << _MEMORY
_CHECK_BYTES = 4


def signs_of(length: int) -> int:
    """How many signs a text takes that is given *length* bytes."""
    return len(_GENERATORS) * (8 * (length + _CHECK_BYTES) + _MEMORY)


def length_of(text: str) -> int:
    """Which of ``TEXT_BYTES`` *text* takes; it fits into the last."""
    return next(length for length in TEXT_BYTES if length >= len(text.encode()))


def encode(text: str) -> Array:
    """The signs of *text*, which fits into the largest of ``TEXT_BYTES`` and has no character U+0000."""
    np = waves.library()
    plain = text.encode().ljust(length_of(text), b"\0")
    checked = plain + zlib.crc32(plain).to_bytes(_CHECK_BYTES, "big")
    bits = np.concatenate([np.unpackbits(np.frombuffer(checked, np.uint8)), np.zeros(_MEMORY, np.uint8)])
    signs, state = [], 0
    parities = _parities()
    for bit in bits:
        register = int(bit) << _MEMORY | state
        signs.append(parities[register])
        state = register >> 1
    return np.concatenate(signs)


def decode(said: Array) -> tuple[int, str] | None:
    """The row of *said* that reads as a text, and that text; each row is one way of reading the same picture."""
    np = waves.library()
    for row, bits in enumerate(_likeliest(said)):
        checked = np.packbits(bits).tobytes()
        plain, check = checked[:-_CHECK_BYTES], checked[-_CHECK_BYTES:]
        if zlib.crc32(plain).to_bytes(_CHECK_BYTES, "big") != check:
            continue
        try:
            text = plain.rstrip(b"\0").decode()
        except UnicodeDecodeError:
            continue
        if text:
            return row, text
    return None


def _likeliest(said: Array) -> Array:
    """Of each row the bits, without those that end it, whose code agrees with it most."""
    np = waves.library()
    rows, steps = len(said), said.shape[1] // len(_GENERATORS)
    gains = said.reshape(rows, steps, len(_GENERATORS)) @ _parities().T
    # A state is left from two: the register shifts right, and what falls out of it was 0 or 1.
    fell_0 = np.arange(_STATES) << 1
    fell_1 = fell_0 | 1
    best = np.full((rows, _STATES), -np.inf)
    best[:, 0] = 0
    choices = np.empty((steps, rows, _STATES), bool)
    for step in range(steps):
        zero = best[:, fell_0 % _STATES] + gains[:, step, fell_0]
        one = best[:, fell_1 % _STATES] + gains[:, step, fell_1]
        choices[step] = one > zero
        best = np.maximum(zero, one)
    bits = np.empty((rows, steps), np.uint8)
    state, every = np.zeros(rows, int), np.arange(rows)
    for step in range(steps - 1, -1, -1):
        bits[:, step] = state >> (_MEMORY - 1)
        state = (state << 1 | choices[step, every, state]) % _STATES
    return bits[:, :-_MEMORY]


@lru_cache(maxsize=1)
def _parities() -> Array:
    """The signs that each content of the register sends, one per generator."""
    np = waves.library()
    return np.array(
        [
            [2.0 * ((register & generator).bit_count() & 1) - 1 for generator in _GENERATORS]
            for register in range(2 * _STATES)
        ]
    )
