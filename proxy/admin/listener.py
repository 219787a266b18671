"""Serving the admin application inside the supervisor's own event loop, which is idle however busy the edge is."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from proxy.connections.protocol import BoundedProtocol


class AdminListener:
    """One uvicorn server on a socket that the caller bound."""

    def __init__(self, sock: socket.socket, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            # No limit of connections: idle ones are cheap, end by themselves, and must not make /livez fail.
            http=BoundedProtocol,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._socket = sock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to answer; returns at once."""
        self._task = asyncio.create_task(self._server.serve([self._socket]), name="admin listener")

    async def stop(self) -> None:
        """Finish the answers under way (a second at most) and close the socket."""
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        self._socket.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the supervisor's."""
        yield
