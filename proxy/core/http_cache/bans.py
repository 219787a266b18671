"""What a whole prefix of URLs owes its end to: answers from before a moment count no more.

Nothing is searched or deleted: whoever reads an answer looks here whether it still counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

MAX_BANS = 200
"""Beyond that the two oldest of a bucket become one, on what their prefixes have in common."""


@dataclass(frozen=True, slots=True)
class Ban:
    """Answers of *bucket* whose path begins with *prefix*, unescaped, and which were received until *at_s*."""

    bucket: str
    prefix: bytes
    at_s: float

    def covers(self, bucket: str, raw_path: bytes, received_at_s: float) -> bool:
        return (
            received_at_s <= self.at_s and bucket == self.bucket and unquote_to_bytes(raw_path).startswith(self.prefix)
        )


@dataclass(frozen=True, slots=True)
class Bans:
    """Those that stand, oldest first."""

    bans: tuple[Ban, ...] = ()

    def with_ban(self, bucket: str, raw_prefix: bytes, at_s: float) -> Bans:
        """These and one more; what it makes superfluous is left out."""
        new = Ban(bucket, unquote_to_bytes(raw_prefix), at_s)
        kept = [ban for ban in self.bans if not (ban.bucket == bucket and ban.prefix.startswith(new.prefix))]
        return Bans(tuple(_fewer([*kept, new])))

    def cover(self, bucket: str, raw_path: bytes, received_at_s: float) -> bool:
        """Whether an answer counts no more."""
        return any(ban.covers(bucket, raw_path, received_at_s) for ban in self.bans)

    def to_json(self) -> list[list[Any]]:
        return [[ban.bucket, ban.prefix.decode("latin-1"), ban.at_s] for ban in self.bans]

    @classmethod
    def from_json(cls, record: Iterable[Any]) -> Bans:
        """Raises TypeError, ValueError or AttributeError for what is no such record."""
        return cls(tuple(Ban(str(bucket), prefix.encode("latin-1"), float(at_s)) for bucket, prefix, at_s in record))


def _fewer(bans: list[Ban]) -> list[Ban]:
    while len(bans) > MAX_BANS:
        buckets = [ban.bucket for ban in bans]
        first = next((number for number, bucket in enumerate(buckets) if buckets.count(bucket) > 1), None)
        if first is None:  # so many buckets, one ban each
            break
        second = buckets.index(buckets[first], first + 1)
        one, other = bans[first], bans[second]
        bans[second] = Ban(one.bucket, _shared(one.prefix, other.prefix), max(one.at_s, other.at_s))
        del bans[first]
    return bans


def _shared(one: bytes, other: bytes) -> bytes:
    length = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:length]
