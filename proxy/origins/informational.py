"""Interim answers (1xx, RFC 9110 §15.2) of an origin, taken out of what it sends before the client library sees them.

httpcore reads them and drops them.  Here they are cut off the front of a response, each a header section of its own, and told
to whoever asked for that response, if it listens; 101 is left where it is, for it ends HTTP on its connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import h11
import httpcore

Listener = Callable[[int, Sequence[tuple[bytes, bytes]]], None]

MAX_ANSWERS = 100
"""Before one response; none of the applications that report their progress sends so many."""
MAX_BYTES = 128 * 1024
"""Of all of them together, as much as a single header section may have."""
_BEGIN = re.compile(rb"HTTP/\d\.\d 1(?!01)\d\d[ \r\n]")
# httpcore tells a stream only what to read: the task that reads is the one that asked.
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener | None) -> Iterator[None]:
    """Tell *listener*, within, of the interim answers to what this task asks: status and lines as they came."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def is_interim(head: bytes) -> bool:
    """Whether a whole header section is of an answer after which another one comes."""
    return _BEGIN.match(head) is not None


class Informational:
    """The interim answers before one response."""

    def __init__(self) -> None:
        self._answers = self._bytes = 0

    def take(self, head: bytes) -> None:
        """Tell the listener of *head*, a whole header section.

        Raises:
            httpcore.RemoteProtocolError: it cannot be read, or there are too many.
        """
        self._answers += 1
        self._bytes += len(head)
        if self._answers > MAX_ANSWERS or self._bytes > MAX_BYTES:
            raise httpcore.RemoteProtocolError("too many interim answers")
        status, lines = _parsed(head)
        if (listener := _listener.get()) is not None:
            listener(status, lines)


def _parsed(head: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    """By the parser, and thus the strictness, that reads every other header section of an origin."""
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_BYTES)
    parser.send(h11.Request(method="GET", target="/", headers=[("host", "")]))
    parser.send(h11.EndOfMessage())
    try:
        parser.receive_data(head)
        event = parser.next_event()
    except h11.RemoteProtocolError as error:
        raise httpcore.RemoteProtocolError(str(error)) from error
    assert isinstance(event, h11.InformationalResponse)
    return event.status_code, event.headers.raw_items()
