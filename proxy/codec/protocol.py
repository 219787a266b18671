"""What a web worker and a codec process say to each other about one job.

Each job has a socket pair of its own, the line, and a memfd, the sheet.  The client writes the job into its end of the
line, as JSON, and the picture's bytes onto the sheet, behind them those of other pictures that go into it, and puts the other end and the sheet into the shared queue with a
ticket that says what the job is predicted to cost.  Tickets are small and all of one size, so the kernel's buffer holds
hundreds whatever is asked.  On the line the codec answers ``started`` (where on the board the job can be watched) and
then the outcome, its bytes on the sheet behind all of these.

A codec process may have been taken over by a picture, so the client believes only shapes and sizes it has checked.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from proxy.codec.board import CODEC_SLOTS
from proxy.codec.transport import Malformed
from proxy.core.model import Frame, ImageLimits, Traits
from proxy.core.plain import plain
from proxy.errors import (
    ImageResolutionExceed,
    ImageTooLarge,
    InternalError,
    InvalidArgument,
    InvalidImageFormat,
    MogrError,
    OperationNotImplemented,
)
from proxy.ports import Job, Rendered

VERSION: Final = 1
MESSAGE_BYTES: Final = 65_536
"""The longest message on a line."""
BODY_BYTES: Final = 1 << 30
"""The largest result a client reads."""
DETAIL_CHARACTERS: Final = 500

_TICKET = struct.Struct("=IIQ")
TICKET_BYTES: Final = _TICKET.size
_TICKET_MAGIC = 0x6D6F6772
_ERRORS: Mapping[str, type[MogrError]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            ImageResolutionExceed,
            ImageTooLarge,
            InternalError,
            InvalidArgument,
            InvalidImageFormat,
            OperationNotImplemented,
        )
    }
)
"""What a codec may answer; anything else is a bug of ours, or not our codec any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A probe (limits only) or a render (traits and job)."""

    limits: ImageLimits
    body_bytes: int
    """Length of the picture on the sheet."""
    traits: Traits | None = None
    job: Job | None = None
    """Without its inputs: they are bytes, and travel on the sheet."""
    input_bytes: tuple[int, ...] = ()
    """Lengths of the job's inputs, which lie behind the picture."""

    @property
    def made_at(self) -> int:
        """Where on the sheet the result begins."""
        return self.body_bytes + sum(self.input_bytes)


@dataclass(frozen=True, slots=True)
class Started:
    """A codec process took the job: its place on the board, the job's number there, and when by the monotonic clock."""

    slot: int
    sequence: int
    at_ns: int


Outcome = Traits | Rendered | MogrError


def ticket(predicted_us: int) -> bytes:
    return _TICKET.pack(_TICKET_MAGIC, VERSION, predicted_us)


def read_ticket(data: bytes) -> int:
    """The predicted microseconds."""
    if len(data) != _TICKET.size:
        raise Malformed("ticket: size")
    magic, version, predicted_us = _TICKET.unpack(data)
    if (magic, version) != (_TICKET_MAGIC, VERSION):
        raise Malformed("ticket: version")
    return int(predicted_us)


def write_task(task: Task) -> bytes:
    """The message for *task*.

    Raises:
        InvalidArgument: its plan is too long for one.
    """
    lengths = {"body_bytes": task.body_bytes, "input_bytes": task.input_bytes}
    data = _pack("task", {"limits": task.limits, **lengths, "traits": task.traits, "job": task.job})
    if len(data) > MESSAGE_BYTES:
        raise InvalidArgument(f"a task of {len(data)} bytes", public="There are too many operations.")
    return data


def read_task(data: bytes) -> Task:
    message = _unpack(data, "task")
    try:
        job, limits = message["job"], ImageLimits(**message["limits"])
        return Task(
            limits=limits,
            body_bytes=int(message["body_bytes"]),
            input_bytes=tuple(map(int, message["input_bytes"])),
            traits=_traits(message["traits"]) if message["traits"] else None,
            job=Job(**{**job, "limits": ImageLimits(**job["limits"]), "inputs": ()}) if job else None,
        )
    except (TypeError, KeyError, ValueError):
        raise Malformed("task") from None


def write_started(started: Started) -> bytes:
    return _pack("started", plain(started))


