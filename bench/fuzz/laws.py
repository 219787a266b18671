"""What holds for every query string, from its bytes to the sizes of what would be painted; ``check`` says so of one case.

*   Only errors of ``proxy.errors`` escape, none of them a bug of ours, and what they tell a client is printable.
*   A plan has one text: ``parse_plan`` reads what ``format_plan`` wrote as the plan it was, and that is written the same.
*   No call takes more than ``LIMIT_S`` of CPU, however its input of at most 64 KB is made.
*   ``schedule`` measures every plan on every source that may be decoded, step by step as it says.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar
from urllib.parse import unquote

from proxy.core.grammar import format_plan, parse_plan
from proxy.core.hints import Hints, fill, thrifty
from proxy.core.limits import check_source_frame
from proxy.core.model import Format, Frame, ImageLimits
from proxy.core.negotiate import ANYTHING
from proxy.core.plan import Plan
from proxy.core.processes import process_operation
from proxy.core.query import Query, asks_operation, split_query
from proxy.core.schedule import schedule
from proxy.core.styles import Styles
from proxy.errors import Fault, MogrError
from proxy.formats import CATALOGUE
from proxy.settings import Limits

LIMIT_S = 0.050
MOST_BYTES = 65_536
PREFIX = struct.Struct("<HHBHBBBB")
"""What of a case's bytes stands before the query, and chooses everything else."""

STYLES = Styles(
    texts={"small": "imageMogr2/thumbnail/320x320>", "pipe": "imageMogr2/crop/9x9|imageView2/1/w/5/h/5", "big!": "imageSlim"},
    separators="-_/!",
)  # fmt: skip
_HINTS = Hints(dpr=1.5, width_px=640, save_data=True)
_PROFILES = tuple(Limits(profile=profile).image_limits() for profile in ("classic", "ci-2026"))
_SIDES_PX = 50_000
_OUTPUTS = (*CATALOGUE.values(), ANYTHING)
Result = TypeVar("Result")


class Broken(Exception):
    """A law does not hold; where the cause is another exception, that is what escaped."""

    def __init__(self, law: str, where: str, detail: str) -> None:
        super().__init__(f"{where}: {detail}")
        self.law, self.where = law, where

    @property
    def kind(self) -> tuple[str, ...]:
        """Equal for failures that are likely the same bug."""
        trace = self.__cause__.__traceback__ if self.__cause__ else None
        while trace and trace.tb_next:
            trace = trace.tb_next
        at = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
        return self.law, self.where, type(self.__cause__).__name__, at


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A query, and the source and bucket that it meets."""

    raw_query: bytes
    frame: Frame
    output: Format
    source_format: str
    auto: bool
    orient: bool
    limits: ImageLimits

    @classmethod
    def of(cls, data: bytes) -> Case:
        """Every string of bytes is a case; sides of all magnitudes are as likely."""
        head = data[: PREFIX.size].ljust(PREFIX.size, b"\0")
        width, height, shifts, frames, flags, orientation, output, source = PREFIX.unpack(head)
        return cls(
            raw_query=data[PREFIX.size :],
            frame=Frame(
                width_px=1 + (width >> (shifts & 15)) % _SIDES_PX,
                height_px=1 + (height >> (shifts >> 4)) % _SIDES_PX,
                frames=1 + frames % 300 if flags & 1 else 1,
                alpha=bool(flags & 2),
                orientation=1 + orientation % 8,
            ),
            output=_OUTPUTS[output % len(_OUTPUTS)],
            source_format=tuple(CATALOGUE)[source % len(CATALOGUE)],
            auto=bool(flags & 4),
            orient=bool(flags & 8),
            limits=_PROFILES[flags >> 4 & 1],
        )


def check(case: Case) -> int:
    """How many different plans *case* gave.

    Raises:
        Broken: one of the laws does not hold for it.
    """
    texts = [text for text in _texts(case.raw_query) if text is not None]
    plans = {}
    for text in dict.fromkeys(texts):
        for clamp_px in {None, case.limits.clamp_parameters_px}:
            plan = _called("parse_plan", partial(parse_plan, text, clamp_px=clamp_px))
            if isinstance(plan, Plan):
                plans[_check_text(plan)] = plan
    for plan in plans.values():
        _check_text(replace(plan, ignore_error=False))  # what a cache key holds, and a codec process reads
        thrifty_plan = _called("thrifty", partial(thrifty, plan))
        if isinstance(thrifty_plan, Plan):
            _check_text(thrifty_plan)
        _check_schedule(plan, case)
    return len(plans)


def _texts(raw_query: bytes) -> list[str | None]:
    """The operations that *raw_query* may mean: to the edge, and as an operator's style, which no query limits."""
    asks = _called("asks_operation", lambda: asks_operation(raw_query))
    query = _called("split_query", lambda: split_query(raw_query))
    key = unquote(raw_query.decode("latin-1"))
    _called("styles.asked_by", lambda: STYLES.asked_by(key, raw_query))
    style = key if len(raw_query) <= MOST_BYTES else None
    if not isinstance(query, Query):
        return [style]
    if (query.operation is not None or query.process is not None) and not asks:
        raise Broken("agreement", "asks_operation", "says no where split_query finds one")
    operation = query.operation
    if operation is None and query.process is not None:
        name, arguments = query.process, query.arguments
        found = _called("process_operation", lambda: process_operation(name, arguments))
        operation = found if isinstance(found, str) else None
    if operation is None:
        return [style]
    expanded = _called("styles.expand", lambda: STYLES.expand(operation))
    if not isinstance(expanded, str):
        return [style, operation]
    filled = _called("fill", lambda: fill(expanded, _HINTS))
    return [style, operation, expanded, filled[0] if isinstance(filled, tuple) else None]


