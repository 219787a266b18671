"""What becomes obsolete before its time is gone from memory and disk: one URL, or what a purge means."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from caching import NOW, Caching, ScriptedAnswer, settle
from fakes import DictCache

from proxy.core.purges import Ledger, Purge
from proxy.service.pages import Url

FRESH = {"cache_control": "max-age=100000", "cache_tag": "red"}
PATHS = (b"/a/1", b"/a/2", b"/b", b"/%61/3")


async def filled(**how: object) -> Caching:
    c = Caching(*[ScriptedAnswer(**FRESH) for _ in range(20)], **how)  # type: ignore[arg-type]
    for path in PATHS:
        await c.get(path)
    return c


async def kept(c: Caching) -> list[bytes]:
    """Which paths a process would answer without asking the origin."""
    return [path for path in PATHS if (await c.answers.page(Url("b", path))).entries]


async def test_one_url() -> None:
    c = await filled(disk=DictCache())
    await c.answers.forget(Url("b", b"/a/1"))
    assert await kept(c) == [b"/a/2", b"/b", b"/%61/3"]
    assert await kept(Caching(disk=c.disk)) == [b"/a/2", b"/b", b"/%61/3"]
    assert (await c.get(b"/a/1")).cache == "mogr; fwd=uri-miss; stored"
    assert b"/a/1" in await kept(Caching(disk=c.disk))


def purge(value: str, *, bucket: str = "b", at_s: float = NOW, **more: Any) -> Purge:
    return Purge(id=value, **{"kind": "prefix", **more}, at_s=at_s, bucket=bucket, value=value)


@pytest.mark.parametrize("on_disk", [True, False])
@pytest.mark.parametrize(
    ("entered", "left"),
    [
        (purge("a/"), [b"/b"]),
        (purge(""), []),
        (purge("", bucket="other"), list(PATHS)),
        (purge("c"), list(PATHS)),
        (purge("a/1", kind="source"), [b"/a/2", b"/b", b"/%61/3"]),
        (purge("a/3", kind="source"), [b"/a/1", b"/a/2", b"/b"]),
        (purge("a/1", kind="url"), [b"/a/2", b"/b", b"/%61/3"]),
        (purge("a/1", kind="url", raw_query="v=1"), list(PATHS)),
        (purge("red", kind="tag", bucket=""), []),
        (purge("blue", kind="tag", bucket=""), list(PATHS)),
        (purge("", refresh=True), list(PATHS)),
    ],
)
async def test_what_was_purged_is_kept_by_nobody(entered: Purge, left: list[bytes], on_disk: bool) -> None:
    disk = DictCache() if on_disk else None
    c = await filled(disk=disk)
    c.ledger.add(entered)
    assert await kept(c) == left
    if disk is None:
        return
    restarted = Caching(ScriptedAnswer(**FRESH), disk=disk, ledger=Ledger([entered]))
    assert await kept(restarted) == left
    restarted.clock.advance(1)
    await restarted.get(b"/a/1")
    assert b"/a/1" in await kept(restarted), "what came later stays"


async def test_an_answer_asked_for_before_a_purge_is_sent_to_who_waits_and_not_kept() -> None:
    c = Caching(ScriptedAnswer(body=b"old", **FRESH), ScriptedAnswer(body=b"new", **FRESH), disk=DictCache())
    c.origin.gate.clear()
    waiting = asyncio.ensure_future(c.get(b"/a/1"))
    await settle()
    c.ledger.add(purge("a/1", kind="source"))
    c.clock.advance(1)
    later = asyncio.ensure_future(c.get(b"/a/1"))
    await settle()
    c.origin.gate.set()
    assert ((await waiting).body, (await later).body) == (b"old", b"new")
    assert (await c.get(b"/a/1")).body == b"new"
    assert len(c.origin.requests) == 2


async def test_what_is_refreshed_is_sent_while_its_origin_is_asked() -> None:
    c = Caching(ScriptedAnswer(body=b"old", etag='"1"', **FRESH), ScriptedAnswer(body=b"new", etag='"2"', **FRESH))
    await c.get(b"/a/1")
    c.ledger.add(purge("a/1", kind="source", refresh=True))
    c.clock.advance(1)
    c.origin.gate.clear()
    for _ in range(3):
        got = await c.get(b"/a/1")
        assert (got.body, "detail=refreshing" in got.cache) == (b"old", True)
    assert len(c.origin.requests) == 2
    c.origin.gate.set()
    await settle()
    got = await c.get(b"/a/1")
    assert (got.body, got.cache) == (b"new", "mogr; hit; ttl=100000; detail=memory")
