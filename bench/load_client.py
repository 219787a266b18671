"""The load generator of ``bench/load.py``: one process, plain sockets and epoll, requests by a schedule.

In an open loop request *n* is due at *n* / rate, whatever became of those before it, and its time counts from then: a server
(or a generator) that stands still for 100 ms is charged with all that was due meanwhile.  How late requests were sent, and when
the kernel had the end of the answer, is kept besides, so that the generator's own part is known.

Every answer is judged: status, type, length, and bytes equal to those that came with the same ETag before.
"""

from __future__ import annotations

import contextlib
import gc
import heapq
import os
import random
import select
import struct
import time
from array import array
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe

from load_judge import Answer, Judge
from load_lines import TRICKLE_BYTES, TRICKLE_S, Line, Outcome
from load_mix import FILM, LARGE, SPELLINGS, Ask, Browser, Mix, Shares, hot_targets

_TAKEN_BYTES = 1 << 18
_MOST_CONNECTIONS = 2000
_LIFE = (20, 400)
"""How many requests a connection is used for."""


class Client:
    """Connections to one server."""

    def __init__(self, port: int, shares: Shares, seed: int) -> None:
        self._port = port
        self._rng = random.Random(seed)
        self._mix = Mix(shares, seed)
        self._judge = Judge()
        self._epoll = select.epoll()
        self._lines: dict[int, Line] = {}
        self._idle: list[list[Line]] = [[] for _ in range(SPELLINGS)]
        self._slow: list[tuple[float, int, Line]] = []
        self._browsers = 0
        self._buffer = bytearray(_TAKEN_BYTES)
        self._view = memoryview(self._buffer)
        self._wall_s = time.time() - time.monotonic()
        self._out = Outcome()
        self._sweep_s = 0.0
        self._on_done: Callable[[], None] | None = None

    def warm(self, rounds: int) -> Outcome:
        """Every hot target by every kind of browser, *rounds* times and one after the other."""
        asks = [
            Ask("hit", t, accept=a)
            for _ in range(rounds)
            for t in (*hot_targets(), FILM, LARGE)
            for a in range(SPELLINGS)
        ]
        asks.reverse()
        return self._closed(lambda: asks.pop() if asks else None, 8)

    def closed(self, seconds: float, at_once: int) -> Outcome:
        """As many requests as are answered, *at_once* at a time; faults and slow readers come on top of those."""
        until_s = time.monotonic() + seconds
        return self._closed(lambda: self._mix.draw(now) if (now := time.monotonic()) < until_s else None, at_once)

    def _closed(self, draw: Callable[[], Ask | None], at_once: int) -> Outcome:
        self._begin()
        under_way = 0

        def follow() -> None:
            nonlocal under_way
            under_way -= 1
            while (ask := draw()) is not None:
                self._send(ask, time.monotonic())
                if ask.kind not in ("slow", "error"):
                    under_way += 1
                    return

        self._on_done = follow
        started_s = time.monotonic()
        under_way += at_once
        for _ in range(at_once):
            follow()
        while under_way > 0:
            self._turn(0.05)
        self._on_done = None
        return self._ended(started_s)

    def open(self, seconds: float, rate: float) -> Outcome:
        """*rate* requests a second for *seconds*, and then those that are left, slow readers excepted."""
        self._begin()
        started_s, number = time.monotonic(), 0
        total = int(seconds * rate)
        while number < total:
            due_s = started_s + number / rate
            now_s = time.monotonic()
            if now_s >= due_s:
                self._send(self._mix.draw(now_s), due_s)
                number += 1
                if number % 8:
                    continue
                due_s = now_s  # look at what came, too
            self._turn(due_s - now_s)
        until_s = time.monotonic() + 15
        while time.monotonic() < until_s and any(line.ask and line.ask.kind != "slow" for line in self._lines.values()):
            self._turn(0.05)
        return self._ended(started_s)

    def _begin(self) -> None:
        self._out = Outcome()
        gc.collect()
        gc.freeze()
        gc.disable()  # nothing here is cyclic, and a pause of ours would be the server's

    def _ended(self, started_s: float) -> Outcome:
        gc.enable()
        self._out.seconds = time.monotonic() - started_s
        for line in list(self._lines.values()):
            if line.ask is not None:
                self._out.unfinished[line.ask.kind] += 1
                self._close(line)
        return self._out

    def _turn(self, wait_s: float) -> None:
        """Wait, but not past what is due, and read what has come."""
        now_s = time.monotonic()
        if self._slow:
            wait_s = min(wait_s, self._slow[0][0] - now_s)
        if wait_s > 0:  # epoll counts in milliseconds, select in microseconds
            select.select([self._epoll], [], [], wait_s)
        for fd, _ in self._epoll.poll(0):
            line = self._lines.get(fd)
            if line is not None:
                self._read(line, _TAKEN_BYTES)
        now_s = time.monotonic()
        if now_s > self._sweep_s:
            self._sweep_s = now_s + 1
            self._give_up(now_s)
        while self._slow and self._slow[0][0] <= now_s:
            _, fd, line = heapq.heappop(self._slow)
            if self._lines.get(fd) is line:
                self._read(line, TRICKLE_BYTES)
                if self._lines.get(fd) is line and line.ask is not None:
                    heapq.heappush(self._slow, (now_s + TRICKLE_S, fd, line))

    def _send(self, ask: Ask, due_s: float, again: bool = False) -> None:
        self._out.sent[ask.kind] += not again
        slow = ask.kind == "slow"
        line = None if slow or again else self._take(ask.accept)
        try:
            line = line or self._connect(ask.accept, slow)
        except OSError as error:
            self._fail(ask, f"no connection: {error}")
            self._over(ask)
            return
        line.ask, line.due_s, line.again = ask, due_s, again
        extra = self._judge.condition(ask, line.browser.accept, self._rng) if ask.way != "plain" else b""
        if not extra and ask.way != "plain":  # nothing known yet
            line.ask = Ask(ask.kind, ask.target)
        message = b"GET %s HTTP/1.1\r\n%s%s\r\n" % (ask.target.encode(), line.browser.fields, extra)
        line.sent_s = time.monotonic()
        try:
            line.sock.send(message)
        except OSError:
            self._break(line)
            return
        if slow:
            heapq.heappush(self._slow, (line.sent_s + TRICKLE_S, line.sock.fileno(), line))

    def _take(self, accept: int | None) -> Line | None:
        """An idle connection, any one."""
        idle = self._idle[self._rng.randrange(SPELLINGS) if accept is None else accept]
        if not idle:
            return None
        at = self._rng.randrange(len(idle))
        idle[at], idle[-1] = idle[-1], idle[at]
        return idle.pop()

    def _connect(self, accept: int | None, slow: bool) -> Line:
        if len(self._lines) >= _MOST_CONNECTIONS:
            raise OSError("too many")
        sock = Line.connected(self._port, slow)
        self._browsers += 1
        spelling = self._rng.randrange(SPELLINGS) if accept is None else accept
        browser = Browser.of(self._browsers * SPELLINGS + spelling)
        line = Line(sock, browser, self._rng.randint(*_LIFE), time.monotonic())
        self._lines[sock.fileno()] = line
        self._out.most_connections = max(self._out.most_connections, len(self._lines))
        if not slow:
            self._epoll.register(sock.fileno(), select.EPOLLIN)
        return line

    def _read(self, line: Line, most_bytes: int) -> None:
        try:
            size, ancillary, _, _ = line.sock.recvmsg_into([self._view[:most_bytes]], 64)
        except BlockingIOError:
            return
        except OSError:
            size, ancillary = 0, []
        if not size:
            self._break(line)
            return
        whole: bytes | bytearray
        if line.buffer or line.need >= 0:
            line.buffer += self._view[:size]
            whole = line.buffer
        else:
            whole = bytes(self._view[:size])
        if line.need < 0:
            line.need = Answer.length(whole)
        if line.need < 0 or len(whole) < line.need:
            if whole is not line.buffer:
                line.buffer += whole
            return
        arrived_s = line.sent_s
        if ancillary:
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            arrived_s = seconds + nanoseconds / 1e9 - self._wall_s
        self._answered(line, whole, arrived_s)

    def _answered(self, line: Line, whole: bytes | bytearray, arrived_s: float) -> None:
        now_s, ask = time.monotonic(), line.ask
        if ask is None:
            self._fail(Ask("nobody", ""), "an answer to no request")
            self._idle[line.browser.accept].remove(line)
            self._close(line)
            return
        answer, complaint = self._judge.judge(ask, line.browser.accept, whole, line.need)
        if complaint:
            self._fail(ask, complaint)
        elif ask.kind == "miss":
            self._mix.made(ask.target, line.browser.accept, now_s)
        name = f"{ask.kind} {ask.way if answer.was in ('memory', 'disk') else ''}".strip()
        self._out.done[f"{name}: {answer.status} {answer.was}"] += 1
        kind = ask.kind if ask.kind in ("error", "slow") else "hit" if answer.is_hit else "miss"
        row = self._out.times.setdefault(kind, array("d"))
        row.extend(
            (line.due_s, (now_s - line.due_s) * 1e3, (line.sent_s - line.due_s) * 1e3, (arrived_s - line.sent_s) * 1e3)
        )
        line.ask, line.need, line.used, line.left = None, -1, line.used + 1, line.left - 1
        line.buffer.clear()
        if line.left <= 0 or ask.kind == "slow" or answer.closes:
            self._close(line)
        else:
            self._idle[line.browser.accept].append(line)
        self._over(ask)

    def _over(self, ask: Ask) -> None:
        if self._on_done is not None and ask.kind not in ("slow", "error"):
            self._on_done()

    def _break(self, line: Line) -> None:
        """The connection ended.  What was asked is asked once more, by another one."""
        ask, now_s = line.ask, time.monotonic()
        if ask is None:
            self._idle[line.browser.accept].remove(line)
        else:
            self._out.broken.append(line.broken(ask, now_s))
        self._close(line)
        if ask is not None and line.again:
            self._fail(ask, "broken twice")
            self._over(ask)
        elif ask is not None:
            self._send(ask, line.due_s, again=True)

    def _close(self, line: Line) -> None:
        self._lines.pop(line.sock.fileno(), None)
        line.sock.close()

    def _give_up(self, now_s: float) -> None:
        for line in list(self._lines.values()):
            if line.ask is not None and now_s - line.sent_s > line.ask.impatience_s:
                self._fail(line.ask, f"nothing within {line.ask.impatience_s} s")
                self._close(line)
                self._over(line.ask)

    def _fail(self, ask: Ask, what: str) -> None:
        self._out.wrong[f"{ask.kind}: {what}"] += 1
        if len(self._out.examples) < 20:
            self._out.examples.append(f"{ask.kind} {ask.target}: {what}")


def work(told: Pipe, port: int, shares: Shares, seed: int) -> None:
    """Do what *told* says, ``(name of a method of Client, its arguments)``, until it says None.

    Where it may, it has a core whenever it wants one, as on a machine of its own: how late it is says nothing of the server.
    """
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    client = Client(port, shares, seed)
    while (task := told.recv()) is not None:
        name, arguments = task
        told.send(getattr(client, name)(*arguments))
