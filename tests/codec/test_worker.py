"""How a codec process takes jobs: what it does, what it drops, what it survives."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from proxy.codec import protocol, transport
from proxy.codec.board import Board, CodecSlot
from proxy.codec.protocol import Task
from proxy.codec.worker import Worker
from proxy.core.model import Frame, ImageLimits, Traits
from proxy.errors import InternalError, InvalidImageFormat, MogrError
from proxy.ports import Job, Rendered

LIMITS = ImageLimits()
TRAITS = Traits(format="png", frame=Frame(width_px=1, height_px=2))
TASK = Task(limits=LIMITS, body_bytes=7, traits=TRAITS, job=Job(plan_text="imageMogr2", format="webp", limits=LIMITS))


class Pixels:
    """Says what it was told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.result: Callable[[], Rendered] = lambda: Rendered(body=b"made", format="webp", frame=TRAITS.frame)

    def probe(self, body: bytes, limits: ImageLimits) -> Traits:
        self.asked.append(body)
        return TRAITS

    def render(self, body: bytes, traits: Traits, job: Job) -> Rendered:
        self.asked.append(body)
        return self.result()

    def capabilities(self) -> object:
        return None


@dataclass
class Bench:
    """A worker, the queue before it, and its place on the board."""

    worker: Worker
    pixels: Pixels
    slot: CodecSlot
    sender: socket.socket
    queue: socket.socket
    board: Board

    def put(self, message: bytes, body: bytes = b"picture", predicted_us: int = 5) -> tuple[socket.socket, int]:
        """A job in the queue; our end of its line, and its sheet."""
        line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sheet_fd = transport.make_sheet(body)
        with theirs:
            transport.send(line, message)
            transport.send(self.sender, protocol.ticket(predicted_us), [theirs.fileno(), sheet_fd])
        return line, sheet_fd

    def answered(self, task: Task) -> protocol.Outcome:
        """Do *task* and read the answer."""
        line, sheet_fd = self.put(protocol.write_task(task))
        with line:
            self.worker.take(self.queue)
            started = protocol.read_started(transport.receive(line, protocol.MESSAGE_BYTES, 0)[0])
            assert (started.slot, started.sequence) == (3, self.slot.sequence)
            assert 0 < started.at_ns <= time.monotonic_ns()
            outcome, size_bytes = protocol.read_outcome(
                transport.receive(line, protocol.MESSAGE_BYTES, 0)[0], task, b""
            )
            if size_bytes:
                assert transport.read_sheet(sheet_fd, task.body_bytes, size_bytes) == b"made"
        os.close(sheet_fd)
        return outcome


@pytest.fixture
def bench() -> Iterator[Bench]:
    board = Board.create()
    sender, queue = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pixels = Pixels()
    with sender, queue:
        yield Bench(Worker(board.codec(3), 3, pixels, 10.0), pixels, board.codec(3), sender, queue, board)
    board.close()


def test_a_job_is_done_and_counted(bench: Bench) -> None:
    outcome = bench.answered(TASK)
    assert isinstance(outcome, Rendered)
    assert bench.pixels.asked == [b"picture"]
    assert (bench.slot.jobs, bench.slot.work, bench.board.flow_us(), bench.worker.sound) == (1, None, (0, 5), True)


def test_a_probe_needs_no_traits(bench: Bench) -> None:
    assert bench.answered(Task(limits=LIMITS, body_bytes=7)) == TRAITS


def test_the_board_shows_the_job_under_way(bench: Bench) -> None:
    seen = []

    def result() -> Rendered:
        seen.append(bench.slot.work)
        raise InvalidImageFormat

    bench.pixels.result = result
    bench.answered(TASK)
    (work,) = seen
    assert work is not None
    assert work.deadline_ns - work.started_ns == 10_000_000_000
    assert 0 <= time.monotonic_ns() - work.started_ns < 5_000_000_000


@pytest.mark.parametrize(
    ("raised", "expected", "sound"),
    [
        (InvalidImageFormat("why"), InvalidImageFormat, True),
        (MemoryError(), InvalidImageFormat, False),
        (RuntimeError("secret"), InternalError, True),
        (RecursionError("secret"), InternalError, True),
        (OSError("secret"), InternalError, True),
        (UnicodeDecodeError("utf-8", b"secret", 0, 1, "secret"), InternalError, True),
    ],
    ids=repr,
)
def test_whatever_the_pixels_raise_is_answered(
    bench: Bench, raised: Exception, expected: type[MogrError], sound: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def result() -> Rendered:
        raise raised

    bench.pixels.result = result
    outcome = bench.answered(TASK)
    assert type(outcome) is expected
    assert "secret" not in outcome.public + str(outcome)
    assert bench.worker.sound is sound
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["level"] for line in lines] == (["error"] if expected is InternalError else [])


def test_a_result_too_large_to_carry_is_an_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "BODY_BYTES", 3)
    assert type(bench.answered(TASK)).__name__ == "ImageTooLarge"


def test_a_cancelled_job_is_dropped_unseen_but_taken_off_the_waiting_time(bench: Bench) -> None:
    line, sheet_fd = bench.put(protocol.write_task(TASK), predicted_us=11)
    line.close()
    bench.worker.take(bench.queue)
    assert (bench.pixels.asked, bench.slot.jobs, bench.slot.sequence, bench.board.flow_us()) == ([], 0, 0, (0, 11))
    os.close(sheet_fd)


def test_a_client_that_leaves_while_its_job_runs_is_no_problem(bench: Bench) -> None:
    line, sheet_fd = bench.put(protocol.write_task(TASK))

    def result() -> Rendered:
        line.close()
        return Rendered(body=b"made", format="webp", frame=TRAITS.frame)

    bench.pixels.result = result
    bench.worker.take(bench.queue)
    assert (bench.slot.jobs, bench.slot.work, bench.worker.sound) == (1, None, True)
    os.close(sheet_fd)


@pytest.mark.parametrize("message", [b"{}", b"\xff", b'{"v":1,"kind":"task"}'], ids=repr)
def test_a_task_that_cannot_be_read_is_our_bug(
    bench: Bench, message: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    line, sheet_fd = bench.put(message)
    bench.worker.take(bench.queue)
    transport.receive(line, 1000, 0)
    outcome, _ = protocol.read_outcome(transport.receive(line, 1000, 0)[0], TASK, b"")
    assert isinstance(outcome, InternalError)
    assert bench.pixels.asked == []
    assert "bug" in capsys.readouterr().err
    line.close()
    os.close(sheet_fd)


def test_what_is_no_job_is_passed_over_and_leaves_nothing_open(bench: Bench) -> None:
    before = len(os.listdir("/proc/self/fd"))
    fd = transport.make_sheet(b"x")
    for data, fds in ((b"x", []), (protocol.ticket(1), []), (protocol.ticket(1), [fd]), (b"y" * 500, [fd, fd])):
        transport.send(bench.sender, data, fds)
        bench.worker.take(bench.queue)
    os.close(fd)
    bench.worker.take(bench.queue)  # nothing there: another process was faster
    assert (bench.pixels.asked, bench.worker.sound, len(os.listdir("/proc/self/fd"))) == ([], True, before)


def test_a_worker_whose_queue_ended_stops(bench: Bench) -> None:
    bench.sender.close()
    bench.worker.take(bench.queue)
    assert not bench.worker.sound
