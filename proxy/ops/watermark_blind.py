"""``watermark/3``: a mark that is not seen, an emblem or a text, which ``watermark/4`` finds again (spec/01 §10.3)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Need, Tools
from proxy.errors import InvalidArgument
from proxy.ops.blind import TEXT_BYTES, Kind, parse_emblem, parse_kind
from proxy.ops.encoded import decode_text, encode_text
from proxy.ops.marks import PARAMETERS, need_argument, needed
from proxy.ops.numbers import integer

_SHORTEST_PX: Mapping[Kind, int] = {Kind.WITH_ORIGINAL: 200, Kind.EMBLEM: 150}
_SHORTEST_OF_TEXT_PX: Mapping[int, int] = {8: 150, 16: 200, 32: 250}
"""By what a text takes of ``TEXT_BYTES``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkBlind:
    """It withstands recompression, resizing, mirroring and quarter turns, not cropping; see the
    [decision note](decisions/0015-blind-watermarks.md) for how much of each. An emblem is hidden as 32 x 32 light and dark
    squares: it should be a simple shape of high contrast. Pictures that move are refused.
    """

    kind: Kind
    need: Need | None = None
    text: str = ""
    level: int = 1

    name: ClassVar[str] = "watermark/3"
    head: ClassVar[str] = "watermark"
    modifiers: ClassVar[frozenset[str]] = PARAMETERS | {"type", "text", "level", "version"}
    rank: ClassVar[int] = 0

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> WatermarkBlind:  # noqa: ARG003
        """Read ``type`` (1: an emblem that only who has the original can find, 2: an emblem, 3: a text), ``image`` or
        ``image_key`` (types 1 and 2: the emblem, as for ``watermark/1``), ``text`` (type 3: URL-safe base64, 1 to 32 bytes of
        UTF-8), ``level`` (1 to 3: how strong; 1) and ``version`` (1.0, 2.0 or 3.0, which are the same here).

        Raises:
            InvalidArgument: there is no type, image or text, or any of them is malformed or out of range; or the picture moves, is too
                small for the mark, or has nothing in it that could hide it.
        """
        kind = parse_kind(modifiers)
        level = integer("level", modifiers.get("level", "1"), 1, 3)
        if kind is not Kind.TEXT:
            return cls(kind=kind, need=parse_emblem(modifiers), level=level)
        encoded = needed("text", modifiers, "the text of the watermark in URL-safe base64")
        text = decode_text("text", encoded, most_characters=TEXT_BYTES[-1])
        if len(text.encode()) > TEXT_BYTES[-1] or any(unicodedata.category(each) == "Cc" for each in text):
            expected = f"1 to {TEXT_BYTES[-1]} bytes of UTF-8 without control characters"
            raise InvalidArgument.of("text", encoded, expected)
        return cls(kind=kind, text=text, level=level)

    def format(self) -> str:
        name, value = ("text", encode_text(self.text)) if self.need is None else need_argument(self.need)
        level = f"/level/{self.level}" if self.level != 1 else ""
        return f"{self.name}/type/{self.kind.value}/{name}/{value}{level}"

    def needs(self) -> tuple[Need, ...]:
        return () if self.need is None else (self.need,)

    def measure(self, frame: Frame) -> Frame:
        shortest_px = self._shortest_px()
        if min(frame.width_px, frame.height_px) < shortest_px:
            size = f"{frame.width_px}x{frame.height_px}"
            raise InvalidArgument.of(
                "watermark/3", size, f"a picture of at least {shortest_px} pixels a side for this mark"
            )
        return frame

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        # Not in measure, which also serves to choose the format: a still one leaves the first frame, and that can be marked.
        if frame.animated:
            raise InvalidArgument(public="watermark/3: a picture that moves cannot have a blind watermark.")
        return tools.hide(image, kind=self.kind, level=self.level, text=self.text)

    def _shortest_px(self) -> int:
        if self.kind is not Kind.TEXT:
            return _SHORTEST_PX[self.kind]
        length = len(self.text.encode())
        return next(shortest for most, shortest in _SHORTEST_OF_TEXT_PX.items() if length <= most)
