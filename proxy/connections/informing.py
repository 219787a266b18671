"""Interim answers (1xx, RFC 9110 §15.2) to a client, below ASGI, which has no message for them."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

SCOPE_KEY = "mogr.inform"
"""Where the application finds the ``Informing`` of a request whose client takes interim answers."""
MAX_ANSWERS = 10
"""For one request; httpd's proxy passes on as many."""
MAX_BYTES = 16_384
"""Of all those together: what is before us may have no more room for a header section."""
_NEVER = frozenset({100, 101})
"""Said by the server itself, and never said."""


class Informing:
    """Writes interim answers to one request of HTTP/1.1 before its final one; any more than is bounded are left out.

    A request that waits for earlier ones on its connection is given to nobody who could write, so answers keep their order.
    """

    __slots__ = ("_answers", "_bytes", "_cycle")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        # The request's scope holds this: with a reference back, all of a request would wait for the garbage collector.
        self._cycle = weakref.ref(cycle)
        self._answers = self._bytes = 0

    def __call__(self, status: int, lines: Sequence[tuple[bytes, bytes]]) -> None:
        """Send *status* with *lines* at once.

        Nothing is sent once the final answer has begun, nor to a client that is gone or has yet to take what it was sent
        before: these are hints, and nobody waits for their being taken.
        """
        cycle = self._cycle()
        if (
            cycle is None
            or cycle.response_started
            or cycle.disconnected
            or cycle.flow.write_paused
            or cycle.transport.is_closing()
        ):
            return
        if not 100 <= status <= 199 or status in _NEVER:
            return
        if any(HEADER_RE.search(name) or HEADER_VALUE_RE.search(value) for name, value in lines):
            return
        head = b"".join([STATUS_LINE[status], *(b"%b: %b\r\n" % line for line in lines), b"\r\n"])
        if self._answers == MAX_ANSWERS or self._bytes + len(head) > MAX_BYTES:
            return
        self._answers += 1
        self._bytes += len(head)
        cycle.transport.write(head)
