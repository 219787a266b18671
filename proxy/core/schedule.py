"""The order of painting: all stages of a plan fused into one list, measured before a pixel is decoded.

Stages of a pipe are not encoded in between (spec/01 §1.2); what their formats could not have carried is lost all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

from proxy.core.limits import check_output, check_painted
from proxy.core.model import Format, Frame, ImageLimits
from proxy.core.plan import Plan, Tools
from proxy.errors import InternalError
from proxy.formats import CATALOGUE
from proxy.ops.auto_orient import AutoOrient
from proxy.ops.density import ONE, Dense
from proxy.ops.frames import Fewer
from proxy.ops.through import Through


class Painter(Protocol):
    """The two faces of an operation that matter once it was read; they agree (``core.model.Operation``)."""

    def measure(self, frame: Frame) -> Frame: ...
    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any: ...


@runtime_checkable
class Scaler(Protocol):
    """A painter that first resamples to a size of its own, so that it can start from fewer pixels than the source has."""

    def scaled(self, frame: Frame) -> tuple[int, int]: ...


Asked = tuple[Painter, int]
"""A painter as the plan has it, and the dpr, in tenths, of its stage."""


class Step(NamedTuple):
    """One thing to paint, and the frame before it."""

    operation: Painter
    frame: Frame


@dataclass(frozen=True, slots=True)
class Schedule:
    """What to paint, in order.  Folding ``measure`` over the steps gives ``frame``, and painting them gives its size."""

    source: Frame
    steps: tuple[Step, ...]
    frame: Frame
    """What is encoded; not exact where the content decides."""
    asked: tuple[Asked, ...]
    """What ``steps`` were measured from, one for one."""

    @property
    def frames(self) -> int:
        """How many frames of the source have to be decoded, from the first."""
        first = self.steps[0].operation if self.steps else None
        if isinstance(first, Fewer):
            return first.kept(self.source.frames)[-1] + 1
        return 1 if self.frame.frames == 1 else self.source.frames

    @property
    def enough_px(self) -> tuple[int, int] | None:
        """Width and height, as stored in the source, below which decoding must not shrink; None: every pixel counts.

        Turning upright and dropping frames cost nothing of it, so that a phone's photograph shrinks on load as well.
        """
        for operation, frame in self.steps:
            if isinstance(operation, Scaler):
                width_px, height_px = operation.scaled(frame)
                turned = self.source.orientation >= 5 and frame.orientation == 1
                return (height_px, width_px) if turned else (width_px, height_px)
            if not isinstance(operation, AutoOrient | Through):
                return None
        return None


def schedule(
    plan: Plan, frame: Frame, *, output: Format, auto: bool, orient: bool, limits: ImageLimits, source_format: str = ""
) -> Schedule:
    """Measure *plan* on a source of *frame* and *source_format*, to be encoded as *output*.

    With *auto* (``format/auto``) or *orient* (the bucket's ``auto_orient``) the picture is first turned upright; there is
    nothing left to turn for the stages after it.  A format without animation, in between or in the end, drops the other
    frames at the start: they would be painted for nothing, and a pipe means what the same parameters in one stage mean.

    Raises:
        InvalidArgument: an operation cannot be applied to the picture it would meet.
        ImageResolutionExceed: an intermediate or the final size is over *limits*, or over what *output* can hold.
    """
    between = _between(plan)
    asked: list[Asked] = []
    if not all(format_.animation for format_ in (*between.values(), output)):
        asked.append((Through(animation=False), ONE))
    if source_format == "gif":
        asked.extend((Fewer(stage.output.cgif), ONE) for stage in plan.stages if stage.output.cgif)
    if auto or orient:
        asked.append((AutoOrient(), ONE))
    for position, stage in enumerate(plan.stages):
        asked.extend((operation, stage.dpr_tenths) for operation in stage.operations)
        if position in between:
            asked.append((Through.of(between[position]), ONE))
    asked.append((Through.of(output), ONE))
    if output.bakes_orientation:
        asked.append((AutoOrient(), ONE))
    return _measured(asked, frame, output, limits)


def resume(
    planned: Schedule, done: int, painted_px: tuple[int, int], *, output: Format, limits: ImageLimits
) -> Schedule:
    """What is left of *planned* after *done* steps, measured again, since the last of them depended on the content.

    *painted_px* are width and height of what it left, all pages.  The frames of *planned* were bounds only, and not even
    that behind an operation that keeps proportions: a narrow strip is scaled to a taller picture.

    Raises:
        InvalidArgument, ImageResolutionExceed: as ``schedule``.
        InternalError: the step left more than it had measured.
    """
    operation, before = planned.steps[done - 1]
    bound = operation.measure(before)
    width_px, height_px = painted_px[0], painted_px[1] // bound.frames
    if width_px > bound.width_px or height_px > bound.height_px:
        raise InternalError(f"painted {painted_px}, measured {bound}")
    found = replace(bound, width_px=width_px, height_px=height_px, exact=True)
    return _measured(planned.asked[done:], found, output, limits)


def _measured(asked: Iterable[Asked], frame: Frame, output: Format, limits: ImageLimits) -> Schedule:
    steps: list[Step] = []
    kept: list[Asked] = []
    before = frame
    for each in asked:
        painter, dpr_tenths = each
        if dpr_tenths != ONE and isinstance(painter, Dense):
            painter = painter.times(dpr_tenths, before)
        after = painter.measure(before)
        if after == before and isinstance(painter, AutoOrient | Fewer | Through):
            continue
        check_painted(after, limits)
        steps.append(Step(painter, before))
        kept.append(each)
        before = after
    check_output(before, output, limits)
    return Schedule(frame, tuple(steps), before, tuple(kept))


def _between(plan: Plan) -> dict[int, Format]:
    """The formats that stages name and a later stage replaces, by position; ``auto`` takes nothing away.

    The last format named is not among them: what is sent instead of it was negotiated and is the output.
    """
    named = [(position, stage.output.format) for position, stage in enumerate(plan.stages) if stage.output.format]
    return {position: CATALOGUE[name] for position, name in named[:-1] if name in CATALOGUE}
