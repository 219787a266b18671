"""What to show while a picture is being made that takes long: which other format, and for how long."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, TypeVar

T = TypeVar("T")

_WORTH_IT: Final = 0.5
"""What takes more than this of the time is not worth making besides."""
_SHOWN_S: Final = (2, 30)


def quicker(costs_s: Mapping[T, float], asked_s: float, limit_s: float) -> T | None:
    """Of *costs_s*, predicted seconds of the alternatives from the best down, the one to make; None: none is worth it.

    The best of those that take no more than *limit_s*, else the fastest, as long as it takes much less than *asked_s*.
    """
    worth = {each: cost_s for each, cost_s in costs_s.items() if cost_s <= _WORTH_IT * asked_s}
    if not worth:
        return None
    return next((each for each, cost_s in worth.items() if cost_s <= limit_s), None) or min(
        worth, key=worth.__getitem__
    )


def shown_for_s(asked_s: float) -> int:
    """How long caches may show it instead of what is predicted to take *asked_s*: twice that, within reason."""
    least_s, most_s = _SHOWN_S
    return max(least_s, min(most_s, math.ceil(2 * asked_s)))
