"""A web worker with fakes behind it, and two connections to it, of which one answers what is ready and the other does not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import uvicorn
from fakes import FakeCodec, FakeOrigin, ManualClock, TallyMeter
from uvicorn.server import ServerState
from wire import Timers, Wire

from proxy.app import Capabilities, build
from proxy.connections.hits import HitProtocol
from proxy.connections.protocol import BoundedProtocol
from proxy.settings import Settings


class AtOnce(TallyMeter):
    """Counts what was answered below the application."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once = 0
        self.answers: list[tuple[str, int, int]] = []

    def request(self, kind: str, status: int, seconds: float, sent_bytes: int) -> None:
        self.answers.append((kind, status, sent_bytes))

    def hit_at_once(self, kind: str, status: int, seconds: float, sent_bytes: int) -> None:
        self.at_once += 1
        self.request(kind, status, seconds, sent_bytes)
        self.cache_hit("memory")


class Worker:
    """A web worker with fakes behind it, and two connections to it."""

    def __init__(
        self, server: dict[str, Any] | None = None, *, origin: Any = None, recent: Any = None, **bucket: Any
    ) -> None:
        self.clock, self.codec, self.meter = ManualClock(1_800_000_000.25), FakeCodec(), AtOnce()
        self.origin = origin or FakeOrigin({"a.jpg": b"PIC one", "b.jpg": b"PIC two", "t.txt": b"text"})
        settings = Settings.model_validate({
            "server": server or {},
            "cache": {"memory": {"max_bytes": 1 << 24}},
            "buckets": {"b-1": {"default": True, "store": "memory:", "ttl_s": 60, **bucket}},
        })  # fmt: skip
        self.application = build(
            settings,
            Capabilities(encodable=frozenset({"jpeg", "png", "webp", "avif"}), policy="p", versions="v"),
            codec=self.codec,
            meter=self.meter,
            clock=self.clock,
            recent=recent,
            open_store=lambda *_: self.origin,
        )
        self.at_once = Client(self, HitProtocol, ready=self.application.ready)
        self.the_long_way = Client(self, BoundedProtocol)

    async def both(
        self,
        target: str,
        method: str = "GET",
        version: str = "1.1",
        *,
        settled: bool = True,
        own_id: bool = False,
        **fields: str | bytes,
    ) -> bytes:
        """What both connections answer, which is the same but for the request's id.  In names ``_`` is ``-``, but for capitals.

        *own_id*: that is the origin's.  Not *settled*: the first may find something to do, and only an answer at once is the same as the second's.
        """
        before = self.meter.at_once
        named = {"host": "h", **{n.replace("_", "-") if n.islower() else n: value for n, value in fields.items()}}
        lines = b"".join(
            b"\r\n%b: %b" % (n.encode(), v if isinstance(v, bytes) else v.encode()) for n, v in named.items()
        )
        request = f"{method} {target} HTTP/{version}".encode() + lines + b"\r\n\r\n"
        answers = [await client.ask(request) for client in (self.at_once, self.the_long_way)]
        if not settled and self.meter.at_once == before:
            return answers[1]
        ids = [re.findall(rb"\r\nx-cos-request-id: ([0-9a-f]{24})\r\n", answer) for answer in answers]
        if own_id:
            assert answers[0] == answers[1]
            return answers[0]
        assert ids[0] != ids[1]
        assert [len(found) for found in ids] == [1, 1]
        masked = [
            re.sub(rb"(<TraceId>|x-cos-trace-id: )[^<\r]+", b"", answer.replace(each[0], b"ID"))
            for answer, each in zip(answers, ids, strict=True)
        ]
        assert masked[0] == masked[1]
        return masked[0]

    async def warm(self, target: str, **fields: str) -> bytes:
        """Have *target* ready; its answer."""
        for _ in range(3):
            answer = await self.both(target, settled=False, **fields)
        assert await self.is_ready(target, **fields)
        return answer

    async def is_ready(self, target: str, **fields: str) -> bool:
        """Whether one more request is answered at once."""
        before = self.meter.at_once
        await self.both(target, settled=False, **fields)
        return self.meter.at_once > before

    async def purge(self, **wanted: object) -> None:
        for purge in (await self.application.calls["resolve purge"](wanted))["purges"]:  # type: ignore[index]
            await self.application.calls["purge"]({"purge": purge, "leads": False})


class Client:
    """One connection after another."""

    def __init__(self, worker: Worker, protocol: Callable[..., BoundedProtocol], **options: Any) -> None:
        self._worker, self._protocol, self._options = worker, protocol, options
        self.connection: BoundedProtocol | None = None
        self.peer = "192.0.2.1"
        self.wire, self.timers = Wire(), Timers()

    def connect(self) -> BoundedProtocol:
        self.wire, self.timers = Wire(peer=self.peer), Timers()
        config = uvicorn.Config(self._worker.application.asgi, lifespan="off", log_config=None)
        self.connection = self._protocol(config, ServerState(), {}, self.timers, **self._options)
        self.connection.connection_made(self.wire)
        return self.connection

    async def ask(self, request: bytes) -> bytes:
        if self.connection is None or self.wire.closing:
            self.connect()
        assert self.connection is not None
        before = len(self.wire.written)
        self.connection.data_received(request)
        for _ in range(50):
            if len(self.wire.written) > before:
                break
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        return self.wire.written[before:]
