"""``saturation``: more or less colour at the same brightness; ours, CI has nothing of the kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.amounts import Amount
from proxy.ops.levels import mixed

_LUMA = (0.213, 0.715, 0.072)


@dataclass(frozen=True, slots=True)
class Saturation(Amount):
    """Each colour's distance from its grey times 1 + value/100: CSS's ``saturate()`` (Filter Effects 1, §10.3).

    -100 leaves grey, 100 doubles.  A grey picture stays as it is.
    """

    name: ClassVar[str] = "saturation"

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        if image.bands < 3:
            return image
        colour = 1 + self.value / 100
        rows = [
            [luma * (1 - colour) + colour * (row == column) for column, luma in enumerate(_LUMA)] for row in range(3)
        ]
        return mixed(image, rows)
