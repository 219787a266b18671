"""What supervisor and web worker tell each other, and the worker's end of it.

One SEQPACKET socket pair per worker, one JSON object per message:

    worker      {"event": "ready"}                      requests are accepted
    supervisor  {"ask": "totals"}
    worker      {"event": "totals", "totals": {…}}      cumulative since the worker's start; also before it exits

End of file at the worker's end means that the supervisor is gone, and so must be the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Callable, Mapping
from typing import Any

MESSAGE_BYTES = 1 << 20
"""The longest message read; totals are a few kilobytes."""


def pair() -> tuple[socket.socket, socket.socket]:
    """The supervisor's end and the worker's; both non-blocking, neither inherited unless passed on by name."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


async def send(sock: socket.socket, message: Mapping[str, object]) -> None:
    """Send one message; nothing happens if the other end is gone.

    The kernel takes a message whole or not at all, so cancelling leaves no half of one.
    """
    with contextlib.suppress(ConnectionError, OSError):
        await asyncio.get_running_loop().sock_sendall(sock, json.dumps(message, separators=(",", ":")).encode())


async def receive(sock: socket.socket) -> dict[str, Any] | None:
    """The next message; an empty one if it is not a JSON object; None at the end."""
    try:
        data = await asyncio.get_running_loop().sock_recv(sock, MESSAGE_BYTES)
    except OSError:
        return None
    if not data:
        return None
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def end_this_process() -> None:
    """Ask this process to end as an operator would: it stops accepting and drains."""
    os.kill(os.getpid(), signal.SIGTERM)


class ControlClient:
    """The web worker's end.

    Args:
        fd: the inherited descriptor; this object owns it from now on.
        totals: called on the event loop for each answer.
        on_lost: called once when the supervisor is gone; the default ends this process by SIGTERM.
    """

    def __init__(
        self, fd: int, totals: Callable[[], Mapping[str, object]], *, on_lost: Callable[[], None] = end_this_process
    ) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)
        self._totals = totals
        self._on_lost = on_lost
        self._answers: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Say that requests are accepted, and from now on answer what is asked."""
        if self._answers is None:
            self._answers = asyncio.create_task(self._answer(), name="control")
        await send(self._socket, {"event": "ready"})

    async def finish(self) -> None:
        """Hand over the final totals and close: the last thing before exit, after the last request was counted."""
        if self._answers is not None:
            self._answers.cancel()
            await asyncio.gather(self._answers, return_exceptions=True)
        await self._tell()
        self._socket.close()

    async def _answer(self) -> None:
        while (message := await receive(self._socket)) is not None:
            if message.get("ask") == "totals":
                await self._tell()
        self._on_lost()

    async def _tell(self) -> None:
        await send(self._socket, {"event": "totals", "totals": self._totals()})
