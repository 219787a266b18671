"""The text of an operation and the plan it means: ``parse_plan`` and its inverse ``format_plan`` (spec/01 §2).

    operation = stage *9("|" stage)
    stage     = "imageMogr2" *("/" name "/" value)                the flags without a value
              / "imageView2" ["/" mode] *("/" name "/" value)     spec/01 §9; "imageView" is the same
              / "watermark" "/" type *("/" name "/" value)        spec/01 §10
              / "imageSlim"                                       spec/01 §12
              / report *("/" name "/" value)                      spec/01 §11 and "watermark/4"; only as the last stage

A plan has one text: operations stand in the order in which they are applied, numbers and gravities have one spelling, and
what changes nothing (``rotate/0``, ``quality/100``, a stage of nothing) is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Protocol, runtime_checkable

from proxy.core.output import SHORT, format_output, parse_output
from proxy.core.plan import Operation, Output, Plan, Report, Stage
from proxy.core.query import OPERATION_HEADS
from proxy.core.reports import REPORTS, parse_report
from proxy.errors import InvalidArgument, OperationNotImplemented
from proxy.formats import CATALOGUE as FORMATS
from proxy.ops import CATALOGUE, PARAMETERS
from proxy.ops.density import ONE, Dense, format_dpr, parse_dpr
from proxy.ops.gravity import Gravity
from proxy.ops.numbers import MAX_INTEGER, integer, parse_colour, switch

MAX_STAGES = 10
HEAD = "imageMogr2"
_VIEWS = ("imageView2", "imageView")
_VIEW_OUTPUT = ("format", "interlace", *SHORT)
"""``interlace`` is not among CI's parameters of imageView2; it is in the syntax that CI took over."""
_VIEW_NAMES = frozenset({"w", "h", "ignore-error", *_VIEW_OUTPUT})
"""What may stand where the mode is left out; anything else there is one, or meant to be."""

REMEMBERED_CHARACTERS = 1024
"""Plans of longer texts are not remembered, nor what follows from them."""
_FLAGS = frozenset({"auto-orient", "strip", "AIGCMetadata"})
_SLIM = "imageSlim"
_BLIND = ("3", "4")
"""The watermarks that nobody sees."""

_LONG_VALUES: Mapping[str, int] = {
    name: kind.value_tokens for name, kind in PARAMETERS.items() if hasattr(kind, "value_tokens")
}
"""Of how many tokens the value consists, where it is not one: ``indexcrop/width/300``."""


_SHARED: Mapping[str, Callable[[str], object]] = {
    "color": lambda text: parse_colour("color", text),
    "dx": lambda text: integer("dx", text, 0, MAX_INTEGER),
    "dy": lambda text: integer("dy", text, 0, MAX_INTEGER),
    "gravity": Gravity.parse,
    "ignore-error": lambda text: switch("ignore-error", text),
    "pad": lambda text: switch("pad", text),
}
"""Parameters that are malformed or not by themselves: said so even where no operation of the stage reads them."""


@runtime_checkable
class _Sized(Protocol):
    """An operation with sides in pixels among its parameters."""

    def clamped(self, limit_px: int) -> Operation: ...


def parse_plan(text: str, *, clamp_px: int | None = None) -> Plan:
    """Read *text*, an operation as ``split_query`` gives it.

    Sides over *clamp_px* are read as that (profile ``ci-2026``).  A parameter given twice in one stage counts once, where
    and as it was given last; unknown ones are ignored with their values.

    Raises:
        InvalidArgument: more than ten stages, a head that is none, a report that is not last, or a parameter malformed
            or out of range.
        OperationNotImplemented: an operation or format of CI that is not built yet.
    """
    return (_parsed_before if len(text) <= REMEMBERED_CHARACTERS else _parsed)(text, clamp_px)


def _parsed(text: str, clamp_px: int | None) -> Plan:
    if text.count("|") >= MAX_STAGES:
        raise InvalidArgument(public=f"The operation has more than {MAX_STAGES} stages.")
    texts = text.split("|")
    stages = [stage for stage in (_stage(stage_text, clamp_px) for stage_text in texts) if stage != Stage()]
    report: Report | None = None
    *before, last = map(_report_name, texts)
    if last is not None:
        report = parse_report(last, _pairs(texts[-1].split("/")[last.count("/") + 1 :]))
    for name in before:
        if name is not None:
            raise InvalidArgument.of("operation", name, "a report as the last stage only")
    plan = Plan(stages=tuple(stages), report=report, ignore_error=asks_ignore_error(text))
    output = FORMATS.get(plan.format or "")
    if output is not None and output.vector and plan.paints:
        raise InvalidArgument.of("format", output.spellings[0], "a format of pixels behind operations that paint")
    return plan


_parsed_before = lru_cache(maxsize=512)(_parsed)  # many pictures are asked for in few sizes


def format_plan(plan: Plan) -> str:
    """The one text of *plan*: ``parse_plan`` reads it as an equal plan."""
    texts = [_format_stage(stage) for stage in plan.stages]
    if plan.report is not None:
        texts.append(plan.report.format())
    texts = texts or [HEAD]
    if plan.ignore_error:
        if texts[0].startswith(HEAD):
            texts[0] = f"{HEAD}/ignore-error/1{texts[0].removeprefix(HEAD)}"
        else:
            texts[0] += "/ignore-error/1"
    return "|".join(texts)


