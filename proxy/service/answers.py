"""Answers of origins, kept in memory and on disk: for each URL a page that lists its variants, and their bodies apart.

The page decides: a body that no page names is never sent.  ``forget`` and ``forget_below`` are the one place where kept
answers become obsolete before their time, for unsafe requests and for a purge.
"""

from __future__ import annotations

import secrets

from proxy.core.http_cache.bans import Bans
from proxy.core.http_cache.messages import Entry
from proxy.core.keys import bans_key
from proxy.ports import Cache, CacheEntry, Clock, Memory
from proxy.service.epochs import Epochs
from proxy.service.ordered_writes import OrderedWrites
from proxy.service.pages import Page, Url, bans_of, bans_record, entries_of, page_record

BANS_S = 60.0
"""How often the bans are read anew where there is no sign of a change; it also keeps them from being evicted unused."""


class Answers:
    """Memory is read without waiting; the disk tier (None: there is none) is shared by the web workers of the node."""

    def __init__(
        self,
        *,
        pages: Memory[Page],
        bodies: Memory[bytes],
        disk: Cache | None,
        epochs: Epochs,
        clock: Clock,
        largest_bytes: int,
    ) -> None:
        self._pages = pages
        self._bodies = bodies
        self._disk = disk
        self._epochs = epochs
        self._writes = OrderedWrites()
        self._clock = clock
        self._bans = Bans()
        self._bans_epoch: int | None = None
        self._bans_read_s = 0.0
        self.largest_bytes = largest_bytes
        """Longer bodies are not to be put here."""

    def epoch(self, url: Url) -> int:
        """To be asked for before the origin is, and handed to ``put`` with its answer."""
        return self._epochs.of(url.key)

    def known(self, url: Url) -> Page | None:
        """The page in memory, unless something was forgotten since it was read."""
        page = self._pages.get(url.key)
        return page if page is not None and page.epoch == self._epochs.of(url.key) else None

    def known_body(self, entry: Entry) -> bytes | None:
        return self._bodies.get(entry.body_id) if entry.size_bytes else b""

    async def page(self, url: Url) -> Page:
        """What is kept for *url*, in memory or on disk; an empty page if nothing is."""
        if (known := self.known(url)) is not None:
            return known
        await self._writes.settled(url.key)
        epoch = self._epochs.of(url.key)
        page = Page(epoch, await self._entries_on_disk(url))
        if page.entries and epoch == self._epochs.of(url.key):
            self._pages.put(url.key, page)
        return page

    async def body(self, entry: Entry) -> bytes | None:
        """The bytes of *entry*, if they are still kept."""
        body = self.known_body(entry)
        if body is None and self._disk is not None:
            found = await self._disk.get(_body_key(entry.body_id))
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
        self._pages.put(key, (self.known(url) or Page(epoch)).having(entry))
        if body:
            self._bodies.put(entry.body_id, body)
        disk = self._disk
        if disk is None:
            return

        async def write() -> None:
            if body:
                await disk.put(_body_key(entry.body_id), CacheEntry({}, body))
            if epoch != self._epochs.of(key):
                return
            # Read again: other web workers write here too.
            before = Page(epoch, await self._entries_on_disk(url))
            if body is None and not any(each.body_id == entry.body_id for each in before.entries):
                return
            page = before.having(entry)
            await disk.put(key, CacheEntry(page_record(page), b""))
            kept = {each.body_id for each in page.entries}
            for each in before.entries:
                if each.body_id not in kept and each.size_bytes:
                    await disk.delete(_body_key(each.body_id))

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
            await disk.delete(key)
            self._epochs.bump(key)  # who read the disk meanwhile read what is no more

        self._writes.start(key, erase)

    async def forget_below(self, bucket: str, raw_prefix: bytes) -> None:
        """As ``forget``, for every URL of *bucket* whose path begins with *raw_prefix*; ``/`` is all of them.

        Costs every page in memory a look at the disk.
        """
        key = bans_key()
        bans = (await self._standing_bans()).with_ban(bucket, raw_prefix, self._clock.now_s())
        disk = self._disk
        if disk is not None:
            self._writes.start(key, lambda: disk.put(key, CacheEntry(bans_record(bans), b"")))
            await self._writes.settled(key)
        self._epochs.bump_all()
        self._bans, self._bans_epoch = bans, self._epochs.of(key)

    async def aclose(self, grace_s: float) -> None:
        """Finish writing."""
        await self._writes.drain(grace_s)

    async def _entries_on_disk(self, url: Url) -> tuple[Entry, ...]:
        if self._disk is None:
            return ()
        bans = await self._standing_bans()
        found = await self._disk.get(url.key)
        entries = () if found is None else entries_of(found.meta)
        return tuple(each for each in entries if not bans.cover(url.bucket, url.raw_path, each.received_at_s))

    async def _standing_bans(self) -> Bans:
        epoch, now_s = self._epochs.of(bans_key()), self._clock.now_s()
        unread = self._bans_epoch != epoch or not 0 <= now_s - self._bans_read_s < BANS_S
        if unread and self._disk is not None:
            found = await self._disk.get(bans_key())
            self._bans_read_s = now_s
            if found is not None:
                self._bans, self._bans_epoch = bans_of(found.meta), epoch
        return self._bans


def new_body_id() -> str:
    return secrets.token_hex(16)


def _body_key(body_id: str) -> str:
    return "body:" + body_id
