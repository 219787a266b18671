"""The service with fakes around it, for tests of what it delivers."""

from __future__ import annotations

import asyncio

from fakes import DictCache, FakeCodec, FakeOrigin, ManualClock, TallyMeter

from proxy.caches.memory import MemoryCache
from proxy.core.grammar import format_plan, parse_plan
from proxy.core.model import Source
from proxy.core.negotiate import offer
from proxy.core.purges import Ledger
from proxy.service.admission import ByteBudget
from proxy.service.bucket import Bucket, BucketRules
from proxy.service.deliver import Deliver, Question
from proxy.service.originals import Originals
from proxy.service.shelf import Shelf
from proxy.stores.memory import MemoryStore

ENCODABLE = frozenset({"jpeg", "png", "gif", "webp", "avif"})
BODY = b"PIC one"


class World:
    """One web worker's service with fakes around it; ``restart`` forgets what was in memory."""

    def __init__(
        self, *, persist: bool = False, headers: dict[str, str] | None = None, ttl_s: float = 60, at_once: bool = True
    ) -> None:
        """*at_once*: as the service has ``disk_at_once``."""
        self.clock = ManualClock()
        self.meter = TallyMeter()
        self.codec = FakeCodec()
        self.origin = FakeOrigin({"a": BODY, "b": BODY + b" more", "text": b"no picture"}, headers)
        self.disk, self.disk_originals = DictCache(), DictCache()
        self.store = MemoryStore(self.clock) if persist else None
        rules = BucketRules(name="b", ttl_s=ttl_s, error_ttl_s=10)
        self.bucket = Bucket(rules=rules, origin=self.origin, persist=self.store)
        self.ledger: Ledger | None = None
        self.at_once = at_once
        self.restart()

    def restart(self) -> None:
        self.shelf = Shelf(self.meter)
        self.originals = Originals(
            codec=self.codec,
            clock=self.clock,
            meter=self.meter,
            budget=ByteBudget(1 << 30),
            facts=MemoryCache(1 << 20, size_of=lambda _: 1),
            bodies=MemoryCache(1 << 20, size_of=len),
            disk=self.disk_originals,
            shelf=self.shelf,
            disk_at_once=self.at_once,
            ledger=self.ledger,
        )
        self.deliver = Deliver(
            originals=self.originals,
            codec=self.codec,
            meter=self.meter,
            memory=MemoryCache(1 << 20, size_of=lambda artifact: len(artifact.body)),
            disk=self.disk,
            shelf=self.shelf,
            encodable=ENCODABLE,
            policy="p",
            versions="v",
        )

    def question(self, text: str = "imageMogr2/thumbnail/100x", accept: str | None = None, key: str = "a") -> Question:
        plan = parse_plan(text)
        offered = offer(plan.format, accept, mode="accept", order=("avif", "webp"), encodable=ENCODABLE)
        return Question(
            source=Source("b", key), plan=plan, plan_text=format_plan(plan), offer=offered, auto=plan.format == "auto"
        )

    async def ask(self, *args: str, **kwargs: str):
        delivered = await self.deliver.rendition(self.bucket, self.question(*args, **kwargs))
        await self.shelf.drain(5)
        return delivered


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
