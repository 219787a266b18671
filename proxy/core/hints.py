"""Client hints, in buckets with ``client_hints``: what a device says of itself, and what of a plan follows it.

Only what asks for it: ``dpr/auto`` is ``Sec-CH-DPR``, ``thumbnail/auto`` is ``Sec-CH-Width``, and ``format/auto`` heeds
``Save-Data``.  Values are rounded up to a few steps, so that a URL has few variants; a device that says nothing gets
what the URL means without them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple, TypeVar

from proxy.core.grammar import HEAD, MAX_STAGES
from proxy.core.plan import Output, Plan, QualityStep, Stage

DPR, WIDTH, SAVE_DATA = "Sec-CH-DPR", "Sec-CH-Width", "Save-Data"

THRIFTY_QUALITY = 60
"""What ``Save-Data: on`` bounds the quality to, unless the URL insists on one with ``!``."""

THRIFTY_TARGET = 67
"""The same for ``quality/auto``: what that quality scores."""

_DPRS = (1.0, 1.5, 2.0, 3.0, 4.0)
_WIDTHS_PX = (160, 320, 480, 640, 800, 960, 1280, 1600, 1920, 2560, 3840)
_HIGHEST_PX = 9_999
"""No bound that a picture of that width would meet, but for the longest strips."""
_DECIMAL = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,3})?")
_INTEGER = re.compile(r"[0-9]{1,6}")
Number = TypeVar("Number", int, float)


class Hints(NamedTuple):
    """What one request says, in steps; None: nothing."""

    dpr: float | None = None
    width_px: int | None = None
    """Of the picture's place on the page, in pixels of the device."""
    save_data: bool = False


NO_HINTS = Hints()


def read_hints(fields: Mapping[str, str]) -> Hints:
    """The hints among the header *fields* (names in lower case); what is malformed says nothing."""
    dpr, width = fields.get("sec-ch-dpr", "").strip(), fields.get("sec-ch-width", "").strip()
    return Hints(
        dpr=_step(_DPRS, float(dpr)) if _DECIMAL.fullmatch(dpr) and float(dpr) > 0 else None,
        width_px=_step(_WIDTHS_PX, int(width)) if _INTEGER.fullmatch(width) and int(width) > 0 else None,
        save_data=fields.get("save-data", "").strip().lower() == "on",
    )


def fill(operation: str, hints: Hints) -> tuple[str, tuple[str, ...]]:
    """*operation* with numbers in place of its ``auto``, and the fields that it asks for, said or not."""
    if "/auto" not in operation:
        return operation, ()
    used: dict[str, None] = {}
    stages = [_filled(stage, hints, used) for stage in operation.split("|")]
    return "|".join(stages), tuple(used)


def thrifty(plan: Plan) -> Plan:
    """*plan* for somebody who saves data."""
    if any(step.kind == "exactly" for stage in plan.stages for step in stage.output.quality):
        return plan
    if plan.target is not None:
        return plan.aimed_at(min(plan.target, THRIFTY_TARGET))
    bound = QualityStep("at-most", THRIFTY_QUALITY)
    for at in reversed(range(len(plan.stages))):
        stage = plan.stages[at]
        if all(operation.head in (HEAD, "imageView2") for operation in stage.operations) and not stage.output.slim:
            # A stage says each parameter once: of two bounds the lower one.
            steps = stage.output.quality
            lowest = min([bound, *(step for step in steps if step.kind == bound.kind)], key=lambda step: step.value)
            output = replace(stage.output, quality=(*(step for step in steps if step.kind != bound.kind), lowest))
            return replace(plan, stages=(*plan.stages[:at], replace(stage, output=output), *plan.stages[at + 1 :]))
    if len(plan.stages) == MAX_STAGES:
        return plan
    return replace(plan, stages=(Stage(output=Output(quality=(bound,))), *plan.stages))


def _filled(stage: str, hints: Hints, used: dict[str, None]) -> str:
    head, *tokens = stage.split("/")
    if head != HEAD:
        return stage
    follows_width = ("thumbnail", "auto") in pairwise(tokens) and hints.width_px is not None
    filled = [head]
    position = 0
    while position < len(tokens):
        match tokens[position : position + 2]:
            case ["thumbnail", "auto"]:
                used[WIDTH] = None
                filled += [] if hints.width_px is None else ["thumbnail", f"{hints.width_px}x{_HIGHEST_PX}>"]
                position += 2
            case ["dpr", "auto"]:
                used[DPR] = None
                # Sec-CH-Width counts pixels of the device already.
                filled += [] if hints.dpr is None or follows_width else ["dpr", f"{hints.dpr:g}"]
                position += 2
            case _:
                filled.append(tokens[position])
                position += 1
    return "/".join(filled)


def _step(steps: tuple[Number, ...], value: Number) -> Number:
    return steps[min(bisect_left(steps, value), len(steps) - 1)]
