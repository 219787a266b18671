"""Announcements kept in a Redis stream: who was away for a moment reads what it missed, who starts reads all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxy.replicas.connection import RedisConnection

_KEPT = 10_000
_AT_ONCE = 500
_FIELD = "purge"


class RedisAnnouncements:
    """The Announcements of one web worker."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._stream = f"{connection.prefix}purges"
        self._last = "0"
        self.retry_s = connection.retry_s

    async def send(self, text: str) -> bool:
        commands = self._connection.commands
        sent = await self._connection.ask(
            "announce", lambda: commands.xadd(self._stream, {_FIELD: text}, maxlen=_KEPT, approximate=True)
        )
        return sent is not None

    async def receive(self, wait_s: float) -> Sequence[str] | None:
        listener, block_ms = self._connection.listener, round(wait_s * 1000) or None  # BLOCK 0 would be for ever

        async def read() -> list[Any]:
            found: Any = await listener.xread({self._stream: self._last}, count=_AT_ONCE, block=block_ms)
            return found or []  # nothing new comes as None, which here means that nobody answered

        answer = await self._connection.ask("listen", read, longer_s=wait_s)
        if answer is None:
            return None
        texts = []
        for _, entries in answer:
            for id_, fields in entries:
                self._last = id_
                texts.append(fields.get(_FIELD, ""))
        return texts
