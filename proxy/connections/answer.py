"""One answer that is ready to be sent: its heads as bytes, its body where the memory tier keeps it."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from proxy.core.fields.cache_control import MAX_DELTA_S
from proxy.core.fields.dates import format_date

OVERHEAD_BYTES = 512
"""Counted for every answer beside its heads: the objects around them.  With ``URL_BYTES`` as measured, 1.2 KB."""


class Kept(Protocol):
    """A ``ports.Place`` of the memory tier, whatever is in it."""

    @property
    def value(self) -> object | None: ...
    def touch(self) -> None: ...


class Body(Protocol):
    """What has a body."""

    @property
    def body(self) -> bytes: ...


class KeptBody(Protocol):
    """A ``ports.Place`` of something that has a body."""

    @property
    def value(self) -> Body | None: ...
    def touch(self) -> None: ...


class Slot(enum.Enum):
    """What changes from answer to answer beside the request's id."""

    AGE = enum.auto()
    DATE = enum.auto()
    TTL = enum.auto()
    """Seconds of freshness left, as Cache-Status says them."""


Template = tuple[bytes | Slot, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """A header section, cut where something of it changes."""

    before_id: Template
    after_id: bytes | None
    """None: the answer's id is no business of ours, all of it stands before."""

    @property
    def size_bytes(self) -> int:
        return sum(len(piece) for piece in self.before_id if isinstance(piece, bytes)) + len(self.after_id or b"")


class Passing(Protocol):
    """What else has to be so where more of a request matters than ``Ready.vary``."""

    def holds(self) -> bool:
        """Whether the answer may still be sent to anybody."""

    def admits(self, fields: Mapping[bytes, bytes], peer: str) -> bool:
        """Whether it is the one for a request with these fields from *peer*."""


@dataclass(slots=True, kw_only=True, eq=False)
class Ready:
    """Times are seconds since the epoch."""

    whole: Head
    """Of 200."""
    unchanged: Head
    """Of 304."""
    content: KeptBody
    facts: Kept
    """What the answer was made of: it holds as long as these are where they were."""
    others: tuple[Kept, ...] = ()
    """The same for every picture that went into it."""
    etag: bytes | None
    """Without ``W/``."""
    last_modified: bytes | None
    vary: tuple[bytes, ...]
    """Fields of the request that pick it; names in lower case."""
    passing: Passing | None = None
    fetched_at_s: float
    initial_age_s: float
    """What Age was then."""
    lifetime_s: float = 0.0
    """From age 0 on; where it is said (``Slot.TTL``)."""
    fresh_until_s: float
    generation: int
    """Of the ledger of purges, when this was known to be no old copy."""
    kind: str = "rendition"
    """For the metrics."""
    cache: Template
    """What Cache-Status says, for the log."""
    from_s: float = math.inf
    till_s: float = -math.inf
    """When the beginnings say the right age and date."""
    whole_begin: bytes = b""
    unchanged_begin: bytes = b""
    _values: Mapping[Slot, bytes] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        return 2 * (self.whole.size_bytes + self.unchanged.size_bytes) + OVERHEAD_BYTES

    def is_like(self, other: Ready) -> bool:
        """Whether both say the same of the same bytes."""
        return (
            (self.content, self.facts, self.others) == (other.content, other.facts, other.others)
            and (self.whole, self.unchanged, self.passing) == (other.whole, other.unchanged, other.passing)
            and (self.generation, self.fresh_until_s) == (other.generation, other.fresh_until_s)
        )

    def renew(self, now_s: float) -> bool:
        """Write Age and Date anew, as is needed about twice a second; False if the answer is not fresh any more."""
        if now_s >= self.fresh_until_s:
            return False
        age_s = max(0.0, now_s - self.fetched_at_s) + self.initial_age_s
        ttl_s = self.lifetime_s - age_s
        self._values = values = {
            Slot.AGE: b"%d" % min(age_s, MAX_DELTA_S), Slot.DATE: format_date(now_s).encode(), Slot.TTL: b"%d" % ttl_s,
        }  # fmt: skip
        self.whole_begin, self.unchanged_begin = (
            _join(head.before_id, values) for head in (self.whole, self.unchanged)
        )
        # Age changes at other moments than the clock's seconds, and what is left of a lifetime perhaps at yet others.
        since_s = math.floor(now_s)
        older_s = max(now_s, self.fetched_at_s) + 1 - age_s % 1
        self.from_s = max(since_s, older_s - 1)
        self.till_s = min(since_s + 1, older_s, self.fresh_until_s)
        if Slot.TTL in self.cache:
            self.from_s, self.till_s = now_s, min(self.till_s, now_s + ttl_s % 1)
        for place in (self.content, self.facts, *self.others):  # what is asked for stays
            place.touch()
        return True

    @property
    def cache_status(self) -> str:
        """What Cache-Status said in the last answer."""
        return _join(self.cache, self._values).decode("latin-1")

    def is_unchanged(self, fields: Mapping[bytes, bytes]) -> bool | None:
        """Whether the client has it already; None: its conditions are more than this can judge."""
        tag = fields.get(b"if-none-match")
        if tag is not None:
            return True if tag.removeprefix(b"W/") == self.etag else None
        since = fields.get(b"if-modified-since")
        if since is not None:
            return True if since == self.last_modified else None
        return False


def _join(template: Template, values: Mapping[Slot, bytes]) -> bytes:
    return b"".join(piece if isinstance(piece, bytes) else values[piece] for piece in template)
