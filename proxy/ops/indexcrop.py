"""``indexcrop``: one of the pieces that a picture is sliced into, from the left or from the top (spec/01 §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.errors import InvalidArgument
from proxy.ops.numbers import MAX_INTEGER, integer, side
from proxy.ops.pages import each_page


@dataclass(frozen=True, slots=True)
class IndexCrop:
    """The last piece is as wide, or as tall, as what is left."""

    along: str
    """``width``: pieces lie side by side; ``height``: one below the other."""
    piece_px: int
    index: int = 0

    name: ClassVar[str] = "indexcrop"
    head: ClassVar[str] = "imageMogr2"
    modifiers: ClassVar[frozenset[str]] = frozenset({"index", "width", "height"})
    rank: ClassVar[int] = 10
    value_tokens: ClassVar[int] = 2

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> IndexCrop:
        """Read ``width/<px>`` (pieces lie side by side) or ``height/<px>`` (one below the other), from 1 to the picture's own side;
        ``index``, the number of the piece, counted from 0 (0).

        Raises:
            InvalidArgument: malformed, a piece of 0 pixels, both of width and height, or a piece that the picture has not.
        """
        along, _, text = value.partition("/")
        if along not in ("width", "height") or not modifiers.keys().isdisjoint(("width", "height")):
            raise InvalidArgument.of(cls.name, value, "width/<px> or height/<px>, one of them")
        return cls(
            along, side(f"{cls.name}/{along}", text), integer("index", modifiers.get("index", "0"), 0, MAX_INTEGER)
        )

    def format(self) -> str:
        return f"{self.name}/{self.along}/{self.piece_px}" + (f"/index/{self.index}" if self.index else "")

    def measure(self, frame: Frame) -> Frame:
        _, _, width_px, height_px = self._piece(frame)
        return frame.sized(width_px, height_px)

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        piece = self._piece(frame)
        if piece == (0, 0, frame.width_px, frame.height_px):
            return image
        return each_page(image, frame.frames, lambda page: page.crop(*piece))

    def _piece(self, frame: Frame) -> tuple[int, int, int, int]:
        """Left, top, width and height.

        Raises:
            InvalidArgument: a piece longer than the picture, or an index behind the last.
        """
        whole_px = frame.width_px if self.along == "width" else frame.height_px
        if self.piece_px > whole_px:
            raise InvalidArgument.of(
                f"{self.name}/{self.along}", str(self.piece_px), f"at most the picture's {whole_px}"
            )
        start_px = self.piece_px * self.index
        if start_px >= whole_px:
            last = (whole_px - 1) // self.piece_px
            raise InvalidArgument.of("index", str(self.index), f"at most {last}, the last piece of this picture")
        length_px = min(self.piece_px, whole_px - start_px)
        if self.along == "width":
            return start_px, 0, length_px, frame.height_px
        return 0, start_px, frame.width_px, length_px
