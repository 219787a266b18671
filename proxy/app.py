"""The composition root of one web worker: settings in, wired objects out.

The only module that knows every concrete class of the serving side.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from proxy.caches.memory import MemoryCache
from proxy.caches.tiers import disk_tiers
from proxy.connections.ready import ReadyAnswers
from proxy.core.model import Artifact
from proxy.core.purges import Ledger, Purge
from proxy.logs import log
from proxy.opening import open_origin
from proxy.ports import Clock, Codec, Meter, Origin, Store
from proxy.rules import rules_of
from proxy.service.admission import ByteBudget
from proxy.service.answers import Answers
from proxy.service.bodies import Copy
from proxy.service.bucket import Bucket
from proxy.service.deliver import Deliver
from proxy.service.drawing import Drawing
from proxy.service.epochs import Epochs, LocalEpochs
from proxy.service.leasing import Leasing
from proxy.service.literals import Literals
from proxy.service.originals import Originals
from proxy.service.pages import Page
from proxy.service.purging import Copies
from proxy.service.records import Facts
from proxy.service.shared_cache import SharedCache
from proxy.service.shelf import Shelf
from proxy.service.verdicts import Neighbours
from proxy.settings import Bucket as BucketSettings
from proxy.settings import Settings
from proxy.stores.uri import parse_store_uri
from proxy.web.access_log import AccessLog
from proxy.web.ask import Asker
from proxy.web.edge import Edge
from proxy.web.guard import concealing
from proxy.web.hosts import Buckets
from proxy.web.peers import Peers
from proxy.web.purges import purge_calls
from proxy.web.ready import Readying, mattering, noting
from proxy.web.ready_elsewhere import Elsewhere, Recent
from proxy.web.ready_passed import ReadyingPassed

_LEARN_WITHIN_S = 5.0
_TELL_WITHIN_S = 0.5
_FACTS_BYTES = 900
"""What one entry of facts is counted as, its tags besides."""


class WallClock:
    """The Clock of the real world."""

    def now_s(self) -> float:
        return time.time()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the codec of this node can do, as its processes found out."""

    encodable: frozenset[str]
    policy: str
    """Changes whenever the same plan could give other bytes."""
    versions: str

    @classmethod
    def of(cls, found: Mapping[str, Any], *, fonts: str = "") -> Capabilities:
        """What *found*, the codec's answer, and *fonts*, a fingerprint of those it draws with, come to."""
        versions: Mapping[str, str | None] = found["versions"]
        text = " ".join(f"{name}/{version}" for name, version in sorted(versions.items()) if version)
        return cls(encodable=frozenset(found["encode"]), policy=f"{found['policy']}{fonts}", versions=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One wired web worker."""

    asgi: ASGIApp
    ready: ReadyAnswers
    """Hits, for the connections."""
    calls: Mapping[str, Callable[[Any], Awaitable[object]]]
    """What the supervisor may ask for: ``resolve purge`` (the body of a request) and ``purge`` (one, and who leads)."""
    begin: Callable[[], Awaitable[None]]
    """To be awaited before the first request: learns what other replicas purged, and goes on to."""
    aclose: Callable[[float], Awaitable[None]]
    """Finish what is under way within so many seconds and close everything."""


def build(
    settings: Settings,
    capabilities: Capabilities,
    *,
    codec: Codec,
    meter: Meter,
    clock: Clock | None = None,
    ledger: Ledger | None = None,
    note: Callable[[Purge], bool] | None = None,
    on_disk_written: Callable[[int], None] = lambda _: None,
    neighbours: Neighbours | None = None,
    epochs: Epochs | None = None,
    presence_fd: int | None = None,
    writer_fd: int | None = None,
    recent: Recent | None = None,
    open_store: Callable[..., Origin | Store] = open_origin,
) -> Application:
    """Wire one web worker from its settings; must be called on the event loop that will serve it.

    *ledger* is of what was purged before; *note* as ``Copies`` has it; *epochs*, *recent* and the descriptors are those of the node.
    """
    clock = clock or WallClock()
    limits = settings.limits.image_limits()
    origins: list[Origin] = []

    def opened(uri: str, bucket: BucketSettings) -> Any:
        origins.append(open_store(uri, bucket, settings, meter, clock))
        return origins[-1]

    buckets = []
    for name, own in settings.buckets.items():
        origin = opened(own.store, own)
        persist = None
        if own.persist == "read-through":
            persist = opened(own.persist_store, own) if own.persist_store else origin
        bucket = Bucket(
            rules=rules_of(name, own, limits, settings.credentials),
            origin=origin,
            persist=persist,
            cache_originals=parse_store_uri(own.store).scheme not in ("file", "memory"),
            forward=origin if own.pass_through else None,
        )
        buckets.append((bucket, own.hosts, own.default))

    memory, workers = settings.cache.memory, settings.server.workers
    budget_bytes = (memory.max_bytes - memory.shared_bytes(workers)) // workers
    passes = any(own.pass_through for own in settings.buckets.values())
    answers_bytes = budget_bytes * 5 // 16 if passes else 0
    receiving_bytes = settings.origins.fetch_bytes // 4 if passes else 0
    shelf = Shelf(meter)
    ledger = ledger if ledger is not None else Ledger()
    disk, disk_originals = disk_tiers(settings.cache.disk, meter, clock, on_disk_written, presence_fd, writer_fd)
    originals = Originals(
        codec=codec,
        clock=clock,
        meter=meter,
        budget=ByteBudget(settings.origins.fetch_bytes - receiving_bytes),
        facts=MemoryCache[Facts](max(budget_bytes // 16, 1 << 20), size_of=_facts_bytes),
        bodies=MemoryCache[Copy](budget_bytes // 4, size_of=len),
        disk=disk_originals,
        disk_at_once=settings.cache.disk is not None and settings.cache.disk.originals == "always",
        shelf=shelf,
        ledger=ledger,
        neighbours=neighbours,
    )
    replicas = None
    if settings.redis.url.get_secret_value():
        from proxy.replicas import open_redis  # deployments without Redis need not load it

        replicas = open_redis(settings.redis, meter, _warn)
    leasing = Leasing(replicas.leases, meter, longest_s=settings.codec.deadline_s) if replicas else None
    deliver = Deliver(
        originals=originals,
        codec=codec,
        meter=meter,
        memory=MemoryCache[Artifact](
            budget_bytes * 5 // 8 - answers_bytes, size_of=lambda artifact: len(artifact.body)
        ),
        disk=disk,
        shelf=shelf,
        encodable=capabilities.encodable,
        policy=capabilities.policy,
        versions=capabilities.versions,
        leasing=leasing,
    )
    answers = Answers(
        pages=MemoryCache[Page](answers_bytes // 8, size_of=lambda page: page.size_bytes),
        bodies=MemoryCache[bytes](answers_bytes - answers_bytes // 8, size_of=len),
        disk=disk_originals,
        epochs=epochs or LocalEpochs(),
        ledger=ledger,
        largest_bytes=_largest_answer_bytes(settings, answers_bytes),
    )
    shared_cache = SharedCache(answers=answers, clock=clock, meter=meter, max_receiving_bytes=receiving_bytes)
    peers = Peers(settings.server.trusted_proxies)
    named = Buckets(buckets)
    access = AccessLog(clock, requests=settings.server.access_log == "json", peers=peers, conceal=concealing(named))
    literals, asker = Literals(originals, clock), Asker(capabilities.encodable, named)
    ready = ReadyAnswers(
        now_s=clock.now_s,
        ledger=ledger,
        max_bytes=budget_bytes // 16,
        count=meter.hit_at_once,
        note=noting(access) if settings.server.access_log == "json" else None,
        matters=mattering(passes=passes, peers=peers),
    )
    elsewhere = Elsewhere(recent, deliver, ready, clock) if recent is not None else None
    ready.elsewhere = elsewhere.take if elsewhere else None
    copies = Copies(
        ledger=ledger,
        deliver=deliver,
        answers=answers,
        literals=literals,
        tiers=[tier for tier in (disk, disk_originals) if tier is not None],
        buckets=named.by_name,
        note=note,
        complain=_warn,
        announcements=replicas.announcements if replicas else None,
    )

    edge = Edge(
        buckets=named,
        deliver=deliver,
        drawing=Drawing(codec, meter),
        literals=literals,
        asker=asker,
        clock=clock,
        meter=meter,
        log=access,
        shared_cache=shared_cache,
        peers=peers,
        server_timing=settings.server.server_timing,
        readying=Readying(deliver, clock, peers, ready, elsewhere.tell if elsewhere else None),
        readying_passed=ReadyingPassed(shared_cache, clock, peers, ready),
    )

    async def begin() -> None:
        # A bucket that does not answer must not keep a node from starting: what it knows holds from the next poll on.
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEARN_WITHIN_S):
                await copies.poll()
        copies.follow(settings.cache.purge_poll_s)

    async def aclose(grace_s: float) -> None:
        await copies.aclose()
        await asyncio.gather(deliver.aclose(grace_s), shared_cache.aclose(grace_s))
        for origin in origins:
            await origin.aclose()
        if replicas and leasing:
            await leasing.aclose(_TELL_WITHIN_S)
            await replicas.aclose()
        for tier in (disk, disk_originals):
            if tier is not None:
                tier.close()
        await asyncio.to_thread(access.close)

    return Application(
        asgi=edge, ready=ready, begin=begin, aclose=aclose, calls=purge_calls(named, asker, copies, clock)
    )


def _warn(event: str, why: str) -> None:
    log(event, level="warning", error=why)


def _facts_bytes(facts: Facts) -> int:
    return _FACTS_BYTES + sum(map(len, facts.tags or ()))


def _largest_answer_bytes(settings: Settings, memory_bytes: int) -> int:
    """The longest answer that is kept: what the setting says, and what some tier takes."""
    disk = settings.cache.disk
    tier_bytes = disk.shares()[1][1] if disk is not None else memory_bytes
    return min(settings.cache.max_answer_bytes, tier_bytes // 4)
