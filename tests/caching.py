"""Requests, answers and entries of the HTTP cache in few words, and an origin that follows a script.

Fields are keywords, ``_`` for ``-``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from fakes import DictCache, ManualClock, TallyMeter

from proxy.caches.memory import MemoryCache
from proxy.core.fields.dates import format_date
from proxy.core.http_cache.ending import Ending
from proxy.core.http_cache.messages import CacheRequest, Entry, combined
from proxy.core.http_cache.selecting import selection_of, vary_names
from proxy.core.purges import Ledger
from proxy.ports import ForwardRequest, Inform
from proxy.service.answers import Answers
from proxy.service.asking import Answer, Ask
from proxy.service.epochs import LocalEpochs
from proxy.service.pages import Page, Url
from proxy.service.shared_cache import SharedCache

NOW = 1_800_000_000.0


def lines(**fields: str | Sequence[str]) -> list[tuple[bytes, bytes]]:
    """A header section; a list of values makes a line of each."""
    return [
        (name.replace("_", "-").encode(), value.encode("latin-1"))
        for name, values in fields.items()
        for value in ([values] if isinstance(values, str) else values)
    ]


def asked(method: str = "GET", site: str = "", **fields: str | Sequence[str]) -> CacheRequest:
    return CacheRequest.of(method, lines(**fields), site=site)


def date(seconds_from_now: float = 0) -> str:
    return format_date(NOW + seconds_from_now)


def entry(
    request: CacheRequest | None = None,
    *,
    status: int = 200,
    received_at_s: float = NOW,
    size_bytes: int = 10,
    body_id: str = "id",
    **fields: str | Sequence[str],
) -> Entry:
    """What would be kept of an answer to *request*."""
    request = request or asked()
    told = lines(**fields)
    names = vary_names({"vary": str(fields.get("vary", ""))}) or ()
    return Entry.of(
        status,
        told,
        site=request.site,
        selection=selection_of(names, request),
        requested_at_s=received_at_s,
        received_at_s=received_at_s,
        body_id=body_id,
        size_bytes=size_bytes,
    )


class ScriptedAnswer:
    """A ``ports.Forwarded``; its body comes in pieces, the last of them once *gate* is open."""

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"body",
        *,
        declared: bool = True,
        ending: Ending = Ending.TOLD,
        gate: asyncio.Event | None = None,
        error: Exception | None = None,
        **fields: str | Sequence[str],
    ) -> None:
        self.status = status
        self.lines: Sequence[tuple[bytes, bytes]] = lines(**fields)
        self.size_bytes = len(body) if declared and status not in (204, 304) else None
        self.ending = ending
        self.closed = 0
        half = len(body) // 2
        self._pieces = [body[:half], body[half:]]
        self._gate = gate
        self._error = error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number, piece in enumerate(self._pieces, start=1):
            if self._gate is not None and number == len(self._pieces):
                await self._gate.wait()
            yield piece
        if self._error is not None:
            raise self._error

    async def aclose(self) -> None:
        self.closed += 1


class ScriptedForwarder:
    """A ``ports.Forwarder`` that gives the next answer, or error, of its script; *gate* holds all of them back."""

    def __init__(self, *script: ScriptedAnswer | Exception) -> None:
        self.script = list(script)
        self.requests: list[ForwardRequest] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.cancelled = 0

    async def forward(self, request: ForwardRequest) -> ScriptedAnswer:
        self.requests.append(request)
        if request.inform is not None:
            request.inform(103, [(b"link", b"a")])
        number = len(self.requests) - 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        told = self.script[number]
        if isinstance(told, Exception):
            raise told
        return told

    def fields(self, number: int = -1) -> dict[bytes, bytes]:
        return dict(self.requests[number].lines)


class Caching:
    """A shared cache over a script, with a clock that stands still and a disk that may be taken away."""

    def __init__(
        self,
        *script: ScriptedAnswer | Exception,
        disk: DictCache | None = None,
        memory_bytes: int = 1 << 20,
        largest_bytes: int = 1000,
        receiving_bytes: int = 1 << 20,
        epochs: LocalEpochs | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.origin = ScriptedForwarder(*script)
        self.clock = ManualClock(NOW)
        self.meter = TallyMeter()
        self.disk = disk
        self.ledger = ledger if ledger is not None else Ledger()
        self.answers = Answers(
            pages=MemoryCache[Page](memory_bytes, size_of=lambda page: page.size_bytes),
            bodies=MemoryCache[bytes](memory_bytes, size_of=len),
            disk=disk,
            epochs=epochs or LocalEpochs(),
            ledger=self.ledger,
            largest_bytes=largest_bytes,
        )
        self.cache = SharedCache(
            answers=self.answers, clock=self.clock, meter=self.meter, max_receiving_bytes=receiving_bytes
        )

    def ask(
        self,
        path: bytes = b"/a",
        method: str = "GET",
        *,
        site: str = "",
        around: bool | None = None,
        inform: Inform | None = None,
        **fields: str | Sequence[str],
    ) -> Ask:
        sent = lines(**fields)
        return Ask(
            url=Url("b", path),
            forwarder=self.origin,
            request=ForwardRequest(method=method, raw_path=path, raw_query=b"", lines=sent, inform=inform),
            view=CacheRequest.of(method, sent, site=site),
            host="h",
            around=method not in ("GET", "HEAD") if around is None else around,
        )

    async def get(self, path: bytes = b"/a", method: str = "GET", **how: Any) -> Got:
        """The whole answer, once its body is read and what it leaves behind is done."""
        got = await read(await self.cache.answer(self.ask(path, method, **how)))
        await settle()
        return got


@dataclass(frozen=True)
class Got:
    status: int
    body: bytes
    fields: dict[str, str]
    cache: str


async def read(answer: Answer) -> Got:
    body = answer.body if isinstance(answer.body, bytes) else b"".join([chunk async for chunk in answer.body])
    if answer.close is not None:
        await answer.close()
    return Got(answer.status, body, combined(answer.lines), answer.cache_status.format())


async def settle() -> None:
    """Let everything that is ready run."""
    for _ in range(30):
        await asyncio.sleep(0)
