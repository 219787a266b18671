"""What blurhash and thumbhash have in common: a picture as sums of cosine waves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from operator import mul

Row = Sequence[float]


def wave(count: int, periods: int, *, phase: float) -> list[float]:
    """*periods* half periods of a cosine over *count* samples, the first taken at *phase* of a sample."""
    return [math.cos(math.pi * periods * (i + phase) / count) for i in range(count)]


def sums(rows: Sequence[Row], across: int, down: int, *, phase: float) -> list[list[float]]:
    """By waves down and waves across: how much of each is in *rows*, the mean of all samples first."""
    height, width = len(rows), len(rows[0])
    horizontal = [wave(width, x, phase=phase) for x in range(across)]
    vertical = [wave(height, y, phase=phase) for y in range(down)]
    # One direction at a time: a picture of n x n samples costs n² sums for each wave across, n for each pair.
    along = [[sum(map(mul, row, basis)) for row in rows] for basis in horizontal]
    return [[sum(map(mul, column, basis)) / (width * height) for column in along] for basis in vertical]


def rows_of(samples: Sequence[float], width: int) -> Iterator[Row]:
    """*samples*, row after row."""
    return (samples[at : at + width] for at in range(0, len(samples), width))
