"""The web worker's side of the codec processes: admission, one line per job, and what to say when a process dies."""

from __future__ import annotations

import asyncio
import errno
import math
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from proxy.codec import cost, protocol, transport
from proxy.codec.board import Board, Death
from proxy.codec.protocol import Outcome, Started, Task
from proxy.codec.transport import Malformed
from proxy.codec.turns import PushedOutError, Turns
from proxy.codec.waiting import Listener, in_thread, read_and_close
from proxy.core.model import ImageLimits, Traits
from proxy.errors import CodecDeadline, CodecLost, DecoderCrashed, InternalError, MogrError, Overloaded
from proxy.ports import Job, Rendered

_VERDICT_S: Final = 1.0
"""How long the supervisor may take to say why a process died."""
_VERDICT_POLL_S: Final = 0.01
_KILL_S: Final = 2.0
"""What a process past its deadline may take to be gone; then we stop waiting for it."""
_HOPELESS: Final = 2.0
"""A job predicted to take so many deadlines is refused before it takes a place."""
_SURPRISE: Final = 8.0
"""A job that overran although it was predicted to take less than a deadline over this: its source is to blame."""
_LEISURE: Final = 0.25
"""Up to this share of the waiting work that is allowed, more is taken on in the background."""
_FULL: Final = frozenset({errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM, errno.ETOOMANYREFS, errno.EMFILE, errno.ENFILE})


def _asked_too_much(detail: str) -> CodecDeadline:
    """The verdict is on what was asked, not on the picture: other renditions of it may be cheap."""
    error = CodecDeadline(detail)
    error.condemns = False
    return error


class _LostError(Exception):
    """A process died without being to blame, or before it had the job: the job may be tried once more."""


