"""QR codes and bar codes that are made from text: ``ci-process=qrcode-generate`` (spec/01 §14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from proxy.core.model import Frame
from proxy.errors import InvalidArgument
from proxy.ops.numbers import integer

PROCESS = "qrcode-generate"
QR, BARCODE = "qrcode", "barcode"
_KINDS = {"0": QR, "1": BARCODE}
MAX_WIDTH_PX = 2000
MAX_TEXT_BYTES = 2953
"""Of the largest QR code with the least correction (ISO/IEC 18004, table 7)."""
_EAN = re.compile(r"[0-9]{12}")
_BARS_HEIGHT = 2
"""Bar codes are twice as wide as high."""


@dataclass(frozen=True, slots=True)
class Code:
    """What to draw."""

    kind: str
    """``qrcode``, or ``barcode``: EAN-13."""
    text: str
    width_px: int

    @property
    def height_px(self) -> int:
        return max(1, self.width_px // _BARS_HEIGHT) if self.kind == BARCODE else self.width_px

    @property
    def frame(self) -> Frame:
        return Frame(width_px=self.width_px, height_px=self.height_px)


def parse_code(arguments: Mapping[str, str]) -> Code:
    """The code that the arguments of ``ci-process=qrcode-generate`` ask for.

    Raises:
        InvalidArgument: one of them is missing, malformed or out of range.
    """
    mode = arguments.get("mode", "0")
    if mode not in _KINDS:
        raise InvalidArgument.of("mode", mode, "0 (QR code) or 1 (bar code)")
    kind = _KINDS[mode]
    text = arguments.get("qrcode-content", "")
    if kind == BARCODE and not _EAN.fullmatch(text):
        raise InvalidArgument.of("qrcode-content", text, "12 digits for a bar code")
    if not 1 <= len(text.encode("utf-8", "surrogatepass")) <= MAX_TEXT_BYTES:
        raise InvalidArgument.of("qrcode-content", text, f"a text of 1 to {MAX_TEXT_BYTES} bytes")
    return Code(kind, text, integer("width", arguments.get("width", ""), 1, MAX_WIDTH_PX))
