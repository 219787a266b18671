"""What the edge writes down: one JSON line per request if asked, and one per error that somebody should see.

Lines are handed to a thread of their own, many at a time: a slow terminal or a full pipe never holds up a request.
"""

from __future__ import annotations

import json
import queue
import re
import sys
import threading
from collections.abc import Callable
from typing import TextIO

from proxy.errors import MogrError
from proxy.ports import Clock
from proxy.web.peers import Peers
from proxy.web.request import EdgeRequest

_MAX_WAITING_LINES = 10_000
_SHOWN = 1024
# Whoever reads the log must not be able to sign, or to repeat what was signed (spec 05: COS, CDN types A-D, S3).
_SECRET = re.compile(
    r"((?:^|[?&])(?:q-signature|sign|x-cos-security-token|x-amz-signature|x-amz-security-token|token)=)[^&]*",
    re.IGNORECASE,
)


class AccessLog:
    """Bounded: when the reader is slower than the requests, lines are dropped and the next line says how many."""

    def __init__(
        self,
        clock: Clock,
        *,
        requests: bool,
        peers: Peers | None = None,
        stream: TextIO | None = None,
        conceal: Callable[[EdgeRequest], EdgeRequest] = lambda request: request,
    ) -> None:
        """*conceal* takes out of a request what must not be read in a log, besides what can be told by its name."""
        self._clock = clock
        self._requests = requests
        self._peers = peers or Peers()
        self._stream = stream or sys.stderr
        self._conceal = conceal
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._dropped = 0
        self._writer = threading.Thread(target=self._write, name="access-log", daemon=True)
        self._writer.start()

    def request(
        self, request: EdgeRequest, request_id: str, status: int, sent_bytes: int, seconds: float, cache: str
    ) -> None:
        """One line per request, if ``server.access_log`` is ``json``."""
        if not self._requests:
            return
        request = self._conceal(request)
        self._put(
            event="request",
            id=request_id,
            client=self._peers.client(request.peer, request.header("x-forwarded-for")),
            method=request.method,
            host=request.host,
            path=request.raw_path.decode("latin-1"),
            query=_starred(request.raw_query.decode("latin-1")),
            status=status,
            bytes=sent_bytes,
            seconds=round(seconds, 6),
            cache=cache,
            user_agent=request.header("user-agent"),
            referer=request.header("referer"),
        )

    def error(self, request: EdgeRequest, request_id: str, error: MogrError) -> None:
        """What went wrong, with the private detail that the client is not told."""
        request = self._conceal(request)
        self._put(
            event="error",
            id=request_id,
            path=request.raw_path.decode("latin-1"),
            query=_starred(request.raw_query.decode("latin-1")),
            error=type(error).__name__,
            detail=_starred(str(error)),
            cause=_starred(repr(error.__cause__)) if error.__cause__ else None,
        )

    def close(self) -> None:
        """Write what is waiting."""
        self._lines.put(None)
        self._writer.join(timeout=1)

    def _put(self, **fields: object) -> None:
        if self._lines.qsize() > _MAX_WAITING_LINES:
            self._dropped += 1
            return
        if self._dropped:
            fields["dropped_lines"], self._dropped = self._dropped, 0
        shown = {k: v[:_SHOWN] if isinstance(v, str) else v for k, v in fields.items() if v is not None}
        self._lines.put(json.dumps({"time_s": round(self._clock.now_s(), 3), **shown}))

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            lines = [line]
            while not self._lines.empty() and len(lines) < 1000:
                following = self._lines.get()
                if following is None:
                    self._lines.put(None)
                    break
                lines.append(following)
            try:
                self._stream.write("\n".join(lines) + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                return  # nobody reads our log any more


def _starred(text: str) -> str:
    return _SECRET.sub(r"\1***", text)
