"""Redis, asked so that nobody waits for it: every exchange is bounded, and after a failure there is none for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from proxy.ports import Meter
from proxy.replicas.breaker import Breaker

T = TypeVar("T")
_AT_ONCE = 8
"""Connections of one web worker for what requests wait for; commands take a fraction of a millisecond each."""


class RedisConnection:
    """One web worker's way to one Redis server.

    Args:
        url: ``redis://``, ``rediss://`` (TLS) or ``unix://``, as ``configuration`` checked it.
        prefix: what every key begins with.
        timeout_s: bound of one exchange, connecting included.
        retry_s: how long nothing is asked after a failure.
        complain: told once when Redis begins to fail, and why.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str,
        timeout_s: float,
        retry_s: float,
        meter: Meter,
        complain: Callable[[str, str], None],
        breaker: Breaker | None = None,
    ) -> None:
        self.prefix = prefix
        self.retry_s = retry_s
        self._timeout_s = timeout_s
        self._meter = meter
        self._complain = complain
        self._breaker = breaker or Breaker(retry_s)
        # No retries of the library's own: they would multiply the bound.  RESP 2 and no names: connecting is one round trip.
        common = {"retry": Retry(NoBackoff(), 0), "protocol": 2, "driver_info": None, "decode_responses": True}
        self._pool = BlockingConnectionPool.from_url(
            url, max_connections=_AT_ONCE, timeout=None, socket_timeout=None, socket_connect_timeout=None, **common
        )
        self.commands = Redis(connection_pool=self._pool)
        # Listening takes a connection for long, which those that requests wait for shall not lack.
        self._listening = ConnectionPool.from_url(url, socket_timeout=None, socket_connect_timeout=None, **common)
        self.listener = Redis(connection_pool=self._listening)

    async def ask(self, operation: str, work: Callable[[], Awaitable[T]], *, longer_s: float = 0.0) -> T | None:
        """What *work* answers; None if Redis does not, or is not asked.  Never raises for that.

        *longer_s*: what the answer may take besides, because waiting for something is what was asked.
        """
        if not self._breaker.lets_through():
            self._meter.redis(operation, "skipped")
            return None
        try:
            async with asyncio.timeout(self._timeout_s + longer_s):
                answer = await work()
        except Exception as error:  # whatever the library, the network or the server fails with
            self._failed(operation, error)
            return None
        self._breaker.succeeded()
        self._meter.redis(operation, "ok")
        return answer

    def _failed(self, operation: str, error: Exception) -> None:
        self._meter.redis(operation, "failed")
        if not self._breaker.failing:
            # An error's text may quote the URL; its class is enough to look for the cause.
            self._complain("Redis does not answer; replicas do without it.", type(error).__name__)
        self._breaker.failed()

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in (self._pool, self._listening):
            try:
                async with asyncio.timeout(self._timeout_s):
                    await pool.disconnect()
            except Exception:  # it goes with the process
                continue
