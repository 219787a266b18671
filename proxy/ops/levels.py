"""What operations do to every colour sample alike, whatever its neighbours; alpha stays as it is.

``Any`` stands for a pyvips image throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxy.ops.pages import top_level


def linear(image: Any, slope: float, offset: float) -> Any:
    """*slope* times each colour plus *offset*, on a scale from 0 to 1; what leaves the scale ends at its ends.

    By a table: exact, and each level is computed once.
    """
    same = type(image).identity(ushort=image.format == "ushort")
    table = rounded(same.linear(slope, offset * top_level(image)), image.format)
    if image.hasalpha():
        table = table.bandjoin([table] * (image.bands - 2) + [same])
    return image.maplut(table).copy(interpretation=image.interpretation)


def mixed(image: Any, rows: Sequence[Sequence[float]]) -> Any:
    """Red, green and blue of *image* multiplied by a matrix of three *rows*."""
    matrix = [list(row) + [0.0] * (image.bands - 3) for row in rows]
    if image.hasalpha():
        matrix.append([0.0, 0.0, 0.0, 1.0])
    painted = image.recomb(type(image).new_from_array(matrix))
    return rounded(painted, image.format).copy(interpretation=image.interpretation)


def rounded(image: Any, format_: str) -> Any:
    """Computed samples as integers of *format_*, clipped.

    Half up: rounding half to even, as ``rint`` does, would pair off the levels of a picture that got half a level brighter.
    """
    return (image + 0.5).floor().cast(format_)
