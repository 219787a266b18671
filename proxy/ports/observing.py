"""Time, and who is told what happened."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Injected time, so that tests never sleep."""

    def now_s(self) -> float:
        """Wall clock, seconds since the epoch."""
        ...


class Meter(Protocol):
    """What happened, in domain verbs; the null meter does nothing, completely."""

    def request(self, kind: str, status: int, seconds: float, sent_bytes: int) -> None:
        """One answer of the edge; *kind* is ``object``, ``rendition`` or ``other``."""
        ...

    def cache_hit(self, tier: str) -> None:
        """*tier* is ``memory``, ``disk`` or ``bucket``."""
        ...

    def hit_at_once(self, kind: str, status: int, seconds: float, sent_bytes: int) -> None:
        """One answer of the edge and one hit: from memory, answered below the application; *kind* as in ``request``."""
        ...

    def cache_miss(self) -> None: ...
    def collapsed(self) -> None:
        """A request that waited for another one's work instead of doing it again."""
        ...

    def fetched(self, outcome: str, seconds: float, received_bytes: int) -> None:
        """One exchange with an origin; *outcome*: ``ok``, ``unchanged``, ``missing``, ``refused``, ``failed``, ``timeout``."""
        ...

    def rendered(self, source_format: str, format: str, megapixels: float, seconds: float, sent_bytes: int) -> None: ...
    def render_failed(self, reason: str) -> None:
        """*reason* is the Python name of the error class."""
        ...

    def overloaded(self) -> None: ...
    def persisted(self, ok: bool) -> None: ...
    def tier_error(self, tier: str) -> None:
        """A cache tier failed (and was, or stays, switched off)."""
        ...

    def redis(self, operation: str, outcome: str) -> None:
        """One question to Redis; *outcome*: ``ok``, ``failed``, or ``skipped`` since it failed lately."""
        ...

    def leased(self, outcome: str) -> None:
        """A rendition whose maker was to be agreed on with other replicas; *outcome*: ``made`` here, ``served`` as another made
        it, ``late`` (waited in vain and made here), ``unknown`` (Redis did not say; made here).
        """
        ...


class NullMeter(Meter):
    """The Meter that counts nothing: the Protocol's own methods."""
