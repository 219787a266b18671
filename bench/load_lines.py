"""Connections of ``bench/load.py``'s generator, and what became of the requests on them."""

from __future__ import annotations

import socket
from array import array
from collections import Counter
from dataclasses import dataclass, field

from load_mix import Ask, Browser

TRICKLE_BYTES, TRICKLE_S = 16_384, 0.125
"""What a slow reader takes at a time, and how often."""
_SO_TIMESTAMPNS = 35
_CONNECT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A request whose connection ended before its answer did."""

    kind: str
    port: int
    """Ours: whom the connection led to, the kernel knows."""
    opened_s: float
    sent_s: float
    ended_s: float
    received_bytes: int
    fresh: bool


@dataclass(slots=True)
class Outcome:
    """What became of one run."""

    seconds: float = 0.0
    sent: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    """By kind and what the server says it was: memory, disk, miss, …"""
    wrong: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    unfinished: Counter[str] = field(default_factory=Counter)
    times: dict[str, array[float]] = field(default_factory=dict)
    """By kind, four numbers for each: when it was due, s; from then to the end, how late it was sent, and from then
    until the kernel had the end, all ms."""
    most_connections: int = 0


class Line:
    """One connection and what is under way on it."""

    __slots__ = ("again", "ask", "browser", "buffer", "due_s", "left", "need", "opened_s", "sent_s", "sock", "used")

    def __init__(self, sock: socket.socket, browser: Browser, left: int, opened_s: float) -> None:
        self.sock, self.browser, self.left, self.opened_s = sock, browser, left, opened_s
        self.ask: Ask | None = None
        self.due_s = self.sent_s = 0.0
        self.buffer = bytearray()
        self.need = -1
        self.used = 0
        self.again = False

    @staticmethod
    def connected(port: int, slow: bool) -> socket.socket:
        """A new connection to *port*.

        Raises:
            OSError: it cannot be made.
        """
        sock = socket.socket()
        try:
            if slow:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * TRICKLE_BYTES)
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(_CONNECT_S)
            sock.connect(("127.0.0.1", port))
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise
        return sock

    def broken(self, ask: Ask, now_s: float) -> Broken:
        """What is known of *ask*, under which the connection ended."""
        return Broken(
            kind=ask.kind,
            port=self.sock.getsockname()[1],
            opened_s=self.opened_s,
            sent_s=self.sent_s,
            ended_s=now_s,
            received_bytes=len(self.buffer),
            fresh=self.used == 0,
        )
