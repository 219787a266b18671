"""How slowly a client may take its answer: one that hardly reads would hold a stream, a place at the origin and its
connection for ever (slowloris in the other direction, security-tests T22).
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import socket
import struct
import termios
from dataclasses import dataclass

_RESET = struct.pack("ii", 1, 0)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """A client that took less than ``least_bytes_per_s`` on average over ``window_s`` is cut off; 0: none ever is."""

    window_s: float = 60.0
    least_bytes_per_s: int = 240

    @property
    def least_bytes(self) -> int:
        """What a client has to take in one window."""
        return max(1, round(self.window_s * self.least_bytes_per_s))


class Reader:
    """The client at the other end of *transport*, watched while something waits to be taken by it."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, patience: Patience) -> None:
        self._transport = transport
        self._loop = loop
        self._patience = patience
        self._timer: asyncio.TimerHandle | None = None
        self._unread_bytes = 0

    def watch(self) -> None:
        """Begin to look at its pace, unless that is done already; what waits may only become less from now on."""
        if self._timer is None and self._patience.least_bytes_per_s:
            self._unread_bytes = self._waiting_bytes()
            self._timer = self._loop.call_later(self._patience.window_s, self._look)

    def rest(self) -> None:
        """Look no longer: it has taken what it was given, or is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        taken_bytes = self._unread_bytes - self._waiting_bytes()
        if taken_bytes >= self._patience.least_bytes:
            self.watch()
            return
        _log.info("A client took %d bytes in %g s and is cut off.", taken_bytes, self._patience.window_s)
        sock: socket.socket | None = self._transport.get_extra_info("socket")
        if sock is not None:  # or the kernel would keep offering the rest of its buffer
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def _waiting_bytes(self) -> int:
        """What was written and not acknowledged, in the kernel's buffer too: that one empties in large steps."""
        waiting_bytes = self._transport.get_write_buffer_size()
        sock: socket.socket | None = self._transport.get_extra_info("socket")
        if sock is not None:
            try:
                queued = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
            except (OSError, ValueError):  # closed, or not a kind of socket that tells
                return waiting_bytes
            waiting_bytes += struct.unpack("i", queued)[0]
        return waiting_bytes
