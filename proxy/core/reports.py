"""Reports: what a picture can be asked about itself; they answer text instead of a picture (spec/01 §11).

Here is what each may be asked and in what form it answers; the answer is computed where the pixels are, in
``codec.reports``.  After other stages of a pipe a report is on the file that those stages would have made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from proxy.core.plan import Need, Report
from proxy.ops.blind import needs_of_report
from proxy.ops.marks import need_argument
from proxy.ops.numbers import integer

Check = Callable[[str], str]
"""Reads a parameter's value into its one spelling, or raises InvalidArgument."""


@dataclass(frozen=True, slots=True)
class Parameter:
    check: Check
    default: str | None
    """In its one spelling; a report that says it is the same as one that does not.  None: it has to be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportKind:
    """What one report takes, answers and costs."""

    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    answers: str = "json"
    """A key of ``MEDIA_TYPES``."""
    reads_pixels: bool = False
    needs: Callable[[Mapping[str, str]], tuple[Need, ...]] = lambda _: ()
    """Reads the parameters that name other pictures."""


def _number(name: str, low: int, high: int, default: int | None) -> tuple[str, Parameter]:
    return name, Parameter(
        lambda text: str(integer(name, text, low, high)), str(default) if default is not None else None
    )


MEDIA_TYPES: Mapping[str, str] = MappingProxyType({"json": "application/json", "xml": "application/xml"})
"""The forms an answer comes in; they stand where a picture has its format."""

REPORTS: Mapping[str, ReportKind] = MappingProxyType(
    {
        "imageInfo": ReportKind(reads_pixels=True),
        "exif": ReportKind(),
        "imageAve": ReportKind(reads_pixels=True),
        "imageInspect": ReportKind(),
        "imageAIGCMetadata": ReportKind(),
        # XML, because COS SDKs ask with ci-process=QRcode and parse nothing else.
        "QRcode": ReportKind(
            parameters=dict((_number("cover", 0, 1, 0), _number("bar-type", 0, 2, 0))), answers="xml", reads_pixels=True
        ),
        # XML, because what it says is told in XML where CI tells it, in the answer of a persistent operation.
        "watermark/4": ReportKind(
            parameters=dict((_number("type", 1, 3, None),)), answers="xml", reads_pixels=True, needs=needs_of_report
        ),
        "blurhash": ReportKind(parameters=dict((_number("x", 1, 9, 4), _number("y", 1, 9, 3))), reads_pixels=True),
        "thumbhash": ReportKind(reads_pixels=True),
    }
)
"""Every report by its name in the grammar."""

PROCESSES: Mapping[str, str] = MappingProxyType(
    {"ImageInspect": "imageInspect", "ImageAIGCMetadata": "imageAIGCMetadata", "QRcode": "QRcode"}
)
"""The reports that ``ci-process=<Name>`` asks for as well (spec/01 §14)."""


def parse_report(name: str, parameters: Mapping[str, str]) -> Report:
    """Report *name* with those of *parameters* that it takes; others are ignored.

    Raises:
        InvalidArgument: a value that it does not take, or one missing that it cannot be without.
    """
    arguments = []
    kind = REPORTS[name]
    for key, parameter in sorted(kind.parameters.items()):
        # What has no default is refused as an empty value is.
        value = parameter.check(parameters.get(key, "")) if key in parameters or parameter.default is None else None
        if value is not None and value != parameter.default:
            arguments.append((key, value))
    needs = kind.needs(parameters)
    return Report(name, (*arguments, *map(need_argument, needs)), needs)


def arguments(report: Report) -> dict[str, int]:
    """What *report* was asked, defaults included."""
    given = dict(report.arguments)
    return {key: int(given.get(key, each.default or 0)) for key, each in REPORTS[report.name].parameters.items()}
