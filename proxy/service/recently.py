"""What happened a moment ago, by key; a bounded memory of it."""

from __future__ import annotations

from collections.abc import Hashable

from proxy.ports import Clock

_MAX_ENTRIES = 10_000


class Recently:
    """Holds each key for *keep_s*; of more than 10,000 the oldest are forgotten first."""

    def __init__(self, clock: Clock, keep_s: float) -> None:
        self._clock = clock
        self._keep_s = keep_s
        self._until_s: dict[Hashable, float] = {}

    def add(self, key: Hashable) -> None:
        self._until_s.pop(key, None)
        if len(self._until_s) >= _MAX_ENTRIES:
            del self._until_s[next(iter(self._until_s))]
        self._until_s[key] = self._clock.now_s() + self._keep_s

    def remove(self, key: Hashable) -> None:
        self._until_s.pop(key, None)

    def has(self, key: Hashable) -> bool:
        return bool(self._until_s) and self._until_s.get(key, 0.0) > self._clock.now_s()
