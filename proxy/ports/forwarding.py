"""Where requests are carried to as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from proxy.core.http_cache.ending import Ending

Inform = Callable[[int, Sequence[tuple[bytes, bytes]]], None]
"""Sends an interim answer (1xx) at once: its status and the end-to-end part of its header section.  It never waits, and does
nothing where none can be sent (any more)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardRequest:
    """A request to be carried to an origin as it is."""

    method: str
    raw_path: bytes
    raw_query: bytes
    """As received, without ``?``; what the path names lies below the origin's own prefix."""
    lines: Sequence[tuple[bytes, bytes]]
    """The header section, fields of a hop (Host and framing among them) excepted."""
    body: AsyncIterator[bytes] | None = None
    """Read once, while it is sent; its errors are passed on."""
    body_bytes: int | None = None
    """Length of the body; None: not known, or there is none."""
    inform: Inform | None = None
    """Told of the interim answers that come before the answer, 100 and 101 excepted."""


class Forwarded(Protocol):
    """An origin's answer, of a status from 200 to 599, to a forwarded request; the caller must close it."""

    status: int
    lines: Sequence[tuple[bytes, bytes]]
    """The end-to-end part of the header section in its order, without Content-Length; names in lower case."""
    ending: Ending
    size_bytes: int | None
    """What Content-Length says; None if it does not."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


class Forwarder(Protocol):
    """An origin that requests can be carried to."""

    async def forward(self, request: ForwardRequest) -> Forwarded:
        """Send *request* once and wait for the header section of its answer, whatever its status.

        Raises:
            InvalidUri: the path could leave the origin's prefix.
            RequestTooSlow, UnclearBody: the body did not arrive fast enough, or was not as long as announced.
            OriginForbidden: an address that is not allowed.
            OriginUnavailable, OriginTimeout: no usable answer.
        """
        ...
