"""``contrast``: spread colours away from middle grey, or draw them to it (spec/01 §8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.amounts import Amount
from proxy.ops.levels import linear

_STEEP = 1e6
"""As good as infinite: neighbouring levels, even of 16 bits, end at black and white."""


@dataclass(frozen=True, slots=True)
class Contrast(Amount):
    """A straight line through middle grey, as in ImageMagick's ``-brightness-contrast``.

    Its slope is 1 + value/100 below zero and 100/(100 - value) above: -100 is all grey, 50 doubles distances, 100 leaves
    only full and no colour.
    """

    name: ClassVar[str] = "contrast"

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        if self.value < 0:
            slope = 1 + self.value / 100
        else:
            slope = 100 / (100 - self.value) if self.value < 100 else _STEEP
        return linear(image, slope, 0.5 - 0.5 * slope)
