"""What a purge needs: one URL, or all below a prefix, gone from memory, disk and every other process."""

from __future__ import annotations

import pytest
from caching import Caching, ScriptedAnswer
from fakes import DictCache

from proxy.core.http_cache.bans import MAX_BANS, Bans
from proxy.service.epochs import LocalEpochs
from proxy.service.pages import Url

FRESH = {"cache_control": "max-age=100000"}
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


@pytest.mark.parametrize(
    ("bucket", "prefix", "left"),
    [
        ("b", b"/a/", [b"/b"]),
        ("b", b"/%61/", [b"/b"]),
        ("b", b"/", []),
        ("other", b"/", list(PATHS)),
        ("b", b"/c", list(PATHS)),
    ],
)
async def test_all_below_a_prefix(bucket: str, prefix: bytes, left: list[bytes]) -> None:
    c = await filled(disk=DictCache())
    c.clock.advance(1)
    await c.answers.forget_below(bucket, prefix)
    assert [path for path in PATHS if c.cache.hit(c.ask(path))] == []  # to be looked at again
    assert await kept(c) == left
    restarted = Caching(ScriptedAnswer(**FRESH), disk=c.disk)
    assert await kept(restarted) == left
    c.clock.advance(1)
    restarted.clock.advance(2)
    await restarted.get(b"/a/1")
    assert b"/a/1" in await kept(restarted)  # what came later stays


async def test_another_process_sees_a_ban_by_its_epoch() -> None:
    disk, epochs = DictCache(), LocalEpochs()
    one = await filled(disk=disk, epochs=epochs)
    other = Caching(disk=disk, epochs=epochs)
    assert await kept(other) == list(PATHS)
    one.clock.advance(1)
    await one.answers.forget_below("b", b"/a")
    assert await kept(other) == [b"/b"]


async def test_without_a_disk_a_ban_ends_all() -> None:
    c = await filled()
    await c.answers.forget_below("b", b"/a")
    assert await kept(c) == []


def test_a_wider_ban_takes_the_place_of_narrower_ones() -> None:
    bans = Bans().with_ban("b", b"/a/1", 1).with_ban("b", b"/c", 2).with_ban("b", b"/a", 3).with_ban("o", b"/a", 4)
    assert [(ban.bucket, ban.prefix, ban.at_s) for ban in bans.bans] == [
        ("b", b"/c", 2),
        ("b", b"/a", 3),
        ("o", b"/a", 4),
    ]
    assert Bans.from_json(bans.to_json()) == bans


def test_so_many_bans_and_no_more_and_none_is_lost() -> None:
    bans = Bans()
    for n in range(3 * MAX_BANS):
        bans = bans.with_ban("b", b"/x%d/" % n, n)
    assert len(bans.bans) == MAX_BANS
    assert all(bans.cover("b", b"/x%d/y" % n, n) for n in range(3 * MAX_BANS))
    assert not bans.cover("b", b"/y", 0)
