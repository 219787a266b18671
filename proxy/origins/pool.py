"""Connections to an origin, kept to be used again: at most so many at a time, whoever waits longest served first.

httpcore's own pool looks at every connection it has, and from each at all others, when a request comes and when it ends: with 64
of them idle a request took milliseconds.  Here each is looked at when it is taken, and what was idle for too long is found at
one end of the list.  The connections themselves are httpcore's.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass

import httpcore

KEEPALIVE_S = 15.0


@dataclass(slots=True, eq=False)
class _Waiting:
    """Somebody for whom there was no place: gets a connection, or None for the place of one."""

    origin: httpcore.Origin
    served: asyncio.Future[httpcore.AsyncHTTPConnection | None]


class ConnectionPool:
    """Used from one event loop's thread.  Whoever takes a connection sends one request on it and gives it back."""

    def __init__(
        self, backend: httpcore.AsyncNetworkBackend, ssl_context: ssl.SSLContext, *, max_connections: int
    ) -> None:
        """Nothing is connected yet, nor by ``take``: a connection does that with its first request."""
        self._backend = backend
        self._ssl_context = ssl_context
        self._free = max_connections
        """Places without a connection."""
        self._idle: dict[httpcore.AsyncHTTPConnection, httpcore.Origin] = {}
        """In the order in which they became so."""
        self._taken: set[httpcore.AsyncHTTPConnection] = set()
        self._waiting: deque[_Waiting] = deque()
        self._closed = False

    async def take(self, origin: httpcore.Origin, within_s: float) -> httpcore.AsyncHTTPConnection:
        """A connection to *origin*: of those that are idle the one used last, or a new one.

        Cancelling leaves the place to others.

        Raises:
            httpcore.PoolTimeout: all are in use, and remained so for *within_s*.
        """
        connection = await self._found(origin, within_s)
        self._taken.add(connection)
        return connection

    async def _found(self, origin: httpcore.Origin, within_s: float) -> httpcore.AsyncHTTPConnection:
        await self._close_expired()
        while self._idle or self._free:  # from the beginning after each closing: others come and go meanwhile
            connection = self._used_last(origin)
            if connection is None and self._free:
                self._free -= 1
                return self._made(origin)
            if connection is None:  # one to another origin, where one redirects, makes room
                connection = next(iter(self._idle))
            elif not connection.has_expired():
                del self._idle[connection]
                return connection
            await self._drop(connection)
        return await self._wait(origin, within_s) or self._made(origin)

    async def give_back(self, connection: httpcore.AsyncHTTPConnection, origin: httpcore.Origin) -> None:
        """Have *connection*, taken for *origin*, used again, if it can be; else it is closed."""
        self._taken.discard(connection)
        usable = (
            not self._closed and not connection.is_closed() and connection.is_idle() and not connection.has_expired()
        )
        waiting = self._first_waiting()
        if waiting is not None:
            usable = usable and waiting.origin == origin
            waiting.served.set_result(connection if usable else None)
        elif usable:
            self._idle[connection] = origin
        else:
            self._free += 1
        if not usable:
            await connection.aclose()

    async def aclose(self) -> None:
        """Close every connection, also those in use; what is given back from now on is not kept."""
        self._closed = True
        idle, self._idle = self._idle, {}
        self._free += len(idle)
        for connection in (*idle, *self._taken):
            await connection.aclose()

    def _used_last(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection | None:
        return next((each for each, its in reversed(self._idle.items()) if its == origin), None)

    def _made(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        return httpcore.AsyncHTTPConnection(
            origin=origin,
            ssl_context=self._ssl_context,
            keepalive_expiry=KEEPALIVE_S,
            network_backend=self._backend,
        )

    async def _wait(self, origin: httpcore.Origin, within_s: float) -> httpcore.AsyncHTTPConnection | None:
        waiting = _Waiting(origin, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(within_s):
                return await waiting.served
        except BaseException as error:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            if waiting.served.done() and not waiting.served.cancelled():  # served just then
                await self._pass_on(waiting.served.result(), origin)
            if isinstance(error, TimeoutError):
                raise httpcore.PoolTimeout from None
            raise

    async def _pass_on(self, served: httpcore.AsyncHTTPConnection | None, origin: httpcore.Origin) -> None:
        if served is not None:
            await self.give_back(served, origin)
            return
        waiting = self._first_waiting()
        if waiting is not None:
            waiting.served.set_result(None)
        else:
            self._free += 1

    def _first_waiting(self) -> _Waiting | None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.served.done():
                return waiting
        return None

    async def _close_expired(self) -> None:
        while self._idle:
            oldest = next(iter(self._idle))
            if not oldest.has_expired():
                return
            await self._drop(oldest)

    async def _drop(self, idle: httpcore.AsyncHTTPConnection) -> None:
        del self._idle[idle]
        self._free += 1
        await idle.aclose()
