"""``auto-orient``: turn the pixels as EXIF Orientation says and reset the tag (spec/01 §5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.ops.numbers import switch
from proxy.ops.pages import each_page

_TURNS: Mapping[int, tuple[str, ...]] = {
    2: ("fliphor",),
    3: ("rot180",),
    4: ("flipver",),
    5: ("rot90", "fliphor"),
    6: ("rot90",),
    7: ("rot270", "fliphor"),
    8: ("rot270",),
}
"""What undoes each orientation (EXIF 2.32 §4.6.5.1), as methods of a pyvips image."""


@dataclass(frozen=True, slots=True)
class AutoOrient:
    """Does nothing to a picture that stands upright."""

    name: ClassVar[str] = "auto-orient"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 0

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> AutoOrient | None:  # noqa: ARG003
        """Read no value or 1; 0 is as if it were not there.

        Raises:
            InvalidArgument: any other value.
        """
        return cls() if not value or switch(cls.name, value) else None

    def format(self) -> str:
        return self.name

    def measure(self, frame: Frame) -> Frame:
        return frame.oriented()

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        turns = _TURNS.get(frame.orientation)
        if turns is None:
            return image

        def upright(page: Any) -> Any:
            for turn in turns:
                page = getattr(page, turn)()
            return page

        turned = each_page(image, frame.frames, upright).copy()
        if turned.get_typeof("orientation") != 0:
            turned.set("orientation", 1)
        return turned
