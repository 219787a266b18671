"""How a stage says what its result is encoded as: format, the quality family, sizes, metadata; and the one text of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from proxy.core.labels import PARAMETER as LABEL
from proxy.core.labels import format_label, parse_label
from proxy.core.plan import Output, QualityStep, SizeLimit
from proxy.core.scores import DEFAULT, LEAST, MOST
from proxy.errors import InvalidArgument, OperationNotImplemented
from proxy.formats import by_spelling
from proxy.ops.numbers import integer, switch

_ABSENT_FORMATS = frozenset({"astc", "psd"})
"""Formats of CI that mogr does not write: 501, because the request is right."""
_QUALITY_TEXTS = {
    "at-most": "/quality/{}",
    "exactly": "/quality/{}!",
    "ratio": "/rquality/{}",
    "at-least": "/lquality/{}",
    "auto": "/quality/auto:{}",
}
_AUTO = "auto"
_IDLE_STEPS = {QualityStep("at-most", 100), QualityStep("ratio", 100), QualityStep("at-least", 0)}
"""Steps that leave every quality from 0 to 100 as it is."""
_SIZE = re.compile("([0-9]{1,7})([kKmM])(!?)")
_MOST_KIBIBYTES = 1024 * 1024
SHORT = {"q": "quality", "rq": "rquality", "lq": "lquality"}
"""imageView2's names of the quality family (spec/01 §9)."""


def parse_output(parameters: Mapping[str, str], *, short: bool = False) -> Output:
    """The encoding that *parameters*, of one stage, ask for; others are not looked at.  *short*: in imageView2's names.

    Raises:
        InvalidArgument: malformed or out of range.
        OperationNotImplemented: a format of CI that mogr does not write.
    """
    format_name, interlace, strip = None, None, False
    cgif, size_limit, minsize, label = None, None, False, Output().label
    steps: list[QualityStep] = []
    for name, value in parameters.items():
        match SHORT.get(name, name) if short else name:
            case "format":
                format_name = _format_name(value)
            case "quality" if value.startswith(_AUTO):
                steps.append(_auto_step(name, value))
            case "quality":
                kind = "exactly" if value.endswith("!") else "at-most"
                steps.append(_quality_step(name, kind, value.removesuffix("!")))
            case "rquality":
                steps.append(_quality_step(name, "ratio", value.removesuffix("!")))  # "!" is idle here, and seen
            case "lquality":
                steps.append(_quality_step(name, "at-least", value.removesuffix("!")))
            case "interlace":
                interlace = switch(name, value)
            case "strip":
                strip = not value or switch(name, value)
            case "cgif":
                cgif = integer(name, value, 1, 100)
            case "size-limit":
                size_limit = _size_limit(value)
            case "minsize" | "minisize":
                minsize = switch(name, value)
            case _ if name == LABEL:
                label = parse_label(parameters)
    heeded = tuple(step for step in steps if step not in _IDLE_STEPS)
    return Output(
        format=format_name, quality=heeded, interlace=interlace, strip=strip, cgif=cgif, size_limit=size_limit,
        minsize=minsize, label=label,
    )  # fmt: skip


def format_output(output: Output, *, short: bool = False) -> str:
    """The text of *output*, each parameter with its leading slash; *short*: in imageView2's names."""
    parts = []
    if output.format:
        parts.append(f"/format/{output.format}")
    parts += [_format_step(step) for step in output.quality]
    if output.interlace is not None:
        parts.append(f"/interlace/{int(output.interlace)}")
    if output.strip:
        parts.append("/strip")
    if output.cgif is not None:
        parts.append(f"/cgif/{output.cgif}")
    if output.size_limit is not None:
        parts.append(f"/size-limit/{_format_size_limit(output.size_limit)}")
    if output.minsize:
        parts.append("/minsize/1")
    if output.label:
        parts.append(f"/{format_label(output.label)}")
    text = "".join(parts)
    for brief, name in SHORT.items() if short else ():
        text = text.replace(f"/{name}/", f"/{brief}/")
    return text


def _format_name(value: str) -> str | None:
    name = value.lower()
    if name in ("auto", "src"):
        return "auto" if name == "auto" else None
    found = by_spelling(value)
    if found is not None:
        return found.name
    if name in _ABSENT_FORMATS:
        raise OperationNotImplemented(public=f"format/{name} is not implemented.")
    raise InvalidArgument.of("format", value, "a format such as jpg, png, webp, avif, gif or auto")


def _size_limit(value: str) -> SizeLimit:
    found = _SIZE.fullmatch(value)
    kibibytes = int(found[1]) * (1024 if found[2] in "mM" else 1) if found else 0
    if found is None or not 1 <= kibibytes <= _MOST_KIBIBYTES:
        raise InvalidArgument.of("size-limit", value, "1k to 1024m, with ! after it or without")
    return SizeLimit(kibibytes, or_original=bool(found[3]))


def _format_size_limit(limit: SizeLimit) -> str:
    mebibytes, rest = divmod(limit.kibibytes, 1024)
    number = f"{limit.kibibytes}k" if rest else f"{mebibytes}m"
    return number + "!" * limit.or_original


def _auto_step(parameter: str, value: str) -> QualityStep:
    """``auto`` or ``auto:75``; it leaves nothing of the quality before, so that a "!" after it is idle, and seen."""
    word, colon, target = value.removesuffix("!").partition(":")
    if word == _AUTO:
        try:
            return QualityStep("auto", integer(parameter, target, LEAST, MOST) if colon else DEFAULT)
        except InvalidArgument:
            pass
    raise InvalidArgument.of(parameter, value, f"{_AUTO}, or {_AUTO}:{LEAST} to {_AUTO}:{MOST}")


def _format_step(step: QualityStep) -> str:
    text = _QUALITY_TEXTS[step.kind].format(step.value)
    return text.partition(":")[0] if step == QualityStep("auto", DEFAULT) else text


def _quality_step(parameter: str, kind: str, text: str) -> QualityStep:
    return QualityStep(kind, integer(parameter, text, 0, 100))
