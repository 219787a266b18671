"""What a shared cache is asked and what it answers, as values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from proxy.core.fields.cache_status import CacheStatus
from proxy.core.http_cache.messages import CacheRequest
from proxy.ports import Forwarded, Forwarder, ForwardRequest
from proxy.service.pages import Url


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request to a bucket that passes through."""

    url: Url
    forwarder: Forwarder
    request: ForwardRequest
    view: CacheRequest
    host: str = ""
    """The authority that the client asked, port included."""
    scheme: str = "http"
    around: bool = False
    """Neither answered from what is kept, nor kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent."""

    status: int
    lines: list[tuple[bytes, bytes]]
    cache_status: CacheStatus
    body: bytes | AsyncIterator[bytes] = b""
    size_bytes: int | None = None
    """What Content-Length is to say; None: nothing."""
    close: Callable[[], Awaitable[None]] | None = None


def passed_on(answer: Forwarded, status: CacheStatus) -> Answer:
    """The origin's own answer, read as it is sent."""
    return Answer(
        status=answer.status, lines=list(answer.lines), cache_status=status, body=aiter(answer),
        size_bytes=answer.size_bytes, close=answer.aclose,
    )  # fmt: skip
