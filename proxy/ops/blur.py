"""``blur``: Gaussian, cut off at a radius (spec/01 §8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.errors import InvalidArgument
from proxy.ops.gaussian import blurred

_TEXT = re.compile(r"([0-9]{1,10})x([0-9]{1,10}(?:\.[0-9]{1,10})?)")
MAX_RADIUS_PX = 50
_MAX_SIGMA_MILLIPX = 1_000_000
"""With a radius of 50 at most, the weights of any larger sigma are the same to a thousandth."""


@dataclass(frozen=True, slots=True)
class Blur:
    """As ImageMagick's ``-blur``: what lies farther than the radius does not count, so the cost has a bound.

    Transparency is blurred with the colours, or the shapes it cuts out would stay sharp.
    """

    radius_px: int
    sigma_millipx: int

    name: ClassVar[str] = "blur"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 50

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Blur:  # noqa: ARG003
        """Read ``<radius>x<sigma>``: pixels from 1 to 50, and a number over 0, decimals allowed, that counts from 0.001 to 1,000.

        Raises:
            InvalidArgument: malformed, a radius that is not from 1 to 50, or a sigma of 0.
        """
        found = _TEXT.fullmatch(value)
        radius_px, sigma = (int(found.group(1)), Decimal(found.group(2))) if found else (0, Decimal(0))
        if not 1 <= radius_px <= MAX_RADIUS_PX or not sigma:
            expected = f"<radius>x<sigma>, an integer from 1 to {MAX_RADIUS_PX} and a number over 0"
            raise InvalidArgument.of(cls.name, value, expected)
        return cls(radius_px, max(1, min(_MAX_SIGMA_MILLIPX, round(sigma * 1000))))

    def format(self) -> str:
        whole, thousandths = divmod(self.sigma_millipx, 1000)
        return f"{self.name}/{self.radius_px}x" + f"{whole}.{thousandths:03}".rstrip("0").rstrip(".")

    def measure(self, frame: Frame) -> Frame:
        return frame

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        return blurred(image, frame.frames, self.radius_px, self.sigma_millipx / 1000)
