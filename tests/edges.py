"""A whole edge with fakes behind it, asked as a client would."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace
from ipaddress import ip_network

import httpx
from caching import Caching
from fakes import FakeCodec, FakeOrigin, ManualClock, TallyMeter

from proxy.caches.memory import MemoryCache
from proxy.service.admission import ByteBudget
from proxy.service.bucket import Bucket, BucketRules
from proxy.service.deliver import Deliver
from proxy.service.drawing import Drawing
from proxy.service.literals import Literals
from proxy.service.originals import Originals
from proxy.service.shelf import Shelf
from proxy.web.access_log import AccessLog
from proxy.web.ask import Asker
from proxy.web.edge import Edge
from proxy.web.guard import concealing
from proxy.web.hosts import Buckets
from proxy.web.peers import Peers

ENCODABLE = frozenset({"jpeg", "png", "gif", "webp", "avif"})
URL = "/a.jpg?imageMogr2/thumbnail/100x/format/webp"


class CountingMeter(TallyMeter):
    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[str, int]] = []

    def request(self, kind: str, status: int, seconds: float, sent_bytes: int) -> None:
        self.requests.append((kind, status))


class Worker:
    """An edge with its service and fakes."""

    def __init__(self, *, forward: object = None, trusted: tuple[str, ...] = (), **rules: object) -> None:
        self.clock, self.meter, self.codec = ManualClock(), CountingMeter(), FakeCodec()
        self.origin = FakeOrigin({"a.jpg": b"PIC one", "t.txt": b"text"})
        self.lines = io.StringIO()
        self.caching = Caching()
        shelf = Shelf(self.meter)
        originals = Originals(
            codec=self.codec, clock=self.clock, meter=self.meter, budget=ByteBudget(1 << 20),
            facts=MemoryCache(1 << 20, size_of=lambda _: 1), bodies=MemoryCache(1 << 20, size_of=len), disk=None,
            shelf=shelf,
        )  # fmt: skip
        deliver = Deliver(
            originals=originals, codec=self.codec, meter=self.meter, disk=None, shelf=shelf, encodable=ENCODABLE,
            memory=MemoryCache(1 << 20, size_of=lambda artifact: len(artifact.body)), policy="p", versions="v",
        )  # fmt: skip
        self.bucket = Bucket(rules=replace(BucketRules(name="b"), **rules), origin=self.origin, forward=forward)  # type: ignore[arg-type]
        buckets, peers = Buckets([(self.bucket, [], True)]), Peers(map(ip_network, trusted))
        self.log = AccessLog(self.clock, requests=True, stream=self.lines, peers=peers, conceal=concealing(buckets))
        self.edge = Edge(
            buckets=buckets, deliver=deliver, drawing=Drawing(self.codec, self.meter), asker=Asker(ENCODABLE, buckets),
            clock=self.clock, shared_cache=self.caching.cache, literals=Literals(originals, self.clock), meter=self.meter,
            log=self.log, peers=peers,
        )  # fmt: skip

    async def get(self, target: str, method: str = "GET", **headers: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.edge, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://h") as client:
            return await client.request(method, target, headers={k.replace("_", "-"): v for k, v in headers.items()})

    async def logged(self) -> list[dict[str, object]]:
        await asyncio.to_thread(self.log.close)
        return [json.loads(line) for line in self.lines.getvalue().splitlines()]
