"""``bright``: add light or take it away (spec/01 §8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.amounts import Amount
from proxy.ops.levels import linear


@dataclass(frozen=True, slots=True)
class Bright(Amount):
    """So many hundredths of the whole range are added to every colour, as in ImageMagick's ``-brightness-contrast``.

    100 is white and -100 black, whatever the picture.
    """

    name: ClassVar[str] = "bright"

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        return linear(image, 1.0, self.value / 100)
