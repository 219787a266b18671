"""Whether somebody who has failed is asked again."""

from __future__ import annotations

import time
from collections.abc import Callable


class Breaker:
    """After a failure nobody asks for *retry_s*; then one does, and the others when that one succeeded."""

    def __init__(self, retry_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._retry_s = retry_s
        self._now_s = now_s
        self._failing = False
        self._not_before_s = 0.0

    @property
    def failing(self) -> bool:
        return self._failing

    def lets_through(self) -> bool:
        """Whether to ask now; whoever is told so says how it went."""
        if not self._failing:
            return True
        now_s = self._now_s()
        if now_s < self._not_before_s:
            return False
        self._not_before_s = now_s + self._retry_s  # the others wait for what comes of this one
        return True

    def succeeded(self) -> None:
        self._failing = False

    def failed(self) -> None:
        self._failing = True
        self._not_before_s = self._now_s() + self._retry_s
