"""How a stage says what its result is encoded as: format, the quality family, interlace, strip; and the one text of it."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.core.plan import Output, QualityStep
from proxy.errors import InvalidArgument, OperationNotImplemented
from proxy.formats import by_spelling
from proxy.ops.numbers import integer, switch

_LATER_FORMATS = frozenset({"tpg", "astc", "apng", "svgc", "psd"})
_QUALITY_TEXTS = {
    "at-most": "/quality/{}",
    "exactly": "/quality/{}!",
    "ratio": "/rquality/{}",
    "at-least": "/lquality/{}",
}
_IDLE_STEPS = {QualityStep("at-most", 100), QualityStep("ratio", 100), QualityStep("at-least", 0)}
"""Steps that leave every quality from 0 to 100 as it is."""
SHORT = {"q": "quality", "rq": "rquality", "lq": "lquality"}
"""imageView2's names of the quality family (spec/01 §9)."""


def parse_output(parameters: Mapping[str, str]) -> Output:
    """The encoding that *parameters*, of one stage and in imageMogr2's names, ask for; others are not looked at.

    Raises:
        InvalidArgument: malformed or out of range.
        OperationNotImplemented: a format of CI that is not built yet.
    """
    format_name, interlace, strip = None, None, False
    steps: list[QualityStep] = []
    for name, value in parameters.items():
        match name:
            case "format":
                format_name = _format_name(value)
            case "quality":
                kind = "exactly" if value.endswith("!") else "at-most"
                steps.append(_quality_step(name, kind, value.removesuffix("!")))
            case "rquality":
                steps.append(_quality_step(name, "ratio", value))
            case "lquality":
                steps.append(_quality_step(name, "at-least", value))
            case "interlace":
                interlace = switch(name, value)
            case "strip":
                strip = not value or switch(name, value)
    heeded = tuple(step for step in steps if step not in _IDLE_STEPS)
    return Output(format=format_name, quality=heeded, interlace=interlace, strip=strip)


def format_output(output: Output, *, short: bool = False) -> str:
    """The text of *output*, each parameter with its leading slash; *short*: in imageView2's names."""
    parts = []
    if output.format:
        parts.append(f"/format/{output.format}")
    parts += [_QUALITY_TEXTS[step.kind].format(step.value) for step in output.quality]
    if output.interlace is not None:
        parts.append(f"/interlace/{int(output.interlace)}")
    if output.strip:
        parts.append("/strip")
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
    if name in _LATER_FORMATS:
        raise OperationNotImplemented(public=f"format/{name} is not implemented.")
    raise InvalidArgument.of("format", value, "a format such as jpg, png, webp, avif, gif or auto")


def _quality_step(parameter: str, kind: str, text: str) -> QualityStep:
    return QualityStep(kind, integer(parameter, text, 0, 100))