def read_started(data: bytes) -> Started:
    message = _unpack(data, "started")
    slot, sequence, at_ns = message.get("slot"), message.get("sequence"), message.get("at_ns")
    if not isinstance(slot, int) or not isinstance(sequence, int) or not 0 <= slot < CODEC_SLOTS:
        raise Malformed("started")
    if not isinstance(at_ns, int) or not 0 <= at_ns < 1 << 63:
        raise Malformed("started")
    return Started(slot, sequence, at_ns)


def write_outcome(outcome: Outcome) -> tuple[bytes, bytes | None]:
    """The message for *outcome*, and what to write onto the sheet; None for the original's bytes, which are there."""
    if isinstance(outcome, MogrError):
        known = next(
            (kind.__name__ for kind in type(outcome).__mro__ if kind.__name__ in _ERRORS), InternalError.__name__
        )
        said = {"error": known, "errno": outcome.errno}
        texts = {"detail": str(outcome)[:DETAIL_CHARACTERS], "public": outcome.public[:DETAIL_CHARACTERS]}
        return _pack("error", {**said, **texts}), None
    if isinstance(outcome, Traits):
        return _pack("traits", {"traits": outcome}), None
    about = {"format": outcome.format, "frame": outcome.frame, "original": outcome.original}
    timings_s = {name: round(seconds, 6) for name, seconds in outcome.timings_s.items()}
    message = _pack("rendered", {**about, "timings_s": timings_s, "body_bytes": len(outcome.body)})
    return message, None if outcome.original else outcome.body


def read_outcome(data: bytes, task: Task, original: bytes) -> tuple[Outcome, int]:
    """What the codec made of *task*, and how many bytes of it have still to be read from the sheet."""
    message = _unpack(data)
    try:
        match message.get("kind"):
            case "error":
                return _error(message), 0
            case "traits" if task.job is None:
                return _traits(message["traits"]), 0
            case "rendered" if task.job is not None and task.traits is not None:
                return _rendered(message, task.traits, task.job, original)
    except (TypeError, KeyError, ValueError, AttributeError):
        raise Malformed("outcome") from None
    raise Malformed("outcome")


def _pack(kind: str, parts: Mapping[str, object]) -> bytes:
    return json.dumps({"v": VERSION, "kind": kind, **parts}, default=plain, separators=(",", ":")).encode()


def _unpack(data: bytes, kind: str | None = None) -> dict[str, Any]:
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(message, dict) or message.get("v") != VERSION or kind not in (None, message.get("kind")):
        raise Malformed("version or kind")
    return message


def _error(message: Mapping[str, Any]) -> MogrError:
    public, errno = message["public"], message["errno"]
    if not isinstance(public, str) or not isinstance(errno, int | None):
        raise ValueError("error")
    kind = _ERRORS.get(message["error"], InternalError)
    return kind(str(message["detail"])[:DETAIL_CHARACTERS], public=public[:DETAIL_CHARACTERS], errno=errno)


def _rendered(message: Mapping[str, Any], traits: Traits, job: Job, original: bytes) -> tuple[Rendered, int]:
    sent_back = message["original"] is True
    format_ = traits.format if sent_back else job.format
    timings_s = {name: float(seconds) for name, seconds in message["timings_s"].items()}
    size_bytes = message["body_bytes"]
    # Format and names end in header fields of the answer: Content-Type and Server-Timing.
    if (
        message["format"] != format_
        or not all(name.isidentifier() for name in timings_s)
        or not isinstance(size_bytes, int)
        or not 0 < size_bytes <= BODY_BYTES
    ):
        raise ValueError("rendered")
    rendered = Rendered(
        body=original if sent_back else b"",
        format=format_,
        frame=_frame(message["frame"]),
        original=sent_back,
        timings_s=timings_s,
    )
    return rendered, 0 if sent_back else size_bytes


def _frame(data: Mapping[str, Any]) -> Frame:
    frame = Frame(**data)
    numbers = (frame.width_px, frame.height_px, frame.frames, frame.orientation)
    if not all(type(number) is int for number in numbers):
        raise ValueError("frame")
    return frame


def _traits(data: Mapping[str, Any]) -> Traits:
    traits = Traits(**{**data, "frame": _frame(data["frame"])})
    if not isinstance(traits.format, str) or not isinstance(traits.quality, int | None) or traits.bits not in (8, 16):
        raise ValueError("traits")
    return traits
