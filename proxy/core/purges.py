"""What was purged, when, and what that means for a copy made before: the whole of it pure, the time an argument.

A copy is never searched for by what it was purged by.  Every copy knows when it was made and of what; the ledger knows
from when on copies of something count.  So a purge holds for memory, disk and bucket alike, for copies on
machines that were away, and for those being made from what was read before.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, NamedTuple, TypeVar

from proxy.core.model import Provenance, Source
from proxy.core.tags import standing_tags

K = TypeVar("K")
Kind = Literal["url", "source", "prefix", "tag", "all"]
KINDS: Final[tuple[Kind, ...]] = ("url", "source", "prefix", "tag", "all")
MAX_ENTRIES: Final = 10_000
"""Of a ledger.  With more, the older half is forgotten, and every copy from before then counts as gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """One purge, with its parts resolved."""

    id: str
    kind: Kind
    at_s: float
    """Copies made up to then are meant; seconds since the epoch."""
    bucket: str = ""
    """Where; of a ``tag`` it may be empty: everywhere."""
    value: str = ""
    """The object's key (``url``, ``source``), what keys begin with (``prefix``), or the tag."""
    plan_text: str | None = None
    """Of a ``url`` that names a picture operation: the plan in canonical spelling; None: the object itself."""
    raw_query: str = ""
    """Of a ``url`` in a bucket that passes through: its query."""
    refresh: bool = False
    """Copies are to be made anew, and may be sent until they are; otherwise they are gone at once."""

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Purge:
        """Raises ValueError, TypeError or KeyError if *record* is none of ours."""
        purge = cls(**record)
        texts = (purge.id, purge.bucket, purge.value, purge.raw_query, purge.plan_text or "")
        if purge.kind not in KINDS or not all(isinstance(each, str) for each in texts):
            raise ValueError("not a purge")
        if not isinstance(purge.at_s, int | float) or not isinstance(purge.refresh, bool):
            raise ValueError("not a purge")
        return purge


class Horizon(NamedTuple):
    """From when on copies count: older than ``gone_s`` they are gone, older than ``stale_s`` to be made anew."""

    gone_s: float = 0.0
    stale_s: float = 0.0

    def later(self, other: Horizon) -> Horizon:
        return Horizon(max(self.gone_s, other.gone_s), max(self.stale_s, other.stale_s))


NONE: Final = Horizon()
_MEMO_ENTRIES = 4_096


class Standing(enum.Enum):
    """What the ledger says of a copy."""

    GOOD = enum.auto()
    STALE = enum.auto()
    """To be made anew; it may be sent until it is."""
    GONE = enum.auto()


