"""What replicas tell each other through Redis: whose turn it is, and what was purged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from proxy.ports import Announcements, Leases, Meter
from proxy.replicas.announcements import RedisAnnouncements
from proxy.replicas.connection import RedisConnection
from proxy.replicas.leases import RedisLeases
from proxy.settings import Redis


@dataclass(frozen=True, slots=True)
class Replicas:
    """The ways of one web worker to the others."""

    leases: Leases
    announcements: Announcements
    aclose: Callable[[], Awaitable[None]]


def open_redis(settings: Redis, meter: Meter, complain: Callable[[str, str], None]) -> Replicas:
    """Connects when something is first asked; *complain* as ``RedisConnection`` has it."""
    connection = RedisConnection(
        settings.url.get_secret_value(),
        prefix=settings.prefix,
        timeout_s=settings.timeout_ms / 1000,
        retry_s=settings.retry_s,
        meter=meter,
        complain=complain,
    )
    return Replicas(RedisLeases(connection), RedisAnnouncements(connection), connection.aclose)


__all__ = ["RedisAnnouncements", "RedisConnection", "RedisLeases", "Replicas", "open_redis"]
