"""What a job is predicted to cost in CPU seconds of one core, from sizes alone; admission is measured in it.

``work`` says how much of what has to be done, ``cost_table`` what each of it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from proxy import formats
from proxy.codec.cost_table import SECONDS
from proxy.codec.slimming import leaves_alone
from proxy.core import scores
from proxy.core.grammar import REMEMBERED_CHARACTERS, format_plan, parse_plan
from proxy.core.model import Format, Frame, Traits
from proxy.core.plan import Plan
from proxy.core.reports import REPORTS
from proxy.core.schedule import Schedule, schedule
from proxy.formats import CATALOGUE, Encoding
from proxy.ops.blur import Blur
from proxy.ops.scrop import FaceCrop
from proxy.ports import Job

PROBE_S: Final = 0.01
"""Headers alone cost 1 to 13 ms, whatever they claim (spec codecs.md §4)."""
_LIMITED_ENCODINGS = 5
"""``size-limit`` bisects: between one and eight."""
_BEST_PNGS = 2.5
"""``best`` tries two encodings of a PNG, and where it may be worth it a palette."""
_PLAIN = frozenset({"auto-orient", "crop", "cut", "flip", "imageView2", "indexcrop", "rcrop", "thumbnail"})

Work = Mapping[str, float]
"""Amounts by kind, a key of ``cost_table.SECONDS``: megapixels, megabytes of SVG, or times."""


def render_s(traits: Traits, job: Job) -> float:
    """Decoding what the source has, painting what each step makes, encoding what comes out.

    Raises:
        InvalidArgument, ImageResolutionExceed: the job cannot be done; the codec would find the same.
    """
    small = not job.inputs and len(job.plan_text) <= REMEMBERED_CHARACTERS
    return (_predicted_before_s if small else _predicted_s)(traits, job)


def _predicted_s(traits: Traits, job: Job) -> float:
    return sum(amount * _seconds(kind) for kind, amount in work(traits, job).items())


_predicted_before_s = lru_cache(maxsize=256)(_predicted_s)
"""A job is predicted twice: to know whether its client had better be shown something else meanwhile, and to be admitted."""


def work(traits: Traits, job: Job) -> Work:
    """What *job* consists of, for a source with *traits*; errors as ``render_s``."""
    plan = parse_plan(job.plan_text)
    if plan.report is not None:
        return _report(traits, job, plan)
    output = CATALOGUE[job.format]
    if output.vector:
        return {"job": 1.0, f"clean {output.name}": 1e-6 * traits.size_bytes}
    if leaves_alone(plan, traits):
        return {"job": 1.0}
    planned = schedule(
        plan, traits.frame, output=output, auto=job.auto, orient=job.orient, limits=job.limits,
        source_format=traits.format,
    )  # fmt: skip
    painted = sum(_megapixels(step.frame) for step in planned.steps[1:])
    painted += _megapixels(planned.frame) if planned.steps else 0.0
    return _sum(
        {"job": 1.0, "paint": painted},
        _decoding(traits, planned),
        *(_operation(step.operation, step.frame, deep=traits.bits > 8) for step in planned.steps),
        {"decode png": 1e-6 * sum(map(len, job.inputs))},  # a byte of a mark's PNG is about a pixel
        _encoding(plan, output, planned.frame, job) if job.tune != "measure" else {},
        _scoring(plan, output, planned.frame, job),
    )


def is_plain(job: Job) -> bool:
    """Whether *job* is no more than scaling, cutting and turning: if that overruns, the picture is to blame for it."""
    stages = parse_plan(job.plan_text).stages
    return len(stages) <= 2 and all(operation.name in _PLAIN for stage in stages for operation in stage.operations)


def _seconds(kind: str) -> float:
    """What one of *kind* takes."""
    return SECONDS.get(kind, SECONDS["decode other"] if kind.startswith("decode ") else 0.0)


def _sum(*parts: Work) -> Work:
    amounts: dict[str, float] = {}
    for part in parts:
        for kind, amount in part.items():
            amounts[kind] = amounts.get(kind, 0.0) + amount
    return amounts


def _megapixels(frame: Frame) -> float:
    return 1e-6 * frame.pixels


def _decoding(traits: Traits, planned: Schedule) -> Work:
    """Pixels of the frames that are needed; how many bytes they took turned out to tell nothing more."""
    if traits.format == "svg":
        wide_px, high_px = planned.enough_px or (traits.frame.width_px, traits.frame.height_px)
        return {"decode svg": 1e-6 * wide_px * high_px, "read svg": 1e-6 * traits.size_bytes}
    share = planned.frames / traits.frame.frames
    depth = " 16" if traits.bits > 8 else ""
    return {f"decode {traits.format}{depth}": _megapixels(traits.frame) * share}


def _operation(operation: object, frame: Frame, *, deep: bool) -> Work:
    """What *operation* costs beyond moving the pixels of *frame*."""
    if isinstance(operation, Blur):
        kernel = {"blur 16 radius": 2.0 * operation.radius_px + 1} if deep else {"blur": 1.0}
        return {kind: weight * _megapixels(frame) for kind, weight in kernel.items()}
    if isinstance(operation, FaceCrop):
        return {"faces": 1.0}
    name = getattr(operation, "name", "")
    amounts = {f"paint {name}": _megapixels(frame), f"paint {name} once": 1.0}
    return {kind: amount for kind, amount in amounts.items() if kind in SECONDS}


def _encoding(plan: Plan, output: Format, frame: Frame, job: Job) -> Work:
    encoding = Encoding(
        width_px=frame.width_px, height_px=frame.height_px, frames=frame.frames, preset=job.preset,
        alpha=frame.alpha and output.alpha,
    )  # fmt: skip
    megapixels, kind = _megapixels(frame), f"encode {output.name} {formats.setting(output.name, encoding)}"
    if plan.slim and f"slim {output.name}" in SECONDS:
        kind = f"slim {output.name}"
    elif kind not in SECONDS:  # as its row says
        return {"seconds": output.encoding_s(frame)}
    elif plan.size_limit is not None and output.name == "jpeg":
        megapixels *= _LIMITED_ENCODINGS
    elif kind == "encode png best":
        megapixels *= _BEST_PNGS
    elif encoding.alpha and output.name in ("avif", "heif", "tpg", "webp"):
        megapixels *= 1.5  # alpha is another picture, of one channel
    return {kind: megapixels}


def _scoring(plan: Plan, output: Format, frame: Frame, job: Job) -> Work:
    """Encoding pixels of the picture, decoding them and looking at both, once or until the quality is found."""
    if job.tune == "given" or plan.target is None or not scores.measurable(output, frame):
        return {}
    whole = _sum(
        _encoding(plan, output, frame, job),
        {f"decode {output.name}": _megapixels(frame), "score": _megapixels(frame)},
    )
    tries = min(1.0, scores.MOST_PX / frame.pixels) * (scores.TRIES if job.tune == "search" else 1.0)
    return {kind: tries * amount for kind, amount in whole.items()}


def _report(traits: Traits, job: Job, plan: Plan) -> Work:
    """The stages before the report, if there are any, and looking at what they make, which is taken for the source."""
    amounts: Work = {"job": 1.0}
    if plan.stages:
        row = CATALOGUE.get(plan.format or traits.format) or CATALOGUE.get(traits.format)
        between = row.name if row is not None and row.spellings and not row.vector else "png"
        stages = replace(plan, report=None)
        amounts = _sum(amounts, work(traits, replace(job, plan_text=format_plan(stages), format=between)))
    if plan.report is not None and plan.report.name == "watermark/4":
        amounts = _sum(amounts, {"find": 1.0, "decode png": 1e-6 * sum(map(len, job.inputs))})
    if plan.report is not None and REPORTS[plan.report.name].reads_pixels:
        amounts = _sum(amounts, {"decode other": _megapixels(traits.frame) / traits.frame.frames})
    return amounts
