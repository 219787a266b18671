"""The web worker's side of the codec processes: admission, one line per job, and what to say when a process dies."""

from __future__ import annotations

import asyncio
import errno
import math
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

from proxy.codec import cost, protocol, transport
from proxy.codec.board import Board, Death
from proxy.codec.protocol import Outcome, Started, Task
from proxy.codec.transport import Malformed
from proxy.core.model import ImageLimits, Traits
from proxy.errors import CodecDeadline, CodecLost, DecoderCrashed, InternalError, MogrError, Overloaded
from proxy.ports import Job, Rendered

T = TypeVar("T")

_THREAD_BYTES: Final = 256 * 1024
"""Copies above this would hold up the event loop."""
_VERDICT_S: Final = 1.0
"""How long the supervisor may take to say why a process died."""
_VERDICT_POLL_S: Final = 0.01
_KILL_S: Final = 2.0
"""What a process past its deadline may take to be gone; then we stop waiting for it."""
_HOPELESS: Final = 2.0
"""A job predicted to take so many deadlines is refused before it takes a place."""
_SURPRISE: Final = 8.0
"""A job that overran although it was predicted to take less than a deadline over this: its source is to blame."""
_FULL: Final = frozenset({errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM, errno.ETOOMANYREFS, errno.EMFILE, errno.ENFILE})


def _asked_too_much(detail: str) -> CodecDeadline:
    """The verdict is on what was asked, not on the picture: other renditions of it may be cheap."""
    error = CodecDeadline(detail)
    error.condemns = False
    return error


class _LostError(Exception):
    """A process died without being to blame, or before it had the job: the job may be tried once more."""


@dataclass(frozen=True, slots=True)
class _Errand:
    """A job with what it takes to send it, once or twice."""

    task: Task
    message: bytes
    body: bytes
    sheet_fd: int
    predicted_us: int


