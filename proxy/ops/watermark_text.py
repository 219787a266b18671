"""``watermark/2``: a line of text on the picture, with a shadow if asked (spec/01 §10.2)."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Tools
from proxy.errors import InvalidArgument
from proxy.ops.encoded import decode_text, encode_text
from proxy.ops.laying import Laying, over
from proxy.ops.marks import needed
from proxy.ops.numbers import format_colour, integer, parse_colour
from proxy.ops.pages import scaled

_MOST_CHARACTERS, _MOST_FONT_CHARACTERS = 256, 64
_FONT, _FONT_SIZE_PT, _FILL = "tahoma.ttf", 13, (0x3D, 0x3D, 0x3D)
_MOST_DRAWN_PX, _LONGEST_DRAWN_PX = 16_000_000, 32_000
"""Text that would be larger is drawn smaller and enlarged: drawing it costs memory, however little of it is seen, and the
rasteriser counts to 32,767."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkText:
    """Of any width, on one line or several, cut off where the picture ends; the size of the picture never changes."""

    text: str
    font: str = _FONT
    """In lower case; the codec knows what it has for it."""
    font_size_pt: int = _FONT_SIZE_PT
    fill: tuple[int, int, int] = _FILL
    shadow: int = 0
    """Per cent of opacity; 0: none."""
    laying: Laying = field(default_factory=Laying)

    name: ClassVar[str] = "watermark/2"
    head: ClassVar[str] = "watermark"
    modifiers: ClassVar[frozenset[str]] = Laying.MODIFIERS | {"text", "font", "fontsize", "fill", "shadow"}
    rank: ClassVar[int] = 0

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> WatermarkText:  # noqa: ARG003
        """Read ``text`` (URL-safe base64, 1 to 256 characters), ``font`` (base64; one of CI's names, which mean open fonts here,
        or the file name of a font of the operator; ``tahoma.ttf``), ``fontsize`` (1-1000 points, which are pixels; 13),
        ``fill`` (base64 of ``#RRGGBB``; ``#3D3D3D``) and ``shadow`` (0-100, its opacity; 0); and how it lies:
        ``dissolve`` (1-100, its opacity; 90), ``gravity`` (``southeast``) with ``dx`` and ``dy``, ``degree`` (0-360,
        clockwise; 0), ``batch`` (1: all over the picture) with ``spacing`` (0-100 px between; 10), ``scatype`` (its size as
        1: a part of the width, 2: of the height, 3: of the area) with ``spcent`` (per mille, 1-1000, of the area 1-250).

        Raises:
            InvalidArgument: there is no text, or any of them is malformed or out of range.
        """
        encoded = needed("text", modifiers, "the text of the watermark in URL-safe base64")
        text = "\n".join(decode_text("text", encoded, most_characters=_MOST_CHARACTERS).splitlines()).strip("\n")
        if not text.strip() or any(unicodedata.category(each) == "Cc" for each in text.replace("\n", "")):
            raise InvalidArgument.of("text", encoded, "text that can be seen, without control characters")
        font = _FONT
        if "font" in modifiers:
            font = decode_text("font", modifiers["font"], most_characters=_MOST_FONT_CHARACTERS).strip().casefold()
        return cls(
            text=text,
            font=font or _FONT,
            font_size_pt=integer("fontsize", modifiers.get("fontsize", str(_FONT_SIZE_PT)), 1, 1000),
            fill=parse_colour("fill", modifiers["fill"]) if "fill" in modifiers else _FILL,
            shadow=integer("shadow", modifiers.get("shadow", "0"), 0, 100),
            laying=Laying.parse(modifiers),
        )

    def format(self) -> str:
        parts: list[tuple[str, object, object]] = [
            ("text", encode_text(self.text), ""),
            ("font", encode_text(self.font), encode_text(_FONT)),
            ("fontsize", self.font_size_pt, _FONT_SIZE_PT),
            ("fill", format_colour(self.fill), format_colour(_FILL)),
            ("shadow", self.shadow, 0),
        ]
        given = "".join(f"/{name}/{value}" for name, value, default in parts if value != default)
        return f"{self.name}{given}{self.laying.format()}"

    def measure(self, frame: Frame) -> Frame:
        return frame

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        mask, size_px = self._drawn(frame, tools)
        grey = len(set(self.fill)) == 1
        levels = [float(level) for level in (self.fill[:1] if grey else self.fill)]
        if self.shadow:
            mask, shade = _cast(mask, max(1.0, size_px / 20), self.shadow)
            # Both of one colour space: grey text has a grey mark, which leaves grey pictures grey.
            mark = over(_plain([0.0] * len(levels), shade), _plain(levels, mask))
        else:
            mark = _plain(levels, mask)
        return self.laying.lay(image, frame, mark, tools)

    def _drawn(self, frame: Frame, tools: Tools) -> tuple[Any, float]:
        """The text's coverage in its final size, and the font size that this is."""
        lines = self.text.split("\n")
        # In ems, which few letters are wider than; a line is less than one and a half high.
        wide, high = max(map(len, lines)), 1.5 * len(lines)
        drawable_px = min(math.sqrt(_MOST_DRAWN_PX / (wide * high)), _LONGEST_DRAWN_PX / max(wide, high))
        drawn_px = min(float(self.font_size_pt), drawable_px)
        mask = tools.text(self.text, font=self.font, size_px=drawn_px)
        factor = self.font_size_pt / drawn_px
        whole = round(mask.width * factor), round(mask.height * factor)
        wanted = self.laying.size(frame, whole)
        if self.laying.share is not None:
            # Drawn again in that size, because enlarged letters are blurred.
            better_px = min(drawn_px * wanted[0] / mask.width, drawable_px)
            if better_px >= 1:
                drawn_px, mask = better_px, tools.text(self.text, font=self.font, size_px=better_px)
        size_px = drawn_px * wanted[0] / mask.width
        return scaled(mask, 1, *wanted), size_px


def _cast(mask: Any, offset_px: float, per_cent: int) -> tuple[Any, Any]:
    """*mask* and the coverage of its shadow, to the lower right of it, both with the room that the shadow takes."""
    sigma_px = offset_px / 2
    before_px, after_px = math.ceil(2 * sigma_px), math.ceil(offset_px + 2 * sigma_px)
    size_px = mask.width + before_px + after_px, mask.height + before_px + after_px
    moved_px = before_px + round(offset_px)
    shade = mask.embed(moved_px, moved_px, *size_px).gaussblur(sigma_px, precision="float")
    shade = (shade * (per_cent / 100)).rint().cast("uchar")
    return mask.embed(before_px, before_px, *size_px), shade


def _plain(levels: list[float], coverage: Any) -> Any:
    """A mark of one colour."""
    colour = coverage.new_from_image(levels).copy(interpretation="b-w" if len(levels) == 1 else "srgb")
    return colour.bandjoin(coverage)
