"""``grayscale``: lightness alone (spec/01 §8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.numbers import switch


@dataclass(frozen=True, slots=True)
class Grayscale:
    """One band of grey as light as the colour was: luminance is weighed in linear light (CIE Y), after the ICC profile.

    Formats that have no grey write three equal bands.
    """

    name: ClassVar[str] = "grayscale"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 40

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Grayscale | None:  # noqa: ARG003
        """Read 1; 0 changes nothing.

        Raises:
            InvalidArgument: neither 0 nor 1.
        """
        return cls() if switch(cls.name, value) else None

    def format(self) -> str:
        return f"{self.name}/1"

    def measure(self, frame: Frame) -> Frame:
        return frame

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        if image.bands < 3:
            return image
        # A profile of three colours says nothing of one band, and weighing its numbers as if they were sRGB's is wrong.
        image = tools.in_srgb(image)
        space = "grey16" if image.format == "ushort" else "b-w"
        grey = image.extract_band(0, n=3).colourspace(space)
        if image.hasalpha():
            grey = grey.bandjoin(image.extract_band(3)).copy(interpretation=space)
        return grey
