"""The codec process: takes one job at a time from the shared queue and answers it; ``python -m proxy.codec.worker``.

A program of its own with an environment of its own (``pool`` starts it).  Standard input is its lifeline: at its end,
because the supervisor is gone or wants it to stop, it finishes the job in hand and exits.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import socket
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from proxy.codec import allocator, avs2, fonts, pixels, protocol, transport
from proxy.codec.board import EXIT_MEMORY, Board, CodecSlot
from proxy.codec.confine import AddressSpace, confine, leave_terminal
from proxy.core.model import Traits
from proxy.errors import ImageTooLarge, InternalError, InvalidImageFormat, MogrError
from proxy.logs import install, log
from proxy.ports import Rendered

ALARM_S = 1.0
"""How long after its deadline a job ends its own process, should the supervisor not have done so."""
REST_MS = 250
"""So long after its last job a process still expects another one, which would use the memory of that."""
_LIFELINE = 0


def main(arguments: Sequence[str] | None = None, load: Callable[[], pixels.Pixels] = pixels.load) -> int:
    """Start, get confined, serve until recycled or told to stop; returns the exit status."""
    parser = argparse.ArgumentParser(prog="proxy.codec.worker", description=__doc__)
    for name in ("--queue-fd", "--board-fd", "--slot", "--jobs", "--memory-bytes"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--deadline-s", type=float, required=True)
    parser.add_argument("--avs2-fds", type=avs2.Ends.parse, help="its side of what starts FFmpeg for it")
    parser.add_argument("--fonts", type=json.loads, default=[], help="a JSON list of paths")
    given = parser.parse_args(arguments)
    install()
    leave_terminal()
    # Ctrl-C and a stop of the whole service reach every process; the supervisor decides when this one ends.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    slot = Board.attach(given.board_fd).codec(given.slot)
    space = AddressSpace()
    loaded = load()
    font_paths = [Path(path) for path in given.fonts]
    fonts.add(font_paths)
    avs2.adopt(given.avs2_fds)
    gaps = confine(font_paths)
    loaded.capabilities()
    space.bound(given.memory_bytes)
    slot.greet(os.getpid(), gaps)
    give_back = allocator.returning()
    worn_bytes = space.size_bytes + given.memory_bytes // 2
    worker = Worker(slot, given.slot, loaded, given.deadline_s)
    with socket.socket(fileno=given.queue_fd) as queue:
        while worker.sound and worker.jobs < given.jobs and space.size_bytes < worn_bytes and _wait(queue, give_back):
            worker.take(queue)
    return 0


def _wait(queue: socket.socket, give_back: Callable[[], None]) -> bool:
    """Wait for a job, after a while without memory that is not needed; False at the end of the lifeline or of the queue."""
    poll = select.poll()
    poll.register(queue, select.POLLIN)
    poll.register(_LIFELINE, select.POLLIN)
    events = dict(poll.poll(REST_MS))
    if not events:
        give_back()
        events = dict(poll.poll())
    return _LIFELINE not in events and bool(events[queue.fileno()] & select.POLLIN)


class Worker:
    """Does one job after another.

    Attributes:
        jobs: how many it did.
        sound: False once this process had better make room for a new one.
    """

    def __init__(self, slot: CodecSlot, number: int, pixels_: pixels.Pixels, deadline_s: float) -> None:
        self.jobs = 0
        self.sound = True
        self._slot = slot
        self._number = number
        self._pixels = pixels_
        self._deadline_s = deadline_s

    def take(self, queue: socket.socket) -> None:
        """Take a job, unless another process was faster, and answer it."""
        try:
            data, fds = transport.receive(queue, protocol.TICKET_BYTES, 2)
        except (BlockingIOError, transport.Malformed):
            return
        self.sound = bool(data)
        try:
            self._slot.take(protocol.read_ticket(data))
            line_fd, sheet_fd = fds
            fds = [sheet_fd]
            with socket.socket(fileno=line_fd) as line:
                self._serve(line, sheet_fd)
        except (transport.Malformed, ValueError):
            # No ticket, or we are out of descriptors: the client sees its line close and sends the job again.
            return
        finally:
            transport.close_all(fds)

    def _serve(self, line: socket.socket, sheet_fd: int) -> None:
        try:
            message, _ = transport.receive(line, protocol.MESSAGE_BYTES, 0)
        except OSError:
            return
        if not message or not _alive(line):
            return  # cancelled while it waited
        self.jobs += 1
        now_ns = time.monotonic_ns()
        sequence = self._slot.begin(now_ns, now_ns + int(self._deadline_s * 1e9))
        # No handler: it would wait for the C code to return.  The default action does not.
        signal.setitimer(signal.ITIMER_REAL, self._deadline_s + ALARM_S)
        try:
            with suppress(OSError):  # the client may give up meanwhile; its answer then goes nowhere
                transport.send(line, protocol.write_started(protocol.Started(self._number, sequence, now_ns)))
                transport.send(line, self._answer(message, sheet_fd))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._slot.end()

    def _answer(self, message: bytes, sheet_fd: int) -> bytes:
        """Do what *message* says; its outcome, as a message."""
        try:
            task = protocol.read_task(message)
            body = transport.read_sheet(sheet_fd, 0, task.body_bytes)
            answer, made = protocol.write_outcome(self._do(task, body, _inputs(task, sheet_fd)))
            if made is not None and len(made) > protocol.BODY_BYTES:
                answer, _ = protocol.write_outcome(ImageTooLarge(f"a result of {len(made)} bytes"))
            elif made is not None:
                transport.write_sheet(sheet_fd, task.made_at, made)
        except MogrError as error:
            answer, _ = protocol.write_outcome(error)
        except MemoryError:
            self.sound = False
            answer, _ = protocol.write_outcome(InvalidImageFormat("the codec process ran out of memory"))
        except Exception as error:
            log("a codec process met a bug", level="error", error=type(error).__name__, trace=traceback.format_exc())
            answer, _ = protocol.write_outcome(InternalError(type(error).__name__))
        return answer

    def _do(self, task: protocol.Task, body: bytes, inputs: tuple[bytes, ...]) -> Traits | Rendered:
        if task.job is None or task.traits is None:
            return self._pixels.probe(body, task.limits)
        return self._pixels.render(body, task.traits, replace(task.job, inputs=inputs))


def _inputs(task: protocol.Task, sheet_fd: int) -> tuple[bytes, ...]:
    """The other pictures of *task*, from the sheet."""
    starts = accumulate(task.input_bytes, initial=task.body_bytes)
    # The last start is that of the result.
    return tuple(
        transport.read_sheet(sheet_fd, at, length) for at, length in zip(starts, task.input_bytes, strict=False)
    )


def _alive(line: socket.socket) -> bool:
    """Whether the client still holds its end."""
    poll = select.poll()
    poll.register(line, 0)
    return not poll.poll(0)


if __name__ == "__main__":
    try:
        status = main()
    except MemoryError:
        status = EXIT_MEMORY
    # Not sys.exit: taking libraries and their threads down can crash, and nothing is left to save.
    os._exit(status)