@dataclass(slots=True)
class _Errand:
    """A job with what it takes to send it, once or twice."""

    bucket: str
    task: Task
    message: bytes
    bodies: Sequence[bytes]
    predicted_s: float
    background: bool = False
    sheet_fd: int | None = None


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
        # One for each place, so that none is idle between its job's end and our next.
        self._turns = Turns(places)

    async def probe(self, body: bytes, limits: ImageLimits, *, bucket: str = "") -> Traits:
        """See ``ports.Codec``."""
        task = Task(limits=limits, body_bytes=len(body))
        outcome, _ = await self._run(bucket, (body,), task, cost.PROBE_S, None)
        if not isinstance(outcome, Traits):
            raise InternalError("a probe was answered with something else")
        return outcome

    def predict_s(self, traits: Traits, job: Job) -> float:
        """See ``ports.Codec``."""
        return cost.render_s(traits, job)

    async def render(
        self,
        body: bytes,
        traits: Traits,
        job: Job,
        *,
        bucket: str = "",
        on_started: Callable[[], None] | None = None,
        background: bool = False,
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
        predicted_s = self.predict_s(traits, job)
        if predicted_s > _HOPELESS * self._deadline_s:
            raise _asked_too_much(f"predicted to take {predicted_s:.0f} s")
        try:
            rendered, queue_s = await self._run(bucket, (body, *job.inputs), task, predicted_s, on_started, background)
        except CodecDeadline as error:
            if predicted_s > self._deadline_s / _SURPRISE or not cost.is_plain(job):
                raise _asked_too_much(str(error)) from None
            raise
        if not isinstance(rendered, Rendered):
            raise InternalError("a render was answered with something else")
        return replace(rendered, timings_s={"queue": queue_s, **rendered.timings_s})

    async def _run(
        self,
        bucket: str,
        bodies: Sequence[bytes],
        task: Task,
        predicted_s: float,
        on_started: Callable[[], None] | None,
        background: bool = False,
    ) -> tuple[Outcome, float]:
        # No job can take longer than its deadline, so none holds up the queue for longer.
        predicted_s = min(predicted_s, self._deadline_s)
        errand = _Errand(bucket, task, protocol.write_task(task), bodies, predicted_s, background)
        self._admit(bucket, predicted_s, background)
        try:
            for _ in range(2):
                with suppress(_LostError):
                    return await self._attempt(errand, on_started)
        except Malformed as error:
            raise InternalError(f"codec: {error}") from None
        finally:
            if errand.sheet_fd is not None:
                os.close(errand.sheet_fd)
        raise CodecLost("two codec processes died over one job")

    def _admit(self, bucket: str, predicted_s: float, background: bool) -> None:
        if background and self._board.waiting_s() > _LEISURE * self._queue_s * self._places:
            raise self._overloaded("too much waits for what nobody waits for")
        while (waiting_s := self._board.waiting_s()) > self._queue_s * self._places:
            dropped_s = self._turns.make_room(bucket, predicted_s)
            if dropped_s is None:
                raise self._overloaded(f"{waiting_s:.1f} s of work waiting for {self._places} places")
            self._slot.withdraw(_us(dropped_s))

    def _overloaded(self, detail: str) -> Overloaded:
        return Overloaded(detail, retry_after_s=max(1, math.ceil(self._board.waiting_s() / self._places)))

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
        since_s = time.monotonic()
        # Admission bounds the wait if predictions hold.  If they do not, this does.
        patience_s = 2 * self._queue_s + self._deadline_s
        await self._turn(errand, patience_s)
        try:
            line = await self._sent(errand)
        except BaseException:
            self._slot.withdraw(_us(errand.predicted_s))
            self._turns.give_back()
            raise
        # Closing our end is how a job is cancelled: who takes it from the queue sees that nobody waits.
        with line:
            with closing(Listener(line)) as listener:
                try:
                    started = await self._started(listener, patience_s - (time.monotonic() - since_s))
                finally:
                    self._turns.give_back()
                # By its own account, for we may hear of it late, but no more than there was: it may be in other hands.
                queue_s = min(max(0.0, 1e-9 * started.at_ns - since_s), time.monotonic() - since_s)
                if on_started is not None:
                    on_started()
                data = await self._answered(listener, started)
            return await self._finished(data, errand), queue_s

    async def _turn(self, errand: _Errand, patience_s: float) -> None:
        """Wait until the job may be sent."""
        self._slot.submit(_us(errand.predicted_s))
        try:
            async with asyncio.timeout(patience_s):
                await self._turns.take(errand.bucket, errand.predicted_s, background=errand.background)
        except PushedOutError:  # whoever took the place has withdrawn the job already
            raise self._overloaded("pushed out by somebody who waits for less") from None
        except BaseException as error:
            self._slot.withdraw(_us(errand.predicted_s))
            if isinstance(error, TimeoutError):
                raise self._overloaded(f"no turn within {patience_s:.1f} s") from None
            raise

    async def _sent(self, errand: _Errand) -> socket.socket:
        """Put the job into the queue; our end of its line."""
        with self._translated():
            if errand.sheet_fd is None:
                errand.sheet_fd = await in_thread(
                    errand.task.made_at, transport.make_sheet, *errand.bodies, discard=os.close
                )
            line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                line.setblocking(False)
                with theirs:
                    ticket = protocol.ticket(_us(errand.predicted_s))
                    transport.send(line, errand.message)
                    transport.send(self._queue, ticket, [theirs.fileno(), errand.sheet_fd])
            except BaseException:
                line.close()
                raise
        return line

    async def _started(self, listener: Listener, patience_s: float) -> Started:
        try:
            data = await listener.receive(max(0.0, patience_s))
        except TimeoutError:
            raise self._overloaded(f"not started within {patience_s:.1f} s") from None
        if not data:
            raise _LostError
        return protocol.read_started(data)

    async def _answered(self, listener: Listener, started: Started) -> bytes:
        try:
            data = await listener.receive(self._deadline_s + _KILL_S)
        except TimeoutError:
            raise CodecDeadline("the supervisor did not end it") from None
        if not data:
            raise await self._verdict(started)
        return data

    async def _finished(self, data: bytes, errand: _Errand) -> Outcome:
        outcome, size_bytes = protocol.read_outcome(data, errand.task, errand.bodies[0])
        if isinstance(outcome, MogrError):
            raise outcome
        if not isinstance(outcome, Rendered) or not size_bytes:
            return outcome
        with self._translated():
            # Of its own, because a thread may go on reading after we are cancelled.
            assert errand.sheet_fd is not None
            fd = os.dup(errand.sheet_fd)
        made = await in_thread(size_bytes, read_and_close, fd, errand.task.made_at, size_bytes)
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
            case Death.STARVED:
                return self._overloaded(f"{self._deadline_s} s went by, most of them without a core")
            case Death.CRASHED | Death.MEMORY:
                return DecoderCrashed(f"codec process: {death.name.lower()}")
        return _LostError()


def _us(predicted_s: float) -> int:
    return int(1e6 * predicted_s)
