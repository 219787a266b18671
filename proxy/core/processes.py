"""``ci-process=<Name>``: the other way CI is asked for something, by the names of spec/01 §14."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.core.codes import PROCESS as GENERATE
from proxy.core.reports import PROCESSES, parse_report
from proxy.errors import InvalidArgument, OperationNotImplemented

ORIGINAL = "originImage"
"""Asks for the object itself."""

_ELSEWHERE = frozenset({
    "AssessQuality", "AISuperResolution", "AIEnhanceImage", "AIImageColoring", "AIImageCrop",
    "ImageRepair", "GoodsMatting", "AIPicMatting", "AIPortraitMatting", "detect-label", "DetectCar", "RecognizeLogo",
    "OCR", "sensitive-content-recognition",
})  # fmt: skip
"""Names of CI that need models."""


def process_operation(name: str, arguments: Mapping[str, str]) -> str | None:
    """The operation that ``ci-process=<name>`` with *arguments* is another spelling of; None: the object itself.

    Raises:
        InvalidArgument: no process of that name, or an argument that it does not take.
        OperationNotImplemented: one of CI's that mogr does not do.
    """
    if name == ORIGINAL:
        return None
    if name in PROCESSES:
        return parse_report(PROCESSES[name], arguments).format()
    if name in _ELSEWHERE:
        raise OperationNotImplemented(public=f"ci-process={name} is not implemented.")
    raise InvalidArgument.of("ci-process", name, f"one of {', '.join((ORIGINAL, *PROCESSES, GENERATE))}")
