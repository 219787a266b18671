"""What a job is predicted to cost in CPU seconds of one core, from sizes alone; admission is measured in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from proxy.codec.slimming import leaves_alone
from proxy.core.grammar import format_plan, parse_plan
from proxy.core.model import Frame, Traits
from proxy.core.plan import Plan
from proxy.core.reports import REPORTS
from proxy.core.schedule import schedule
from proxy.formats import CATALOGUE
from proxy.ops.blur import Blur
from proxy.ops.scrop import FaceCrop
from proxy.ports import Job

PROBE_S: Final = 0.01
"""Headers alone cost 1 to 13 ms, whatever they claim (spec codecs.md §4)."""
_OVERHEAD_S = 0.005
_PAINT_S_PER_MEGAPIXEL = 0.01
_DECODE_S_PER_MEGAPIXEL: Final[Mapping[str, float]] = MappingProxyType(
    {"jpeg": 0.009, "png": 0.027, "webp": 0.042, "avif": 0.088, "heif": 0.044, "jxl": 0.09, "svg": 0.05}
)
"""Spec codecs.md §3."""
_DECODE_OTHERS_S_PER_MEGAPIXEL = 0.03
_CLEAN_S_PER_MEGABYTE = 1.0
_READ_S_PER_MEGABYTE = 0.5
"""Of SVG, measured over maps, charts and logos; what filters cost cannot be told from outside."""
_SLIM_S_PER_MEGAPIXEL: Final[Mapping[str, float]] = MappingProxyType({"jpeg": 0.2, "png": 1.2, "gif": 0.5})
"""Measured over the photographs of this repository and of the corpus."""
_FACES_S = 0.15
"""Looking for faces takes as long in every picture: it is made small first."""
_LIMITED_ENCODINGS = 5
"""``size-limit`` bisects: between one and eight."""


_LABOUR_S_PER_MEGAPIXEL: Final[Mapping[str, float]] = MappingProxyType(
    {
        "sharpen": 0.1,
        "trim": 0.15,
        "iradius": 0.1,
        "rradius": 0.1,
        "rotate": 0.05,
        "watermark/1": 0.1,
        "watermark/2": 0.2,
        "watermark/3": 0.06,
    }
)
_FIXED_S: Final[Mapping[str, float]] = MappingProxyType({"watermark/1": 0.02, "watermark/2": 0.05, "watermark/3": 0.2})
_FINDING_S = 0.1
"""Looking for a blind watermark, in as small a picture as it is hidden in."""
_PLAIN = frozenset({"auto-orient", "crop", "cut", "flip", "imageView2", "indexcrop", "rcrop", "thumbnail"})


def render_s(traits: Traits, job: Job) -> float:
    """Decoding what the source has, painting what each step makes, encoding what comes out.

    Raises:
        InvalidArgument, ImageResolutionExceed: the job cannot be done; the codec would find the same.
    """
    plan = parse_plan(job.plan_text)
    if plan.report is not None:
        return _report_s(traits, job, plan)
    output = CATALOGUE[job.format]
    if output.vector:
        return _OVERHEAD_S + 1e-6 * traits.size_bytes * _CLEAN_S_PER_MEGABYTE
    if leaves_alone(plan, traits):
        return _OVERHEAD_S
    planned = schedule(
        plan, traits.frame, output=output, auto=job.auto, orient=job.orient, limits=job.limits,
        source_format=traits.format,
    )  # fmt: skip
    encoding_s = output.encoding_s(planned.frame)
    if plan.slim and output.name in _SLIM_S_PER_MEGAPIXEL:
        encoding_s = 1e-6 * planned.frame.pixels * _SLIM_S_PER_MEGAPIXEL[output.name]
    elif plan.size_limit is not None and output.name == "jpeg":
        encoding_s *= _LIMITED_ENCODINGS
    decoded = traits.frame.pixels / traits.frame.frames * planned.frames
    read_s = 0.0
    if traits.format == "svg":
        read_s = 1e-6 * traits.size_bytes * _READ_S_PER_MEGABYTE
        wide_px, high_px = planned.enough_px or (traits.frame.width_px, traits.frame.height_px)
        decoded = wide_px * high_px
    painted = sum(step.frame.pixels for step in planned.steps[1:]) + (planned.frame.pixels if planned.steps else 0)
    laboured_s = sum(_labour_s(step.operation, step.frame, traits.format) for step in planned.steps)
    looked_s = _FACES_S * sum(isinstance(step.operation, FaceCrop) for step in planned.steps)
    return (
        _OVERHEAD_S
        + looked_s
        + laboured_s
        + read_s
        + encoding_s
        + 1e-6
        * (
            decoded * _DECODE_S_PER_MEGAPIXEL.get(traits.format, _DECODE_OTHERS_S_PER_MEGAPIXEL)
            + painted * _PAINT_S_PER_MEGAPIXEL
            # A byte of a mark's PNG is about a pixel.
            + sum(map(len, job.inputs)) * _DECODE_OTHERS_S_PER_MEGAPIXEL
        )
    )


def is_plain(job: Job) -> bool:
    """Whether *job* is no more than scaling, cutting and turning: if that overruns, the picture is to blame for it."""
    stages = parse_plan(job.plan_text).stages
    return len(stages) <= 2 and all(operation.name in _PLAIN for stage in stages for operation in stage.operations)


def _labour_s(operation: object, frame: Frame, source_format: str) -> float:
    """What *operation* costs beyond moving pixels, measured on the quiet machine per megapixel of *frame*."""
    name = getattr(operation, "name", "")
    megapixels = 1e-6 * frame.pixels
    if isinstance(operation, Blur):
        # Traits tell no depth: what may have 16 bits is taken to.
        deep = source_format in ("png", "tiff", "heif", "avif")
        return megapixels * (0.012 * (2 * operation.radius_px + 1) if deep else 0.03)
    return _FIXED_S.get(name, 0.0) + megapixels * _LABOUR_S_PER_MEGAPIXEL.get(name, 0.0)


def _report_s(traits: Traits, job: Job, plan: Plan) -> float:
    """The stages before the report, if there are any, and looking at what they make, which is taken for the source."""
    spent_s = _OVERHEAD_S
    if plan.stages:
        row = CATALOGUE.get(plan.format or traits.format) or CATALOGUE.get(traits.format)
        between = row.name if row is not None and row.spellings and not row.vector else "png"
        stages = replace(plan, report=None)
        spent_s += render_s(traits, replace(job, plan_text=format_plan(stages), format=between))
    if plan.report is not None and plan.report.name == "watermark/4":
        spent_s += _FINDING_S + 1e-6 * sum(map(len, job.inputs)) * _DECODE_OTHERS_S_PER_MEGAPIXEL
    if plan.report is not None and REPORTS[plan.report.name].reads_pixels:
        spent_s += 1e-6 * traits.frame.pixels / traits.frame.frames * _DECODE_OTHERS_S_PER_MEGAPIXEL
    return spent_s
