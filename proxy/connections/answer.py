"""One answer that is ready to be sent: its heads as bytes, its body where the memory tier keeps it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Head:
    """A header section, cut where something of it changes from answer to answer."""

    before_age: bytes
    before_date: bytes
    before_id: bytes
    after_id: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.before_age) + len(self.before_date) + len(self.before_id) + len(self.after_id)

    def begin(self, age_s: int, date: bytes) -> bytes:
        """All of it before the request's id."""
        return b"".join((self.before_age, b"%d" % age_s, self.before_date, date, self.before_id))


@dataclass(slots=True, kw_only=True, eq=False)
class Ready:
    """Times are seconds since the epoch."""

    whole: Head
    """Of 200."""
    unchanged: Head
    """Of 304."""
    picture: KeptBody
    facts: Kept
    """What the answer was made of: it holds as long as these are where they were."""
    others: tuple[Kept, ...] = ()
    """The same for every picture that went into it."""
    etag: bytes
    last_modified: bytes | None
    vary: tuple[bytes, ...]
    """Fields of the request that pick it; names in lower case."""
    fetched_at_s: float
    initial_age_s: float
    """What Age was then."""
    fresh_until_s: float
    generation: int
    """Of the ledger of purges, when this was known to be no old copy."""
    cache_status: str
    from_s: float = math.inf
    till_s: float = -math.inf
    """When the beginnings say the right age and date."""
    whole_begin: bytes = b""
    unchanged_begin: bytes = b""

    @property
    def size_bytes(self) -> int:
        return 2 * (self.whole.size_bytes + self.unchanged.size_bytes) + OVERHEAD_BYTES

    def is_like(self, other: Ready) -> bool:
        """Whether both say the same of the same bytes."""
        return (
            (self.picture, self.facts, self.others) == (other.picture, other.facts, other.others)
            and (self.whole, self.unchanged) == (other.whole, other.unchanged)
            and (self.generation, self.fresh_until_s) == (other.generation, other.fresh_until_s)
        )

    def renew(self, now_s: float) -> bool:
        """Write Age and Date anew, as is needed about twice a second; False if the answer is not fresh any more."""
        if now_s >= self.fresh_until_s:
            return False
        age_s = max(0.0, now_s - self.fetched_at_s) + self.initial_age_s
        age, date = int(min(age_s, MAX_DELTA_S)), format_date(now_s).encode()
        self.whole_begin, self.unchanged_begin = self.whole.begin(age, date), self.unchanged.begin(age, date)
        # Age changes at other moments than the clock's seconds.
        since_s = math.floor(now_s)
        older_s = max(now_s, self.fetched_at_s) + 1 - age_s % 1
        self.from_s = max(since_s, older_s - 1)
        self.till_s = min(since_s + 1, older_s, self.fresh_until_s)
        for place in (self.picture, self.facts, *self.others):  # what is asked for stays
            place.touch()
        return True

    def is_unchanged(self, fields: Mapping[bytes, bytes]) -> bool | None:
        """Whether the client has it already; None: its conditions are more than this can judge."""
        tag = fields.get(b"if-none-match")
        if tag is not None:
            return True if tag.removeprefix(b"W/") == self.etag else None
        since = fields.get(b"if-modified-since")
        if since is not None:
            return True if since == self.last_modified else None
        return False
