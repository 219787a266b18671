"""What is kept for one URL, as a value: its variants, each without its body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote_to_bytes

from proxy.core.http_cache.messages import Entry, combined
from proxy.core.keys import answer_key
from proxy.core.model import Provenance, Source
from proxy.core.tags import origin_tags

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
    url: Url | None = None
    generation: int = 0
    """Of the ledger of purges by which the entries were judged."""
    renewing: frozenset[str] = frozenset()
    """The ``body_id`` of those entries that are to be asked about, and may be sent meanwhile."""

    @property
    def size_bytes(self) -> int:
        return sum(1024 + entry.header_bytes for entry in self.entries)

    def having(self, entry: Entry) -> Page:
        """With *entry* in place of the variant that it is a newer version of."""
        others = [each for each in self.entries if not _same_variant(each, entry)]
        return replace(self, entries=(*others[-(MAX_VARIANTS - 1) :], entry), renewing=self.renewing - {entry.body_id})

    def joined(self, other: Page) -> Page:
        """With what *other* has of the same time and this one lacks, or has an older version of; itself if that is nothing."""
        page = self
        for entry in other.entries:
            if not any(
                _same_variant(each, entry) and each.received_at_s >= entry.received_at_s for each in self.entries
            ):
                page = page.having(entry)
                page = replace(page, renewing=page.renewing | ({entry.body_id} & other.renewing))
        return page

    def vary_names(self) -> tuple[str, ...]:
        """Every field that some variant depends on."""
        return tuple(sorted({name for entry in self.entries for name, _ in entry.selection}))


def _same_variant(one: Entry, other: Entry) -> bool:
    return one.body_id == other.body_id or (one.site, one.selection) == (other.site, other.selection)


def page_record(page: Page) -> dict[str, object]:
    """*page* as JSON; ``entries_of`` reads it."""
    url = page.url
    told = None if url is None else [url.bucket, url.raw_path.decode("latin-1"), url.raw_query.decode("latin-1")]
    return {"schema": _SCHEMA, "url": told, "entries": [entry.to_json() for entry in page.entries]}


def url_of(meta: Mapping[str, Any]) -> Url | None:
    """Whose page a record is; None if that cannot be told."""
    try:
        bucket, raw_path, raw_query = meta["url"]
        return Url(str(bucket), raw_path.encode("latin-1"), raw_query.encode("latin-1"))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def provenance_of(url: Url, entry: Entry) -> Provenance:
    """What a purge of *entry*, kept for *url*, goes by."""
    return Provenance(
        source=Source(url.bucket, key_of(url.raw_path)),
        asked_at_s=entry.requested_at_s,
        made_at_s=entry.requested_at_s,
        raw_query=url.raw_query.decode("latin-1"),
        tags=origin_tags(combined(entry.lines)),
    )


def key_of(raw_path: bytes) -> str:
    """The key that a path which is passed on as it is would name; one for each, whatever its bytes."""
    return unquote_to_bytes(raw_path[1:]).decode("utf-8", "surrogateescape")


def entries_of(meta: Mapping[str, Any]) -> tuple[Entry, ...]:
    """What a record holds; nothing if it is none of ours."""
    try:
        if meta["schema"] != _SCHEMA:
            return ()
        return tuple(Entry.from_json(record) for record in meta["entries"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()


def body_key(body_id: str) -> str:
    """Under which an answer's body is kept on disk."""
    return "body:" + body_id
