"""What supervisor and web worker tell each other, and the worker's end of it.

One SEQPACKET socket pair per worker, one JSON object per message:

    worker      {"event": "ready"}                      requests are accepted
    supervisor  {"ask": "totals"}
    worker      {"event": "totals", "totals": {…}}      cumulative since the worker's start; also before it exits
    supervisor  {"call": NAME, "id": N, "argument": …}
    worker      {"event": "result", "id": N, "result": …}   or "error": a sentence

End of file at the worker's end means that the supervisor is gone, and so must be the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

Call = Callable[[Any], Awaitable[object]]
"""Given the call's argument, a JSON value; answers one."""
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
        calls: what else the supervisor may ask to be done, by name; each call runs beside the others.
        on_lost: called once when the supervisor is gone; the default ends this process by SIGTERM.
    """

    def __init__(
        self,
        fd: int,
        totals: Callable[[], Mapping[str, object]],
        *,
        calls: Mapping[str, Call] = MappingProxyType({}),
        on_lost: Callable[[], None] = end_this_process,
    ) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)
        self._totals = totals
        self._calls = calls
        self._on_lost = on_lost
        self._answers: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def ready(self) -> None:
        """Say that requests are accepted, and from now on answer what is asked."""
        if self._answers is None:
            self._answers = asyncio.create_task(self._answer(), name="control")
        await send(self._socket, {"event": "ready"})

    async def finish(self) -> None:
        """Hand over the final totals and close: the last thing before exit, after the last request was counted."""
        if self._answers is not None:
            self._answers.cancel()
            await asyncio.gather(self._answers, *self._under_way, return_exceptions=True)
        await self._tell()
        self._socket.close()

    async def _answer(self) -> None:
        while (message := await receive(self._socket)) is not None:
            if message.get("ask") == "totals":
                await self._tell()
            elif "call" in message:
                task = asyncio.create_task(self._do(message), name=f"call {message['call']}")
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
        self._on_lost()

    async def _do(self, message: Mapping[str, Any]) -> None:
        answer: dict[str, object] = {"event": "result", "id": message.get("id")}
        try:
            answer["result"] = await self._calls[message["call"]](message.get("argument"))
        except Exception as error:  # the supervisor must not wait for an answer that never comes
            answer["error"] = f"{type(error).__name__}: {error}"
        await send(self._socket, answer)

    async def _tell(self) -> None:
        await send(self._socket, {"event": "totals", "totals": self._totals()})
