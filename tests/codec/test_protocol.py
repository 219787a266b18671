"""Messages between web worker and codec process: what is written is read, and nothing else is believed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from proxy import errors
from proxy.codec import protocol
from proxy.codec.protocol import Started, Task
from proxy.codec.transport import Malformed
from proxy.core.model import Frame, ImageLimits, Traits
from proxy.ports import Job, Rendered

LIMITS = ImageLimits(max_side_px=10, max_output_side_px=None, clamp_parameters_px=5)
TRAITS = Traits(
    format="heif", frame=Frame(width_px=3, height_px=4, frames=5, alpha=True, orientation=6), quality=70, size_bytes=9
)
JOB = Job(
    plan_text='imageMogr2/thumbnail/3x"\u00e4', format="webp", limits=LIMITS, auto=True, orient=True, or_original=True
)
RENDER = Task(limits=LIMITS, body_bytes=9, traits=TRAITS, job=JOB)
MARKED = replace(RENDER, input_bytes=(3, 0, 5))
PROBE = Task(limits=LIMITS, body_bytes=0)
RENDERED = Rendered(body=b"made", format="webp", frame=Frame(width_px=1, height_px=2), timings_s={"decode": 0.5})


@pytest.mark.parametrize("task", [PROBE, RENDER, MARKED], ids=["probe", "render", "with other pictures"])
def test_a_task_is_read_as_it_was_written(task: Task) -> None:
    assert protocol.read_task(protocol.write_task(task)) == task


def test_a_ticket_and_a_start_are_read_as_they_were_written() -> None:
    assert protocol.read_ticket(protocol.ticket(123_456_789_012)) == 123_456_789_012
    assert protocol.read_started(protocol.write_started(Started(3, 99, 7))) == Started(3, 99, 7)


def test_a_plan_too_long_for_a_message_is_the_clients_fault() -> None:
    with pytest.raises(errors.InvalidArgument):
        protocol.write_task(replace(RENDER, job=replace(JOB, plan_text="x" * protocol.MESSAGE_BYTES)))


def test_a_result_is_read_as_it_was_written_and_its_body_travels_beside_it() -> None:
    message, body = protocol.write_outcome(RENDERED)
    assert body == b"made"
    assert protocol.read_outcome(message, RENDER, b"original") == (replace(RENDERED, body=b""), 4)


def test_the_originals_bytes_do_not_travel_back() -> None:
    message, body = protocol.write_outcome(replace(RENDERED, format="heif", original=True))
    assert body is None
    outcome, to_read_bytes = protocol.read_outcome(message, RENDER, b"the original")
    assert isinstance(outcome, Rendered)
    assert (outcome.body, outcome.format, to_read_bytes) == (b"the original", "heif", 0)


def test_traits_are_read_as_they_were_written() -> None:
    message, _ = protocol.write_outcome(TRAITS)
    assert protocol.read_outcome(message, PROBE, b"") == (TRAITS, 0)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (errors.InvalidArgument("detail", public="thumbnail: no.", errno=-5), errors.InvalidArgument),
        (errors.InvalidImageFormat("detail"), errors.InvalidImageFormat),
        (errors.ImageTooLarge(), errors.ImageTooLarge),
        (errors.ImageResolutionExceed(public="Too wide."), errors.ImageResolutionExceed),
        (errors.OperationNotImplemented(), errors.OperationNotImplemented),
        (errors.InternalError("detail"), errors.InternalError),
        (errors.DecoderCrashed(), errors.InvalidImageFormat),
        (errors.InvalidRange(5), errors.InternalError),
        (errors.NoSuchKey(), errors.InternalError),
        (errors.Overloaded(), errors.InternalError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_an_error_arrives_as_itself_if_a_codec_may_raise_it(
    raised: errors.MogrError, expected: type[errors.MogrError]
) -> None:
    message, _ = protocol.write_outcome(raised)
    outcome, _ = protocol.read_outcome(message, RENDER, b"")
    assert type(outcome) is expected
    if type(raised) is expected:
        assert isinstance(outcome, errors.MogrError)
        assert (str(outcome), outcome.public, outcome.errno) == (str(raised), raised.public, raised.errno)


def test_long_texts_of_an_error_are_cut() -> None:
    message, _ = protocol.write_outcome(errors.InvalidArgument("d" * 100_000, public="p" * 100_000))
    assert len(message) < protocol.MESSAGE_BYTES


def altered(message: bytes, **changes: object) -> bytes:
    return json.dumps({**json.loads(message), **changes}).encode()


SENT = protocol.write_outcome(RENDERED)[0]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 10_000,
        altered(SENT, v=2),
        altered(SENT, kind="started"),
        altered(SENT, kind=["rendered"]),
        altered(SENT, format="svg"),
        altered(SENT, format="../../x"),
        altered(SENT, original=True),
        altered(SENT, body_bytes=0),
        altered(SENT, body_bytes=-1),
        altered(SENT, body_bytes=protocol.BODY_BYTES + 1),
        altered(SENT, body_bytes=1.5),
        altered(SENT, frame=None),
        altered(SENT, frame={"width_px": 0, "height_px": 1}),
        altered(SENT, frame={"width_px": 1e300, "height_px": 1}),
        altered(SENT, frame={"width_px": "1", "height_px": 1}),
        altered(SENT, frame={"width_px": 1, "height_px": 1, "nonsense": 1}),
        altered(SENT, timings_s={"a\r\nSet-Cookie: b": 1}),
        altered(SENT, timings_s={"decode": "soon"}),
        altered(SENT, timings_s=[1]),
        protocol.write_outcome(TRAITS)[0],
        altered(protocol.write_outcome(errors.InternalError())[0], public=5),
        altered(protocol.write_outcome(errors.InternalError())[0], errno="5"),
        altered(protocol.write_outcome(errors.InternalError())[0], error=[]),
    ],
    ids=repr,
)
def test_what_no_codec_of_ours_would_say_is_not_believed(message: bytes) -> None:
    with pytest.raises(Malformed):
        protocol.read_outcome(message, RENDER, b"")


@pytest.mark.parametrize(
    "changes",
    [
        {"slot": 256},
        {"slot": -1},
        {"slot": "1"},
        {"sequence": None},
        {"at_ns": "1"},
        {"at_ns": -1},
        {"at_ns": 1 << 63},
    ],
    ids=str,
)
def test_a_start_outside_the_board_is_not_believed(changes: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        protocol.read_started(altered(protocol.write_started(Started(1, 1, 1)), **changes))


@pytest.mark.parametrize("data", [b"", b"x", protocol.ticket(1) + b"x", b"\0" * protocol.TICKET_BYTES], ids=repr)
def test_what_is_no_ticket_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        protocol.read_ticket(data)
