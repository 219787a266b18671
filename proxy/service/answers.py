"""Answers of origins, kept in memory and on disk: for each URL a page that lists its variants, and their bodies apart.

The page decides: a body that no page names is never sent.  Kept answers become obsolete before their time by ``forget``,
after unsafe requests, and by a purge, which is looked up in the ledger (``core.purges``).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from proxy.core.http_cache.messages import Entry
from proxy.core.model import Provenance
from proxy.core.purges import Ledger, Standing
from proxy.ports import Cache, CacheEntry, Memory, Place
from proxy.service.epochs import Epochs
from proxy.service.ordered_writes import OrderedWrites
from proxy.service.pages import Page, Url, body_key, entries_of, page_record, provenance_of


class Answers:
    """Memory is read without waiting; the disk tier (None: there is none) is shared by the web workers of the node."""

    def __init__(
        self,
        *,
        pages: Memory[Page],
        bodies: Memory[bytes],
        disk: Cache | None,
        epochs: Epochs,
        largest_bytes: int,
        ledger: Ledger | None = None,
    ) -> None:
        self._pages = pages
        self._bodies = bodies
        self._disk = disk
        self._epochs = epochs
        self._writes = OrderedWrites()
        self._ledger = ledger if ledger is not None else Ledger()
        self.largest_bytes = largest_bytes
        """Longer bodies are not to be put here."""

    def epoch(self, url: Url) -> int:
        """To be asked for before the origin is, and handed to ``put`` with its answer."""
        return self._epochs.of(url.key)

    @property
    def generation(self) -> int:
        """Changes with each purge."""
        return self._ledger.generation

    def known(self, url: Url) -> Page | None:
        """The page in memory, unless something was forgotten since it was read."""
        page = self._pages.get(url.key)
        if page is None or page.epoch != self._epochs.of(url.key):
            return None
        if page.generation == self._ledger.generation:
            return page
        page = self._judged(url, page)
        if not page.entries:
            self._pages.delete(url.key)
            return None
        self._pages.put(url.key, page)
        return page

    def places(self, url: Url, entry: Entry) -> tuple[Place[Page], Place[bytes]] | None:
        """Where in memory the page is that names *entry*, and the bytes of that; None: not both are there."""
        page, body = self._pages.place(url.key), self._bodies.place(entry.body_id)
        return None if page is None or body is None else (page, body)

    def known_body(self, entry: Entry) -> bytes | None:
        return self._bodies.get(entry.body_id) if entry.size_bytes else b""

    async def page(self, url: Url, *, newest: bool = False) -> Page:
        """What is kept for *url*, in memory or on disk; an empty page if nothing is.

        *newest*: with what other web workers have put on disk since it was read.
        """
        if not newest and (known := self.known(url)) is not None:
            return known
        await self._writes.settled(url.key)
        epoch = self._epochs.of(url.key)
        found = self._judged(url, Page(epoch, await self._entries_on_disk(url)))
        known = self.known(url)
        if epoch != self._epochs.of(url.key):
            return known or found
        page = found if known is None else known.joined(found)
        if page.entries and page is not known:
            self._pages.put(url.key, page)
        return page

    async def body(self, entry: Entry) -> bytes | None:
        """The bytes of *entry*, if they are still kept."""
        body = self.known_body(entry)
        if body is None and self._disk is not None:
            found = await self._disk.get(body_key(entry.body_id))
            if found is not None and len(found.body) == entry.size_bytes:
                body = found.body
                self._bodies.put(entry.body_id, body)
        return body

    def put(self, url: Url, epoch: int, entry: Entry, body: bytes | None) -> None:
        """Keep *entry*: a new variant with its *body*, or new fields (None) of one whose body is kept already.

        Nothing happens if *url* was forgotten since *epoch* was taken: the answer may be from before.
        """
        key = url.key
        if epoch != self._epochs.of(key) or (body is not None and len(body) > self.largest_bytes):
            return
        if self._ledger.judge(provenance_of(url, entry)) is Standing.GONE:
            return
        before = self.known(url) or Page(epoch, url=url, generation=self._ledger.generation)
        self._pages.put(key, before.having(entry))
        if body:
            self._bodies.put(entry.body_id, body)
        disk = self._disk
        if disk is None:
            return

        async def write() -> None:
            if body:
                await disk.put(body_key(entry.body_id), CacheEntry({}, body))
            if epoch != self._epochs.of(key):
                return
            # Read again: other web workers write here too.
            before = self._judged(url, Page(epoch, await self._entries_on_disk(url)))
            if body is None and not any(each.body_id == entry.body_id for each in before.entries):
                return
            page = before.having(entry)
            await disk.put(key, CacheEntry(page_record(page), b""))
            if epoch != self._epochs.of(key):  # another web worker erased it meanwhile
                await self._erase(disk, key)
                return
            kept = {each.body_id for each in page.entries}
            for each in before.entries:
                if each.body_id not in kept and each.size_bytes:
                    await disk.delete(body_key(each.body_id))

        self._writes.start(key, write, len(body or b"") or 1)

    async def forget(self, url: Url) -> None:
        """Keep nothing for *url* any more: on disk at once, in this memory, and by its epoch in every other."""
        self.withdraw(url)
        await self._writes.settled(url.key)

    def withdraw(self, url: Url) -> None:
        """As ``forget``, without waiting for the disk."""
        key, disk = url.key, self._disk
        self._epochs.bump(key)  # what is being written or fetched now must not come after
        self._pages.delete(key)
        if disk is None:
            return

        async def erase() -> None:
            await self._erase(disk, key)

        self._writes.start(key, erase)

    def discard(self, condition: Callable[[Provenance], bool]) -> int:
        """Drop from memory every answer that *condition* is true of; how many pages lost some."""
        bodies: list[str] = []

        def loses(page: Page) -> bool:
            found = (
                []
                if page.url is None
                else [each.body_id for each in page.entries if condition(provenance_of(page.url, each))]
            )
            bodies.extend(found)
            return bool(found)

        count = self._pages.discard(loses)
        for body_id in bodies:
            self._bodies.delete(body_id)
        return count

    async def aclose(self, grace_s: float) -> None:
        """Finish writing."""
        await self._writes.drain(grace_s)

    async def _erase(self, disk: Cache, key: str) -> None:
        await disk.delete(key)
        self._epochs.bump(key)  # who read the disk meanwhile read what is no more

    async def _entries_on_disk(self, url: Url) -> tuple[Entry, ...]:
        if self._disk is None:
            return ()
        found = await self._disk.get(url.key)
        return () if found is None else entries_of(found.meta)

    def _judged(self, url: Url, page: Page) -> Page:
        """*page* without what was purged since it was judged last."""
        kept, renewing = [], set()
        for each in page.entries:
            standing = self._ledger.judge(provenance_of(url, each))
            if standing is not Standing.GONE:
                kept.append(each)
            if standing is Standing.STALE:
                renewing.add(each.body_id)
        return Page(page.epoch, tuple(kept), url=url, generation=self._ledger.generation, renewing=frozenset(renewing))


def new_body_id() -> str:
    return secrets.token_hex(16)
