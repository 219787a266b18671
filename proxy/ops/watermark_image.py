"""``watermark/1``: another picture on the picture, from a bucket of ours (spec/01 §10.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from proxy.core.model import Frame
from proxy.core.plan import Need, Tools
from proxy.ops.boxes import within
from proxy.ops.laying import Laying
from proxy.ops.marks import PARAMETERS, need_argument, parse_need
from proxy.ops.numbers import integer
from proxy.ops.pages import scaled


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkImage:
    """Up to ten of them, counting those on marks; they do not move, and the size of the picture never changes."""

    need: Need
    fit: int = 0
    """``blogo``."""
    laying: Laying = field(default_factory=Laying)

    name: ClassVar[str] = "watermark/1"
    head: ClassVar[str] = "watermark"
    modifiers: ClassVar[frozenset[str]] = Laying.MODIFIERS | PARAMETERS | {"blogo"}
    rank: ClassVar[int] = 0

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> WatermarkImage:  # noqa: ARG003
        """Read ``image`` (URL-safe base64 of an ``http://`` URL of the same bucket, or of one of its ``mark_hosts``; the URL may
        carry an operation) or ``image_key`` (base64 of a key in the same bucket), and ``blogo`` (what becomes of a mark
        larger than the picture, 1: scaled until it fits, 2: cut to the size; 0: it hangs over); and how it lies:
        ``dissolve`` (1-100, its opacity; 90), ``gravity`` (``southeast``) with ``dx`` and ``dy``, ``degree`` (0-360,
        clockwise; 0), ``batch`` (1: all over the picture) with ``spacing`` (0-100 px between; 10), ``scatype`` (its size as
        1: a part of the width, 2: of the height, 3: of the area) with ``spcent`` (per mille, 1-1000, of the area 1-250).

        Raises:
            InvalidArgument: there is no image, or any of them is malformed or out of range.
        """
        need = parse_need(modifiers, expected="the http:// URL of the mark in URL-safe base64")
        return cls(need=need, fit=integer("blogo", modifiers.get("blogo", "0"), 0, 2), laying=Laying.parse(modifiers))

    def format(self) -> str:
        return (
            f"{self.name}/{'/'.join(need_argument(self.need))}"
            + (f"/blogo/{self.fit}" if self.fit else "")
            + self.laying.format()
        )

    def needs(self) -> tuple[Need, ...]:
        return (self.need,)

    def measure(self, frame: Frame) -> Frame:
        return frame

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        # Which picture that is, and whether it may be had, is not for an operation to know.
        mark = tools.input(0)
        page_px = frame.width_px, frame.height_px
        wanted = self.laying.size(frame, (mark.width, mark.height))
        hangs_over = wanted[0] > page_px[0] or wanted[1] > page_px[1]
        if self.fit == 1 and hangs_over:
            wanted = within(page_px, wanted)
        mark = scaled(mark, 1, *wanted)
        if self.fit == 2 and hangs_over:
            mark = mark.crop(0, 0, min(mark.width, page_px[0]), min(mark.height, page_px[1]))
        return self.laying.lay(image, frame, mark, tools)
