"""A purge carried out in one web worker, and, where it leads, on the disk and in the buckets that all share.

No old copy is sent from the moment that the ledger knows of the purge.  What is deleted after that is only given back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from proxy.core.model import Provenance
from proxy.core.purges import NONE, Ledger, Purge, Standing
from proxy.ports import Announcements, Cache
from proxy.service.announced_purges import AnnouncedPurges
from proxy.service.answers import Answers
from proxy.service.bucket import Bucket
from proxy.service.deliver import Deliver
from proxy.service.literals import Literals
from proxy.service.pages import body_key, entries_of, provenance_of, url_of
from proxy.service.persisted import delete_persisted
from proxy.service.records import provenance_from_json
from proxy.service.shared_purges import SharedPurges

DELETE_WITHIN_S = 45.0
_EARLY_ENTRIES = 100


class Copies:
    """Every copy that one web worker can reach.

    Args:
        tiers: the disk's, renditions' and originals'.
        buckets: by name.
        note: writes a replica's purge down beside the disk tier, in a thread; whether it was not there yet: of the web
            workers that share the disk the first one deletes there for all.
        complain: told what an operator should know, and why.
        announcements: carries purges to other replicas at once, and to those that share no bucket with us.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        deliver: Deliver,
        answers: Answers,
        literals: Literals,
        tiers: Sequence[Cache],
        buckets: Mapping[str, Bucket],
        note: Callable[[Purge], bool] | None = None,
        complain: Callable[[str, str], None] = lambda *_: None,
        announcements: Announcements | None = None,
    ) -> None:
        self._ledger = ledger
        self._deliver = deliver
        self._answers = answers
        self._literals = literals
        self._tiers = tiers
        self._buckets = buckets
        self._shared = SharedPurges(buckets.values(), self._arrived, complain)
        self._note = note
        self._complain = complain
        self._deleting: set[asyncio.Task[tuple[int, bool]]] = set()
        self._announced = AnnouncedPurges(announcements, buckets, self._arrived) if announcements is not None else None
        self._early: dict[str, int] = {}
        """What purges found in memory that came from elsewhere: of this node's own, the supervisor's call counts it."""
        self._following: list[asyncio.Task[None]] = []

    def enter(self, purge: Purge) -> int:
        """From now on nothing that *purge* means is sent; how many copies it found in memory.

        Those it lets be sent until they are made anew stay there.
        """
        if not self._ledger.add(purge):
            return 0
        only = Ledger([purge])
        found = 0

        def meant(copy: Provenance) -> bool:
            nonlocal found
            met = only.judge(copy) is not Standing.GOOD
            found += met
            return met and not purge.refresh

        self._literals.forget_those(lambda source: only.of_source(source) != NONE or only.of_url(source, None) != NONE)
        self._deliver.forget(meant)
        self._answers.discard(meant)
        return found

    async def _arrived(self, purge: Purge) -> None:
        """A purge of another replica."""
        if purge.id in self._ledger:
            return
        if len(self._early) >= _EARLY_ENTRIES:
            self._early.clear()
        self._early[purge.id] = self.enter(purge)
        first = self._note is not None and await asyncio.to_thread(self._note, purge)
        if first and not purge.refresh:
            task = asyncio.ensure_future(self.delete_from_disk(purge))
            self._deleting.add(task)
            task.add_done_callback(self._deleting.discard)

    async def poll(self) -> None:
        """Look for purges of other replicas once."""
        await asyncio.gather(self._shared.poll(), *([self._announced.catch_up()] if self._announced else []))

    def follow(self, every_s: float) -> None:
        """Learn of purges of other replicas from now on: buckets are looked into every so often."""
        self._following.append(asyncio.ensure_future(self._shared.keep_polling(every_s)))
        if self._announced is not None:
            self._following.append(asyncio.ensure_future(self._announced.keep_listening()))

    async def aclose(self) -> None:
        """Stop following and deleting; what is left on disk counts no more."""
        tasks = [*self._deleting, *self._following]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def delete_from_disk(self, purge: Purge) -> tuple[int, bool]:
        """How many files went, and whether there was time to look at all of them."""
        only = Ledger([purge])
        results = await asyncio.gather(*(_delete(tier, only) for tier in self._tiers))
        return sum(count for count, _ in results), all(done for _, done in results)

    async def delete_persisted(self, purge: Purge) -> tuple[int, bool]:
        """How many objects went from the buckets that renditions are kept in, and whether that was all."""
        meant = [
            each
            for each in self._buckets.values()
            if each.persist is not None and purge.bucket in ("", each.rules.name)
        ]
        count, done = 0, True
        for bucket in meant:
            assert bucket.persist is not None
            try:
                async with asyncio.timeout(DELETE_WITHIN_S / len(meant)):
                    async for _ in delete_persisted(bucket.persist, bucket.rules.persist_prefix, purge):
                        count += 1
            except Exception as error:  # what is left there counts no more
                self._complain("Not all purged renditions could be deleted.", str(error) or repr(error))
                done = False
        return count, done

    async def carry_out(self, purge: Purge, *, leads: bool) -> dict[str, int]:
        """Enter *purge*, and with *leads* delete what is on disk and in buckets; counts by tier.

        ``unfinished``: so many places could not be looked through in time; nothing of that is sent all the same.
        ``unpublished``: replicas could not be told.
        """
        counts = {"memory": self.enter(purge) + self._early.pop(purge.id, 0)}
        if leads:
            counts["unpublished"] = int(not await self._publish(purge))
        if leads and not purge.refresh:
            disk, persisted = await asyncio.gather(self.delete_from_disk(purge), self.delete_persisted(purge))
            counts |= {"disk": disk[0], "persisted": persisted[0], "unfinished": 2 - disk[1] - persisted[1]}
        return counts

    async def _publish(self, purge: Purge) -> bool:
        """Whether every replica that can be told learns of *purge*."""
        announced, written = await asyncio.gather(
            self._announced.publish(purge) if self._announced is not None else _no(), self._shared.publish(purge)
        )
        alone = self._announced is not None and any(
            each.persist is None for each in self._buckets.values() if purge.bucket in ("", each.rules.name)
        )
        return written and (announced or not alone)


async def _no() -> bool:
    return False


async def _delete(tier: Cache, only: Ledger) -> tuple[int, bool]:
    bodies: list[str] = []
    count, done = await tier.discard(_condition(only, bodies.append), DELETE_WITHIN_S)
    for body_id in bodies:
        await tier.delete(body_key(body_id))
    return count + len(bodies), done


def _condition(only: Ledger, lost: Callable[[str], None]) -> Callable[[Mapping[str, object]], bool]:
    """Whether a file is meant, by its meta; *lost* is told of each body of an answer that nothing names any more."""

    def meant(meta: Mapping[str, object]) -> bool:
        if "entries" not in meta:
            provenance = provenance_from_json(meta.get("of"))
            return provenance is not None and only.judge(provenance) is Standing.GONE
        url = url_of(meta)
        entries = entries_of(meta) if url is not None else ()
        gone = [each for each in entries if url and only.judge(provenance_of(url, each)) is Standing.GONE]
        if not gone or len(gone) < len(entries):
            return False  # its page is written anew with the next answer, without those
        for each in gone:
            if each.size_bytes:
                lost(each.body_id)
        return True

    return meant