class PoolCodec:
    """``ports.Codec`` over the shared queue.  Used from one event loop's thread.

    Args:
        queue_socket: the pool's ``queue_sender``, inherited; not closed here.
        web_slot: the number of this web worker on *board*.
        queue_s: predicted seconds of waiting work per place beyond which a job is refused.
        deadline_s: the pool's deadline; here it only bounds our patience.
        places: how many codec processes the pool has.
    """

    def __init__(
        self,
        queue_socket: socket.socket,
        board: Board,
        web_slot: int,
        *,
        queue_s: float,
        deadline_s: float,
        places: int,
    ) -> None:
        self._queue = queue_socket
        self._queue.setblocking(False)
        self._board = board
        self._slot = board.web(web_slot)
        self._queue_s = queue_s
        self._deadline_s = deadline_s
        self._places = places

    async def probe(self, body: bytes, limits: ImageLimits) -> Traits:
        """See ``ports.Codec``."""
        outcome, _ = await self._run((body,), Task(limits=limits, body_bytes=len(body)), cost.PROBE_S, None)
        if not isinstance(outcome, Traits):
            raise InternalError("a probe was answered with something else")
        return outcome

    async def render(
        self, body: bytes, traits: Traits, job: Job, *, on_started: Callable[[], None] | None = None
    ) -> Rendered:
        """See ``ports.Codec``.  ``timings_s`` gains ``queue``: from admission to a codec process.

        *on_started* is called again for a second attempt.
        """
        task = Task(
            limits=job.limits,
            body_bytes=len(body),
            traits=traits,
            job=replace(job, inputs=()),
            input_bytes=tuple(map(len, job.inputs)),
        )
        predicted_s = cost.render_s(traits, job)
        if predicted_s > _HOPELESS * self._deadline_s:
            raise _asked_too_much(f"predicted to take {predicted_s:.0f} s")
        try:
            rendered, queue_s = await self._run((body, *job.inputs), task, predicted_s, on_started)
        except CodecDeadline as error:
            if predicted_s > self._deadline_s / _SURPRISE or not cost.is_plain(job):
                raise _asked_too_much(str(error)) from None
            raise
        if not isinstance(rendered, Rendered):
            raise InternalError("a render was answered with something else")
        return replace(rendered, timings_s={"queue": queue_s, **rendered.timings_s})

    async def _run(
        self, bodies: Sequence[bytes], task: Task, predicted_s: float, on_started: Callable[[], None] | None
    ) -> tuple[Outcome, float]:
        message = protocol.write_task(task)
        self._admit()
        with self._translated():
            sheet_fd = await _in_thread(task.made_at, transport.make_sheet, *bodies, discard=os.close)
        # No job can take longer than its deadline, so none holds up the queue for longer.
        errand = _Errand(task, message, bodies[0], sheet_fd, int(1e6 * min(predicted_s, self._deadline_s)))
        try:
            self._admit()  # others were admitted while the bytes were copied
            for _ in range(2):
                with suppress(_LostError):
                    return await self._attempt(errand, on_started)
        except Malformed as error:
            raise InternalError(f"codec: {error}") from None
        finally:
            os.close(sheet_fd)
        raise CodecLost("two codec processes died over one job")

    def _admit(self) -> None:
        waiting_s = self._board.waiting_s()
        if waiting_s > self._queue_s * self._places:
            raise self._overloaded(f"{waiting_s:.1f} s of work waiting for {self._places} places")

    def _overloaded(self, detail: str) -> Overloaded:
        return Overloaded(detail, retry_after_s=math.ceil(self._board.waiting_s() / self._places))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """What the kernel says of sockets and descriptors, in our errors."""
        try:
            yield
        except ConnectionError:
            raise CodecLost("the queue has no other end") from None
        except OSError as error:
            if error.errno in _FULL:
                raise self._overloaded(os.strerror(error.errno or 0)) from None
            raise InternalError(os.strerror(error.errno or 0)) from error

    async def _attempt(self, errand: _Errand, on_started: Callable[[], None] | None) -> tuple[Outcome, float]:
        with self._translated():
            line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Closing our end is how a job is cancelled: who takes it from the queue sees that nobody waits.
        with line:
            line.setblocking(False)
            with theirs, self._translated():
                transport.send(line, errand.message)
                transport.send(self._queue, protocol.ticket(errand.predicted_us), [theirs.fileno(), errand.sheet_fd])
            self._slot.submit(errand.predicted_us)
            sent_s = time.monotonic()
            started = await self._started(line)
            queue_s = time.monotonic() - sent_s
            if on_started is not None:
                on_started()
            return await self._finished(line, started, errand), queue_s

    async def _started(self, line: socket.socket) -> Started:
        # Admission bounds the wait if predictions hold.  If they do not, this does.
        patience_s = 2 * self._queue_s + self._deadline_s
        try:
            data = await _receive(line, patience_s)
        except TimeoutError:
            raise self._overloaded(f"not started within {patience_s:.1f} s") from None
        if not data:
            raise _LostError
        return protocol.read_started(data)

    async def _finished(self, line: socket.socket, started: Started, errand: _Errand) -> Outcome:
        try:
            data = await _receive(line, self._deadline_s + _KILL_S)
        except TimeoutError:
            raise CodecDeadline("the supervisor did not end it") from None
        if not data:
            raise await self._verdict(started)
        outcome, size_bytes = protocol.read_outcome(data, errand.task, errand.body)
        if isinstance(outcome, MogrError):
            raise outcome
        if not isinstance(outcome, Rendered) or not size_bytes:
            return outcome
        with self._translated():
            # Of its own, because a thread may go on reading after we are cancelled.
            fd = os.dup(errand.sheet_fd)
        made = await _in_thread(size_bytes, _read_and_close, fd, errand.task.made_at, size_bytes)
        return replace(outcome, body=made)

    async def _verdict(self, started: Started) -> Exception:
        """Why there was no answer, as the supervisor found."""
        slot = self._board.codec(started.slot)
        until_s = time.monotonic() + _VERDICT_S
        # Polled, because another process writes it.
        while (death := slot.death_of(started.sequence)) is None and time.monotonic() < until_s:  # noqa: ASYNC110
            await asyncio.sleep(_VERDICT_POLL_S)
        match death:
            case Death.DEADLINE:
                return CodecDeadline(f"longer than {self._deadline_s} s")
            case Death.CRASHED | Death.MEMORY:
                return DecoderCrashed(f"codec process: {death.name.lower()}")
        return _LostError()


async def _receive(line: socket.socket, patience_s: float) -> bytes:
    """The next message; an empty one at the end.  Raises TimeoutError after *patience_s*."""
    async with asyncio.timeout(patience_s):
        while True:
            try:
                return transport.receive(line, protocol.MESSAGE_BYTES, 0)[0]
            except BlockingIOError:
                await _readable(line)
            except ConnectionError:
                return b""


async def _readable(line: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(line.fileno(), _wake, ready)
    try:
        await ready
    finally:
        loop.remove_reader(line.fileno())


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _read_and_close(fd: int, at: int, size_bytes: int) -> bytes:
    try:
        return transport.read_sheet(fd, at, size_bytes)
    finally:
        os.close(fd)


async def _in_thread(
    size_bytes: int, copy: Callable[..., T], *arguments: object, discard: Callable[[T], None] | None = None
) -> T:
    """``copy(*arguments)``, off the event loop if it is large.

    Cancelling does not stop the thread: *copy* owns the descriptors it is given, and what it returns goes to *discard*.
    """
    if size_bytes <= _THREAD_BYTES:
        return copy(*arguments)
    work = asyncio.ensure_future(asyncio.to_thread(copy, *arguments))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        work.add_done_callback(partial(_forget, discard))
        raise


def _forget(discard: Callable[[T], None] | None, work: asyncio.Future[T]) -> None:
    if not work.cancelled() and work.exception() is None and discard is not None:
        discard(work.result())
