"""Errors remembered for a short while, so that one URL cannot burn the origin or the codec pool again and again."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from proxy.errors import MogrError
from proxy.ports import Clock


class Neighbours(Protocol):
    """The other web workers of this node: those of our verdicts that concern them, and theirs that concern us."""

    def tell(self, key: str, error: MogrError, ttl_s: float) -> None: ...
    def heard(self, key: str) -> MogrError | None: ...


class Verdicts:
    """Bounded memory of errors by key; each lives for the time it was given."""

    def __init__(self, clock: Clock, *, max_entries: int = 2_048, neighbours: Neighbours | None = None) -> None:
        self._clock = clock
        self._neighbours = neighbours
        self._max_entries = max_entries
        self._errors: OrderedDict[str, tuple[float, MogrError]] = OrderedDict()

    def check(self, key: str) -> None:
        """Raise the error remembered for *key*, here or by a neighbour, if it is still held against it."""
        found = self._errors.get(key)
        if found is not None:
            until_s, error = found
            if self._clock.now_s() < until_s:
                raise error.again()
            del self._errors[key]
        heard = self._neighbours.heard(key) if self._neighbours is not None else None
        if heard is not None:
            raise heard

    def clear(self) -> None:
        """Hold nothing against anything any more."""
        self._errors.clear()

    def remember(self, key: str, error: MogrError, ttl_s: float) -> None:
        if ttl_s <= 0:
            return
        self._errors[key] = (self._clock.now_s() + ttl_s, error.again())
        self._errors.move_to_end(key)
        if self._neighbours is not None:
            self._neighbours.tell(key, error, ttl_s)
        while len(self._errors) > self._max_entries:
            self._errors.popitem(last=False)
