"""What a picture says about itself, as text: one module per report, found by its name in the grammar.

A report after other stages is on the file that those stages make, so that its size, its sum and its metadata are those
that a client would get.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from proxy.codec.capabilities import capabilities
from proxy.codec.probe import probe
from proxy.codec.reports.aigc_metadata import image_aigc_metadata
from proxy.codec.reports.average import image_ave
from proxy.codec.reports.blind_mark import blind_mark
from proxy.codec.reports.blur_hash import blurhash
from proxy.codec.reports.exif_tags import exif
from proxy.codec.reports.image_info import image_info
from proxy.codec.reports.inspection import image_inspect
from proxy.codec.reports.qr_codes import qrcode
from proxy.codec.reports.subject import Subject
from proxy.codec.reports.thumb_hash import thumbhash
from proxy.core import negotiate
from proxy.core.grammar import format_plan
from proxy.core.model import Traits
from proxy.core.plan import Plan, Report
from proxy.core.reports import arguments
from proxy.core.schedule import schedule
from proxy.errors import InternalError
from proxy.formats import CATALOGUE
from proxy.ports import Job, Rendered

Answer = Callable[[Subject, Mapping[str, int]], Mapping[str, object] | bytes]
"""A report: what JSON is made of, or a document in another form."""
Render = Callable[[bytes | memoryview, Traits, Job], Rendered]

_ANSWERS: Mapping[str, Answer] = MappingProxyType(
    {
        "imageInfo": image_info,
        "exif": exif,
        "imageAve": image_ave,
        "imageInspect": image_inspect,
        "imageAIGCMetadata": image_aigc_metadata,
        "QRcode": qrcode,
        "watermark/4": blind_mark,
        "blurhash": blurhash,
        "thumbhash": thumbhash,
    }
)


def answer(body: bytes | memoryview, traits: Traits, job: Job, plan: Plan, render: Render) -> Rendered:
    """The answer of *plan*, which ends in a report; *render* makes the file of the stages before it.

    Raises:
        InvalidArgument, InvalidImageFormat, ImageResolutionExceed: as *render*; or the picture cannot be decoded.
        OperationNotImplemented: the report needs a library that is not installed.
    """
    started_s = time.perf_counter()
    if plan.report is None:
        raise InternalError("a plan without a report")
    timings_s: dict[str, float] = {}
    if plan.stages:
        painted = render(body, traits, _before(plan, traits, job))
        timings_s.update(painted.timings_s)
        body = painted.body
        # What we made may be larger than what we read.
        traits = probe(body, replace(job.limits, max_source_bytes=len(body)))
        started_s = time.perf_counter()
    # What the stages paint with comes before what the report compares with.
    text = _text(Subject(body, traits, job.inputs[len(replace(plan, report=None).needs) :]), plan.report)
    timings_s["report"] = time.perf_counter() - started_s
    return Rendered(body=text, format=job.format, frame=traits.frame, timings_s=timings_s)


def _text(subject: Subject, report: Report) -> bytes:
    said = _ANSWERS[report.name](subject, arguments(report))
    if isinstance(said, bytes):
        return said
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _before(plan: Plan, traits: Traits, job: Job) -> Job:
    """The job of the stages before the report, in the format that they name, or the picture's own where we write it."""
    encodable = frozenset(capabilities().encode)
    wanted = plan.format if plan.format != "auto" else None
    offer = negotiate.offer(wanted, None, mode="exact", order=(), encodable=encodable)
    stages = replace(plan, report=None)
    painted = schedule(
        stages, traits.frame, output=negotiate.ANYTHING, auto=False, orient=job.orient, limits=job.limits,
        source_format=traits.format,
    ).frame  # fmt: skip
    chosen = negotiate.resolve(offer, frame=painted, source_format=traits.format, encodable=encodable)
    return replace(job, plan_text=format_plan(stages), format=CATALOGUE[chosen].name)


__all__ = ["answer"]