def _check_text(plan: Plan) -> str:
    text = _called("format_plan", lambda: format_plan(plan))
    if not isinstance(text, str):
        raise Broken("one text", "format_plan", f"refuses {plan}") from text
    again = _called("parse_plan", lambda: parse_plan(text))
    if not isinstance(again, Plan):
        raise Broken("one text", "parse_plan", f"refuses canonical {text!r}: {again}") from again
    if again != plan or hash(again) != hash(plan):
        raise Broken("one text", "parse_plan", f"reads canonical {text!r} as {again}, not {plan}")
    if format_plan(again) != text:
        raise Broken("one text", "format_plan", f"writes {text!r} as {format_plan(again)!r}")
    return text


def _check_schedule(plan: Plan, case: Case) -> None:
    limits = case.limits
    try:
        check_source_frame(case.frame, limits)
    except MogrError:
        return  # nobody asks for the schedule of a source that is refused
    found = _called(
        "schedule",
        lambda: schedule(
            plan, case.frame, output=case.output, auto=case.auto, orient=case.orient, limits=limits,
            source_format=case.source_format,
        ),
    )  # fmt: skip
    if isinstance(found, MogrError):
        return
    _called("schedule.enough_px", lambda: found.enough_px)
    _called("schedule.frames", lambda: found.frames)
    before = found.source
    for step in found.steps:
        if step.frame != before:
            raise Broken("folding", "schedule", f"{step} is met by {before}")
        before = step.operation.measure(before)
    if before != found.frame or not 1 <= found.frames <= case.frame.frames:
        raise Broken("folding", "schedule", f"{found} ends in {before}")


def _called(where: str, call: Callable[[], Result]) -> Result | MogrError:
    """What *call* returns, or the refusal that it raises."""
    result, took_s = _once(where, call)
    if took_s > LIMIT_S:
        # The CPU of this thread alone; still, caches and the collector of garbage make single calls slow.
        took_s = min(_once(where, call)[1] for _ in range(3))
        if took_s > LIMIT_S:
            raise Broken("time", where, f"{took_s * 1000:.0f} ms")
    return result


def _once(where: str, call: Callable[[], Result]) -> tuple[Result | MogrError, float]:
    result: Result | MogrError
    started_s = time.thread_time()
    try:
        result = call()
    except MogrError as error:
        took_s = time.thread_time() - started_s
        if error.fault is Fault.US:
            raise Broken("errors", where, repr(error)) from error
        if not error.public.isprintable():
            raise Broken("errors", where, f"tells {error.public!r}") from error
        result = error
    except Exception as error:
        raise Broken("errors", where, repr(error)) from error
    else:
        took_s = time.thread_time() - started_s
    return result, took_s
