"""Tells with which quality a JPEG was written, from its quantisation tables.

Tables that libjpeg scaled from the standard's examples give the exact number.  Others (cameras, Photoshop) give the
number whose tables are as coarse in sum, as ImageMagick does.
"""

from __future__ import annotations

from functools import cache

from proxy.codec.jpeg_header import Table

# ITU-T T.81, tables K.1 and K.2, row by row.
_LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29,
    51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120,
    101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMINANCE = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
)  # fmt: skip
_ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8))


@cache
def standard_tables(quality: int) -> tuple[Table, Table]:
    """Luminance and chrominance as libjpeg scales them for *quality* 1-100, in zigzag order, baseline (at most 255)."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    luminance, chrominance = (
        tuple(max(1, min(255, (base[i] * scale + 50) // 100)) for i in _ZIGZAG) for base in (_LUMINANCE, _CHROMINANCE)
    )
    return luminance, chrominance


def estimate(tables: tuple[Table, ...]) -> int | None:
    """The quality 1-100 behind *tables* (luminance first, chrominance if there is one); None without tables."""
    if not tables:
        return None
    ours = tuple(tuple(min(255, value) for value in table) for table in tables[:2])
    total = sum(map(sum, ours))

    def distance(quality: int) -> tuple[int, int]:
        standard = standard_tables(quality)[: len(ours)]
        exact = sum(
            abs(a - b) for mine, theirs in zip(ours, standard, strict=True) for a, b in zip(mine, theirs, strict=True)
        )
        return (exact if exact <= len(ours) * 2 else 1 << 20, abs(total - sum(map(sum, standard))))

    return min(range(100, 0, -1), key=distance)
