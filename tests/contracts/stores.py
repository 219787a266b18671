"""Every origin and store there is, each ready to be used and to be filled; shared by the suites beside it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from fakes import ManualClock, TallyMeter
from servers.origin import FaultyOrigin
from servers.s3 import s3_server

from proxy.origins.http import HttpOrigin
from proxy.ports import Origin, Store
from proxy.settings import Origins
from proxy.stores.local import LocalStore
from proxy.stores.memory import MemoryStore
from proxy.stores.s3 import S3Store

TIMEOUTS = Origins(connect_timeout_s=5, read_timeout_s=5, total_timeout_s=20)


@dataclass
class Filled:
    """An origin, and a way to put an object into it that it does not need to have itself."""

    origin: Origin
    put: Callable[[str, bytes, str], Awaitable[None]]


@contextlib.asynccontextmanager
async def opened_store(kind: str, root: Path) -> AsyncIterator[Store]:
    """A new, empty store of *kind*: memory, local or s3."""
    store: Store
    match kind:
        case "memory":
            store = MemoryStore(ManualClock())
        case "local":
            store = LocalStore(root)
        case _:
            server = s3_server()
            store = S3Store(
                server.new_bucket(),
                endpoint=server.endpoint,
                region=server.region,
                virtual_hosted=False,
                access_key_id=server.access_key_id,
                secret_access_key=server.secret_access_key,
                settings=TIMEOUTS,
                meter=TallyMeter(),
            )
    try:
        yield store
    finally:
        await store.aclose()


@contextlib.asynccontextmanager
async def opened_origin(kind: str, root: Path) -> AsyncIterator[Filled]:
    """As ``opened_store``, and http."""
    if kind != "http":
        async with opened_store(kind, root) as store:

            async def put_into_store(key: str, body: bytes, media_type: str) -> None:
                await store.put(key, body, media_type=media_type)

            yield Filled(store, put_into_store)
        return
    with FaultyOrigin() as server:
        origin = HttpOrigin(
            server.url("/prefix"),
            settings=TIMEOUTS,
            headers={},
            allow_private=True,
            meter=TallyMeter(),
            clock=ManualClock(),
        )

        async def put_into_server(key: str, body: bytes, media_type: str) -> None:
            server.put(f"/prefix/{quote(key, safe='/')}", body, media_type=media_type)

        yield Filled(origin, put_into_server)
        await origin.aclose()
