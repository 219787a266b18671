"""One answer, ready to be sent: status, fields, and a body that is bytes or still being read."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from starlette.types import Send


class _Spelt(bytes):
    """A field name that keeps its capitals (uvicorn writes what ``lower`` makes of it) and equals the one without."""

    __slots__ = ()

    def lower(self) -> bytes:
        return self

    def __eq__(self, other: object) -> bool:
        return bytes(self).lower() == other

    def __hash__(self) -> int:
        return hash(bytes(self).lower())


# COS' Python SDK hands header fields to its users as a plain dict: they look these up capitals and all, as COS sends them.
_NAMES = (
    "Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length",
    "Content-Range", "Content-Type", "Date", "ETag", "Expires", "Last-Modified", "Location", "Vary",
)  # fmt: skip
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SPELT = {name.lower(): _Spelt(name.encode()) for name in _NAMES}


@dataclass(slots=True, kw_only=True)
class Reply:
    """``size_bytes`` is what Content-Length says: of a HEAD answer, what GET would have sent."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | AsyncIterator[bytes] = b""
    size_bytes: int | None = None
    close: Callable[[], Awaitable[None]] | None = None
    """Called when the answer was sent, or was not."""
    sent: Callable[[], None] | None = None
    """Called when it was: what needs not be done before."""
    kind: str = "other"
    """For the metrics: ``object``, ``rendition`` or ``other``."""
    cache: str = ""
    """For the log: what ``Cache-Status`` says."""

    async def send(self, send: Send, *, head: bool) -> int:
        """Write the answer; returns the bytes of body sent.  Cancelling closes what was being read."""
        try:
            sent_bytes = await self._send(send, head=head)
            if self.sent is not None:
                self.sent()
            return sent_bytes
        finally:
            if self.close is not None:
                await self.close()

    def lines(self) -> list[tuple[bytes, bytes]]:
        """The header section as it is written, Content-Length where it is known."""
        size_bytes = len(self.body) if isinstance(self.body, bytes) and self.size_bytes is None else self.size_bytes
        headers = self.headers
        if self.status == 206:  # what part it is stands beside its length, as in ``connections.parts``
            headers = sorted(headers, key=lambda field: field[0] == "content-range")
        raw = [(_SPELT.get(name) or name.encode("latin-1"), _printable(value)) for name, value in headers]
        if size_bytes is not None and self.status not in (204, 304):
            raw.append((_SPELT["content-length"], str(size_bytes).encode()))
        return raw

    async def _send(self, send: Send, *, head: bool) -> int:
        await send({"type": "http.response.start", "status": self.status, "headers": self.lines()})
        if head or self.status == 304:
            await send({"type": "http.response.body", "body": b""})
            return 0
        if isinstance(self.body, bytes):
            await send({"type": "http.response.body", "body": self.body})
            return len(self.body)
        sent_bytes = 0
        async for chunk in self.body:
            sent_bytes += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return sent_bytes


def _printable(value: str) -> bytes:
    """A field value that can end no line (RFC 9110 §5.5), whatever an origin or a store made of it."""
    return _UNPRINTABLE.sub("", value).encode("latin-1", "replace")
