"""Counting exchanges with origins and stores, each of them once."""

from __future__ import annotations

import asyncio

from proxy.errors import InvalidRange, NoSuchKey, OriginForbidden, OriginRefused, OriginTimeout
from proxy.ports import Meter


class Tally:
    """Counts one exchange once, whichever way it ends."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._started_s: float | None = asyncio.get_running_loop().time()
        self.received_bytes = 0

    def end(self, outcome: str) -> None:
        """Report *outcome*; the first call counts."""
        if self._started_s is not None:
            seconds = asyncio.get_running_loop().time() - self._started_s
            self._started_s = None
            self._meter.fetched(outcome, seconds, self.received_bytes)

    def failed(self, error: BaseException) -> None:
        """Report how *error* ended the exchange."""
        match error:
            case NoSuchKey():
                self.end("missing")
            case OriginRefused() | OriginForbidden():
                self.end("refused")
            case OriginTimeout():
                self.end("timeout")
            case InvalidRange() | asyncio.CancelledError() | GeneratorExit():
                self.end("ok")
            case _:
                self.end("failed")
