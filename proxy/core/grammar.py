"""The text of an operation and the plan it means: ``parse_plan`` and its inverse ``format_plan`` (spec/01 §2).

    operation = stage *9("|" stage)          stage = "imageMogr2" *("/" name "/" value), the flags without a value

A plan has one text: operations stand in the order in which they are applied, numbers and gravities have one spelling, and
what changes nothing (``rotate/0``, ``quality/100``, a stage of nothing) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Protocol, runtime_checkable

from proxy.core.plan import Operation, Output, Plan, QualityStep, Stage
from proxy.core.query import OPERATION_HEADS
from proxy.errors import InvalidArgument, OperationNotImplemented
from proxy.formats import by_spelling
from proxy.ops import CATALOGUE
from proxy.ops.numbers import integer, switch

MAX_STAGES = 10
HEAD = "imageMogr2"

_FLAGS = frozenset({"auto-orient", "strip"})
_LATER = frozenset({
    "iradius", "rradius", "scrop", "rcrop", "indexcrop", "blur", "sharpen", "bright", "contrast", "grayscale", "cgif",
    "size-limit", "minsize", "minisize", "AIGCMetadata",
})  # fmt: skip
"""Parameters of CI that are not built yet.  Ignoring them would serve, and cache, another picture than was asked."""
_LATER_FORMATS = frozenset({"tpg", "astc", "apng", "svgc", "psd"})
_QUALITY_TEXTS = {
    "at-most": "/quality/{}",
    "exactly": "/quality/{}!",
    "ratio": "/rquality/{}",
    "at-least": "/lquality/{}",
}
_IDLE_STEPS = {QualityStep("at-most", 100), QualityStep("ratio", 100), QualityStep("at-least", 0)}
"""Steps that leave every quality from 0 to 100 as it is."""


@runtime_checkable
class _Sized(Protocol):
    """An operation with sides in pixels among its parameters."""

    def clamped(self, limit_px: int) -> Operation: ...


def parse_plan(text: str, *, clamp_px: int | None = None) -> Plan:
    """Read *text*, an operation as ``split_query`` gives it.

    Sides over *clamp_px* are read as that (profile ``ci-2026``).  A parameter given twice in one stage counts once, where
    and as it was given last; unknown ones are ignored with their values.

    Raises:
        InvalidArgument: more than ten stages, a head that is none, or a parameter malformed or out of range.
        OperationNotImplemented: an operation, parameter or format of CI that is not built yet.
    """
    if text.count("|") >= MAX_STAGES:
        raise InvalidArgument(public=f"The operation has more than {MAX_STAGES} stages.")
    stages = []
    for stage_text in text.split("|"):
        parameters = _parameters(stage_text)
        switch("ignore-error", parameters.get("ignore-error", "0"))
        stage = Stage(operations=_operations(parameters, clamp_px), output=_output(parameters))
        if stage != Stage():
            stages.append(stage)
    return Plan(stages=tuple(stages), ignore_error=asks_ignore_error(text))


def format_plan(plan: Plan) -> str:
    """The one text of *plan*: ``parse_plan`` reads it as an equal plan."""
    first, *others = [_format_stage(stage) for stage in plan.stages] or [""]
    if plan.ignore_error:
        first = "/ignore-error/1" + first
    return "|".join(HEAD + part for part in (first, *others))


def asks_ignore_error(text: str) -> bool:
    """Whether *text* has ``ignore-error/1`` anywhere, even if it cannot be parsed: the original then answers errors."""
    names = text.replace("|", "/").split("/")
    return ("ignore-error", "1") in pairwise(names)


def _parameters(stage_text: str) -> Mapping[str, str]:
    """Names and values of a stage in textual order; a name without a value has an empty one."""
    head, *tokens = stage_text.split("/")
    if head != HEAD:
        name = head.partition("=")[0]
        if name in OPERATION_HEADS or name == "ci-process":
            raise OperationNotImplemented(public=f"{name} is not implemented.")
        raise InvalidArgument.of("operation", head, f"{HEAD}/…")
    found: dict[str, str] = {}
    position = 0
    while position < len(tokens):
        name, value = tokens[position], "".join(tokens[position + 1 : position + 2])
        if name in _LATER:
            raise OperationNotImplemented(public=f"{name} is not implemented.")
        # A flag takes a digit as its value and nothing else; a trailing or doubled slash is no name.
        alone = not name or (name in _FLAGS and not (value.isascii() and value.isdigit()))
        position += 1 if alone else 2
        if name:
            found.pop(name, None)
            found[name] = "" if alone else value
    return found


def _operations(parameters: Mapping[str, str], clamp_px: int | None) -> tuple[Operation, ...]:
    found: list[Operation] = []
    for name, value in parameters.items():
        kind = CATALOGUE.get(name)
        if kind is None:
            continue
        modifiers = {modifier: parameters[modifier] for modifier in kind.modifiers if modifier in parameters}
        operation = kind.parse(value, modifiers)
        if operation is None:
            continue
        if clamp_px is not None and isinstance(operation, _Sized):
            operation = operation.clamped(clamp_px)
        found.append(operation)
    return tuple(sorted(found, key=lambda operation: operation.rank))


def _output(parameters: Mapping[str, str]) -> Output:
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


def _format_stage(stage: Stage) -> str:
    output = stage.output
    parts = [f"/{operation.format()}" for operation in stage.operations]
    if output.format:
        parts.append(f"/format/{output.format}")
    parts += [_QUALITY_TEXTS[step.kind].format(step.value) for step in output.quality]
    if output.interlace is not None:
        parts.append(f"/interlace/{int(output.interlace)}")
    if output.strip:
        parts.append("/strip")
    return "".join(parts)
