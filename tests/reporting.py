"""Asks a picture for a report the way a codec process does, without the process."""

from __future__ import annotations

import json
from typing import Any

from proxy.codec import vips
from proxy.core.grammar import format_plan, parse_plan
from proxy.core.model import ImageLimits
from proxy.core.reports import REPORTS
from proxy.ports import Job

SHORTEST = {name: name for name in REPORTS} | {"watermark/4": "watermark/4/type/3"}
"""How each report is asked for with no more than it needs."""


def answer(body: bytes, operation: str, limits: ImageLimits = ImageLimits()) -> bytes:
    """What *operation*, which ends in a report, answers about *body*."""
    plan = parse_plan(operation)
    assert plan.report is not None
    job = Job(plan_text=format_plan(plan), format=REPORTS[plan.report.name].answers, limits=limits)
    rendered = vips.render(body, vips.probe(body, limits), job)
    assert (rendered.format, rendered.original) == (job.format, False)
    return rendered.body


def said(body: bytes, operation: str) -> dict[str, Any]:
    """The answer, read as JSON."""
    return json.loads(answer(body, operation))
