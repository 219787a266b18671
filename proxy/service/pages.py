"""What is kept for one URL, as a value: its variants, each without its body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.core.http_cache.bans import Bans
from proxy.core.http_cache.messages import Entry
from proxy.core.keys import answer_key

MAX_VARIANTS = 16
"""Per URL; the one received first makes room for another."""
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Url:
    """Whose answers are kept together."""

    bucket: str
    raw_path: bytes
    raw_query: bytes = b""
    key: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", answer_key(self.bucket, self.raw_path, self.raw_query))


@dataclass(frozen=True, slots=True)
class Page:
    """What is kept for one URL."""

    epoch: int
    entries: tuple[Entry, ...] = ()

    @property
    def size_bytes(self) -> int:
        return sum(1024 + entry.header_bytes for entry in self.entries)

    def having(self, entry: Entry) -> Page:
        """With *entry* in place of the variant that it is a newer version of."""
        others = [each for each in self.entries if not _same_variant(each, entry)]
        return Page(self.epoch, (*others[-(MAX_VARIANTS - 1) :], entry))

    def vary_names(self) -> tuple[str, ...]:
        """Every field that some variant depends on."""
        return tuple(sorted({name for entry in self.entries for name, _ in entry.selection}))


def _same_variant(one: Entry, other: Entry) -> bool:
    return one.body_id == other.body_id or (one.site, one.selection) == (other.site, other.selection)


def page_record(page: Page) -> dict[str, object]:
    """*page* as JSON; ``entries_of`` reads it."""
    return {"schema": _SCHEMA, "entries": [entry.to_json() for entry in page.entries]}


def bans_record(bans: Bans) -> dict[str, object]:
    """*bans* as JSON; ``bans_of`` reads it."""
    return {"schema": _SCHEMA, "bans": bans.to_json()}


def entries_of(meta: Mapping[str, Any]) -> tuple[Entry, ...]:
    """What a record holds; nothing if it is none of ours."""
    try:
        if meta["schema"] != _SCHEMA:
            return ()
        return tuple(Entry.from_json(record) for record in meta["entries"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()


def bans_of(meta: Mapping[str, Any]) -> Bans:
    """What a record holds; none if it is none of ours."""
    try:
        return Bans.from_json(meta["bans"]) if meta["schema"] == _SCHEMA else Bans()
    except (KeyError, TypeError, ValueError, AttributeError):
        return Bans()
