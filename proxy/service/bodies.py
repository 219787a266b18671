"""The bytes of originals: in memory, and on disk if they are worth it.

Most originals are read once: one picture is made of them, and that is kept.  To write them all is most of what a busy server
writes, so one goes to disk when it is needed again (as caches do with what is asked for a second time).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from proxy.core.keys import source_key
from proxy.core.model import Provenance, Source, Validators
from proxy.ports import Cache, CacheEntry, Memory
from proxy.service.records import provenance_from_json, provenance_to_json
from proxy.service.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Copy:
    """The bytes of an original, kept."""

    body: bytes
    provenance: Provenance
    on_disk: bool = False
    """Or on their way there."""

    def __len__(self) -> int:
        return len(self.body)


class Bodies:
    """Those of one web worker.

    Args:
        at_once: whether each is written to disk as soon as it was fetched.
    """

    def __init__(self, memory: Memory[Copy], disk: Cache | None, shelf: Shelf, *, at_once: bool) -> None:
        self._memory = memory
        self._disk = disk
        self._shelf = shelf
        self._at_once = at_once

    def get(self, key: str) -> Copy | None:
        """What memory has."""
        return self._memory.get(key)

    async def read(self, key: str, source: Source) -> Copy | None:
        """What the disk has of *source*."""
        entry = await self._disk.get(key) if self._disk is not None else None
        if entry is None:
            return None
        provenance = provenance_from_json(entry.meta.get("of")) or Provenance(source=source, tags=None)
        return Copy(entry.body, provenance, on_disk=True)

    def keep(self, key: str, copy: Copy, *, disk: bool, again: bool) -> None:
        """Have *copy* in memory; and on disk, if it may be there (*disk*) and is needed *again*, or all are written."""
        if disk and not copy.on_disk and (again or self._at_once):
            meta = {"of": provenance_to_json(copy.provenance)}
            self._shelf.put_later(self._disk, key, CacheEntry(meta=meta, body=copy.body))
            copy = replace(copy, on_disk=True)
        self._memory.put(key, copy)

    def discard(self, condition: Callable[[Provenance], bool]) -> int:
        """Drop from memory what *condition* is true of; how many."""
        return self._memory.discard(lambda copy: condition(copy.provenance))


def body_key(source: Source, validators: Validators) -> str:
    """Of the bytes of that version of *source*."""
    # unambiguous: the first part is a hash of fixed length
    return f"{source_key(source)}:{validators.identity}"