class Ledger:
    """Every purge that still matters.  ``generation`` changes with each."""

    def __init__(self, purges: Iterable[Purge] = (), *, max_entries: int = MAX_ENTRIES) -> None:
        self.generation = 0
        self._max_entries = max_entries
        self._purges: dict[str, Purge] = {}
        self._memo: dict[tuple[Source, tuple[str, ...] | None], Horizon] = {}
        """A popular source is looked up thousands of times, and there may be thousands of prefixes."""
        self._forget()
        for purge in purges:
            self.add(purge)

    def __len__(self) -> int:
        return len(self._purges)

    def __iter__(self) -> Iterator[Purge]:
        """Purges that come to the same ledger."""
        if self._floor != NONE:
            yield Purge(id=f"until-{self._floor.gone_s!r}", kind="all", at_s=self._floor.gone_s)
        yield from tuple(self._purges.values())

    def __contains__(self, id_: str) -> bool:
        return id_ in self._purges

    def add(self, purge: Purge) -> bool:
        """Enter *purge*; False if it is known, or comes to nothing new."""
        if purge.id in self._purges or purge.at_s <= self._floor.gone_s:
            return False
        self._memo.clear()
        self._enter(purge)
        if len(self._purges) > self._max_entries:
            kept = sorted(self._purges.values(), key=lambda each: each.at_s)
            half = len(kept) // 2
            self._forget(self._floor.later(Horizon(kept[half - 1].at_s, kept[half - 1].at_s)))
            for each in kept[half:]:
                self._enter(each)
        self.generation += 1
        return True

    def _forget(self, floor: Horizon = NONE) -> None:
        self._floor = floor
        self._purges.clear()
        self._sources: dict[tuple[str, str], Horizon] = {}
        self._urls: dict[tuple[str, str, str], Horizon] = {}
        self._prefixes: dict[tuple[str, str], Horizon] = {}
        self._tags: dict[tuple[str, str], Horizon] = {}

    def _enter(self, purge: Purge) -> None:
        self._purges[purge.id] = purge
        horizon = Horizon(0.0, purge.at_s) if purge.refresh else Horizon(purge.at_s, purge.at_s)
        match purge.kind:
            case "url":
                _raise(self._urls, (purge.bucket, purge.value, _what(purge.plan_text, purge.raw_query)), horizon)
            case "source":
                _raise(self._sources, (purge.bucket, purge.value), horizon)
            case "prefix":
                _raise(self._prefixes, (purge.bucket, purge.value), horizon)
            case "tag":
                _raise(self._tags, (purge.bucket, purge.value), horizon)
            case "all":
                self._floor = self._floor.later(horizon)
                del self._purges[purge.id]

    def judge(self, copy: Provenance, *more_tags: tuple[str, ...] | None) -> Standing:
        """What becomes of *copy*; *more_tags*: others that its source carries by now."""
        if not self.generation:
            return Standing.GOOD
        source = self.of_source(copy.source, copy.tags)
        for tags in more_tags:
            if tags != copy.tags:
                source = source.later(self.of_source(copy.source, tags))
        own = self._urls.get((copy.source.bucket, copy.source.key, _what(copy.plan_text, copy.raw_query)), NONE)
        if _until(source.gone_s, copy.asked_at_s) or _until(own.gone_s, copy.made_at_s):
            return Standing.GONE
        stale = _until(source.stale_s, copy.asked_at_s) or _until(own.stale_s, copy.made_at_s)
        return Standing.STALE if stale else Standing.GOOD

    def of_source(self, source: Source, tags: tuple[str, ...] | None = ()) -> Horizon:
        """What holds for everything made of *source*, which carries *tags*; None: which may carry any."""
        if not self.generation:
            return NONE
        found = self._memo.get((source, tags))
        if found is None:
            found = self._of_source(source, tags)
            if len(self._memo) >= _MEMO_ENTRIES:
                del self._memo[next(iter(self._memo))]
            self._memo[source, tags] = found
        return found

    def _of_source(self, source: Source, tags: tuple[str, ...] | None) -> Horizon:
        found = self._floor.later(self._sources.get((source.bucket, source.key), NONE))
        for (bucket, prefix), horizon in self._prefixes.items():
            if bucket == source.bucket and source.key.startswith(prefix):
                found = found.later(horizon)
        if not self._tags:
            return found
        if tags is None:
            for (bucket, _), horizon in self._tags.items():
                found = found.later(horizon if bucket in ("", source.bucket) else NONE)
            return found
        for tag in (*standing_tags(source), *tags):
            for bucket in ("", source.bucket):
                found = found.later(self._tags.get((bucket, tag), NONE))
        return found

    def of_url(
        self, source: Source, plan_text: str | None, tags: tuple[str, ...] | None = (), *, raw_query: str = ""
    ) -> Horizon:
        """What holds for one rendition of *source*, or (no *plan_text*) for the object itself under *raw_query*."""
        if not self.generation:
            return NONE
        own = self._urls.get((source.bucket, source.key, _what(plan_text, raw_query)), NONE)
        return self.of_source(source, tags).later(own)


def _what(plan_text: str | None, raw_query: str) -> str:
    return f"?{raw_query}" if plan_text is None else plan_text


def _until(horizon_s: float, at_s: float) -> bool:
    """Whether *at_s*, which may be unknown (0), is not after a purge, if there was one."""
    return horizon_s > 0 and at_s <= horizon_s


def _raise(horizons: dict[K, Horizon], key: K, horizon: Horizon) -> None:
    horizons[key] = horizons.get(key, NONE).later(horizon)