def asks_ignore_error(text: str) -> bool:
    """Whether *text* has ``ignore-error/1`` anywhere, even if it cannot be parsed: the original then answers errors."""
    names = text.replace("|", "/").split("/")
    return ("ignore-error", "1") in pairwise(names)


def _stage(stage_text: str, clamp_px: int | None) -> Stage:
    """One stage; an empty one for a report, which stands beside the stages."""
    head, *tokens = stage_text.split("/")
    if head == HEAD:
        parameters = _pairs(tokens)
        for name, check in _SHARED.items():
            if name in parameters:
                check(parameters[name])
        operations = _operations(parameters, clamp_px)
        dpr_tenths = parse_dpr(parameters.get("dpr", "1"))
        if not any(isinstance(operation, Dense) for operation in operations):
            dpr_tenths = ONE
        return Stage(operations=operations, output=parse_output(parameters), dpr_tenths=dpr_tenths)
    if head in _VIEWS:
        return _view(tokens, clamp_px)
    if head == "watermark" and tokens and f"watermark/{tokens[0]}" in CATALOGUE:
        operation = _read(f"watermark/{tokens[0]}", "", _pairs(tokens[1:]), clamp_px)
        return Stage(operations=(operation,) if operation else ())
    if head == _SLIM:
        return Stage(output=Output(slim=True))
    if _report_name(stage_text) is not None:
        return Stage()
    if head == "style":  # a bucket's own were put in place of their names before (``core.styles``)
        raise InvalidArgument.of(head, "/".join(tokens), "an operation itself, not the name of one")
    if head == "watermark" and (not tokens or tokens[0] not in _BLIND):
        raise InvalidArgument.of(head, "/".join(tokens[:1]), "1 to 4 after it")
    name = head.partition("=")[0]
    if name in OPERATION_HEADS or name == "ci-process":
        raise OperationNotImplemented(public=f"{name} is not implemented.")
    raise InvalidArgument.of("operation", head, f"{HEAD}/…")


def _report_name(stage_text: str) -> str | None:
    """The report that a stage asks for: ``imageInfo``, ``watermark/4``; None for one that paints."""
    head, _, rest = stage_text.partition("/")
    names = (head, f"{head}/{rest.partition('/')[0]}")
    return next((name for name in names if name in REPORTS), None)


def _view(tokens: list[str], clamp_px: int | None) -> Stage:
    """imageView2: a mode, which SDKs leave out to convert only, its sides, and the quality family in short names."""
    mode = tokens.pop(0) if tokens and tokens[0] and tokens[0] not in _VIEW_NAMES else ""
    parameters = _pairs(tokens)
    switch("ignore-error", parameters.get("ignore-error", "0"))
    if not mode and not parameters.keys().isdisjoint(("w", "h")):
        raise InvalidArgument.of("imageView2", "", "a mode from 0 to 5 before w and h")
    operation = _read("imageView2", mode, parameters, clamp_px) if mode else None
    heeded = {name: value for name, value in parameters.items() if name in _VIEW_OUTPUT}
    return Stage(operations=(operation,) if operation else (), output=parse_output(heeded, short=True))


def _pairs(tokens: list[str]) -> Mapping[str, str]:
    """Names and values in textual order; a name without a value has an empty one."""
    found: dict[str, str] = {}
    position = 0
    while position < len(tokens):
        name = tokens[position]
        length = 1 + _LONG_VALUES.get(name, 1)
        value = "/".join(tokens[position + 1 : position + length])
        # A flag takes a digit as its value and nothing else; a trailing or doubled slash is no name.
        alone = not name or (name in _FLAGS and not (value.isascii() and value.isdigit()))
        position += 1 if alone else length
        if name:
            found.pop(name, None)
            found[name] = "" if alone else value
    return found


def _operations(parameters: Mapping[str, str], clamp_px: int | None) -> tuple[Operation, ...]:
    read = (_read(name, value, parameters, clamp_px) for name, value in parameters.items() if name in PARAMETERS)
    return tuple(sorted((operation for operation in read if operation is not None), key=lambda each: each.rank))


def _read(name: str, value: str, parameters: Mapping[str, str], clamp_px: int | None) -> Operation | None:
    kind = CATALOGUE[name]
    modifiers = {modifier: parameters[modifier] for modifier in kind.modifiers if modifier in parameters}
    operation = kind.parse(value, modifiers)
    if operation is not None and clamp_px is not None and isinstance(operation, _Sized):
        return operation.clamped(clamp_px)
    return operation


def _format_stage(stage: Stage) -> str:
    if stage.operations and stage.operations[0].head != HEAD:
        (only,) = stage.operations
        return only.format() + format_output(stage.output, short=True)
    if stage.output.slim:
        return _SLIM
    texts = "".join(f"/{operation.format()}" for operation in stage.operations)
    return HEAD + texts + format_dpr(stage.dpr_tenths) + format_output(stage.output)
