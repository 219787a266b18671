"""The counts of all web workers, living and dead, as one truth that never goes backwards."""

from __future__ import annotations

from typing import cast

from proxy.metrics import Snapshot, empty, merge


class Tally:
    """What the dead counted, and the last that each of the living said."""

    def __init__(self) -> None:
        self._dead = empty()
        self._living: dict[object, Snapshot] = {}

    def heard(self, worker: object, totals: object) -> bool:
        """Take *worker*'s cumulative totals, replacing its earlier ones; False if they do not fit what we know.

        A worker restarted after an upgrade of the files on disk may count differently, and must not take the metrics
        of the others with it.
        """
        try:
            merge(self.total(), cast("Snapshot", totals))
        except (TypeError, ValueError, KeyError, AttributeError):
            return False
        self._living[worker] = cast("Snapshot", totals)
        return True

    def died(self, worker: object) -> None:
        """Keep what *worker* counted; it will say no more."""
        self._dead = merge(self._dead, self._living.pop(worker, empty()))

    def total(self) -> Snapshot:
        """The sum."""
        whole = self._dead
        for totals in self._living.values():
            whole = merge(whole, totals)
        return whole
