"""Whether an object stands under a key that could also be read as an object and a style of it: the object then wins.

Asked of the origin once per key and lifetime, so that a hit on a style costs no round trip.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from proxy.core.model import Source
from proxy.errors import NoSuchKey, OriginRefused, OriginTimeout, OriginUnavailable
from proxy.ports import Clock
from proxy.service.bucket import Bucket
from proxy.service.flights import Flight, Flights
from proxy.service.originals import Originals


class Literals:
    """Bounded memory, shared by the requests of one web worker."""

    def __init__(self, originals: Originals, clock: Clock, *, max_entries: int = 20_000) -> None:
        self._originals = originals
        self._clock = clock
        self._max_entries = max_entries
        self._known: OrderedDict[Source, tuple[float, bool]] = OrderedDict()
        self._flights = Flights()

    def known(self, source: Source) -> bool | None:
        """Whether *source* exists, as far as that is fresh and in memory: the hit path, no waiting."""
        found = self._known.get(source)
        return found[1] if found is not None and self._clock.now_s() < found[0] else None

    def known_until_s(self, source: Source) -> float:
        """How long ``known`` will say what it says now, in seconds since the epoch; the past if it says nothing."""
        found = self._known.get(source)
        return found[0] if found is not None else 0.0

    async def stands(self, bucket: Bucket, source: Source) -> bool:
        """Whether *source* exists; its origin is asked if nothing is known.

        What the origin refuses counts as absent: S3 says 403 of a missing key to whoever may not list.  While the origin
        does not answer, what it said last holds.

        Raises:
            OriginForbidden, OriginUnavailable, OriginTimeout: the origin cannot be asked and never was.
        """
        if self._originals.known(source) is not None:
            return True

        generation = self._originals.ledger.generation

        async def work(_: Flight) -> bool:
            rules, before = bucket.rules, self._known.get(source)
            try:
                await bucket.origin.head(source.key)
            except (NoSuchKey, OriginRefused):
                return self._remember(source, False, rules.ttl_s, generation)
            except (OriginUnavailable, OriginTimeout):
                if before is None:
                    raise
                return self._remember(source, before[1], rules.error_ttl_s, generation)
            return self._remember(source, True, rules.ttl_s, generation)

        known = self.known(source)
        if known is not None:
            return known
        stands, _ = await self._flights.run(f"{generation}/{source.bucket}/{source.key}", work)
        return stands

    def forget(self, source: Source) -> None:
        """Ask again next time."""
        self._known.pop(source, None)

    def forget_those(self, condition: Callable[[Source], bool]) -> None:
        """Ask again next time about all of which *condition* is true."""
        for source in [each for each in self._known if condition(each)]:
            del self._known[source]

    def _remember(self, source: Source, stands: bool, ttl_s: float, generation: int) -> bool:
        if generation != self._originals.ledger.generation:
            return stands  # asked before a purge: good for those who waited, and for nobody else
        self._known[source] = (self._clock.now_s() + ttl_s, stands)
        self._known.move_to_end(source)
        while len(self._known) > self._max_entries:
            self._known.popitem(last=False)
        return stands
