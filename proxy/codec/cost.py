"""What a job is predicted to cost in CPU seconds of one core, from sizes alone; admission is measured in it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proxy.core.grammar import parse_plan
from proxy.core.model import Traits
from proxy.core.schedule import schedule
from proxy.formats import CATALOGUE
from proxy.ports import Job

PROBE_S: Final = 0.01
"""Headers alone cost 1 to 13 ms, whatever they claim (spec codecs.md §4)."""
_OVERHEAD_S = 0.005
_PAINT_S_PER_MEGAPIXEL = 0.01
_DECODE_S_PER_MEGAPIXEL: Final[Mapping[str, float]] = MappingProxyType(
    {"jpeg": 0.009, "png": 0.027, "webp": 0.042, "avif": 0.088, "heif": 0.044}
)
"""Spec codecs.md §3."""
_DECODE_OTHERS_S_PER_MEGAPIXEL = 0.03


def render_s(traits: Traits, job: Job) -> float:
    """Decoding what the source has, painting what each step makes, encoding what comes out.

    Raises:
        InvalidArgument, ImageResolutionExceed: the job cannot be done; the codec would find the same.
    """
    output = CATALOGUE[job.format]
    plan = parse_plan(job.plan_text)
    planned = schedule(plan, traits.frame, output=output, auto=job.auto, orient=job.orient, limits=job.limits)
    decoded = traits.frame.pixels / traits.frame.frames * planned.frames
    painted = sum(step.frame.pixels for step in planned.steps[1:]) + (planned.frame.pixels if planned.steps else 0)
    return _OVERHEAD_S + 1e-6 * (
        decoded * _DECODE_S_PER_MEGAPIXEL.get(traits.format, _DECODE_OTHERS_S_PER_MEGAPIXEL)
        + painted * _PAINT_S_PER_MEGAPIXEL
        + planned.frame.pixels * output.seconds_per_megapixel
    )
