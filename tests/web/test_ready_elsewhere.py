"""What one web worker made is answered at once by another one, as it would answer itself, or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fakes import FakeOrigin
from two_ways import Worker

from proxy.caches import recent
from proxy.caches.recent import Recent

WEBP = "/a.jpg?imageMogr2/thumbnail/100x/format/webp"
AUTO = "/a.jpg?imageMogr2/thumbnail/100x/format/auto"
MARK = "/a.jpg?watermark/1/image/aHR0cDovL2ItMS5jb3MueC5teXFjbG91ZC5jb20vYi5qcGc="
CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


class Node:
    """Two web workers with one origin and one memory to share."""

    def __init__(self, fd: int, **rules: Any) -> None:
        origin = FakeOrigin({"a.jpg": b"PIC one", "b.jpg": b"PIC two"})
        self.one, self.two = (Worker(origin=origin, recent=Recent(fd, 2, own), **rules) for own in range(2))

    async def shown(self, target: str, **fields: str) -> tuple[bytes, bytes]:
        """What the first says once it made *target*, and the other one then, but for their ids."""
        await self.one.warm(target, **fields)
        return tuple([await _asked(worker, target, **fields) for worker in (self.one, self.two)])  # type: ignore[return-value]

    @property
    def taken(self) -> int:
        """Answers that the second gave, none of which it made or read itself."""
        assert not self.two.codec.jobs
        return self.two.meter.at_once


async def _asked(worker: Worker, target: str, **fields: str) -> bytes:
    lines = "".join(f"\r\n{name.replace('_', '-')}: {value}" for name, value in {"host": "h", **fields}.items())
    answer = await worker.at_once.ask(f"GET {target} HTTP/1.1{lines}\r\n\r\n".encode())
    return re.sub(rb"\r\nx-cos-request-id: [0-9a-f]+", b"", answer)


@pytest.fixture
def fd() -> Iterator[int]:
    descriptor = recent.memory(2, 1 << 21)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("target", [WEBP, AUTO, "/a.jpg?imageInfo", "/b.jpg?imageMogr2/rotate/90"])
async def test_it_says_the_same_bytes_at_once(fd: int, target: str):
    node = Node(fd)
    first, second = await node.shown(target, accept=CHROME)
    assert first == second
    assert node.taken == 1


async def test_a_picture_is_there_for_others_from_its_first_answer_on(fd: int):
    node = Node(fd)
    await _asked(node.one, WEBP)
    assert b" 200 OK" in await _asked(node.two, WEBP)
    assert node.taken == 1


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"range": "bytes=0-3"}, b" 206 "),
        ({"if_none_match": "ETAG"}, b" 304 "),
        ({"if_modified_since": "Tue, 14 Nov 2023 22:13:20 GMT"}, b" 304 "),
    ],
)
async def test_parts_and_conditions_are_answered_from_the_first_time_on(
    fd: int, fields: dict[str, str], status: bytes
) -> None:
    node = Node(fd)
    etag = re.search(rb'\r\netag: ("[0-9a-f]+")', await node.one.warm(WEBP), re.IGNORECASE)
    assert etag is not None
    fields = {name: value.replace("ETAG", etag[1].decode()) for name, value in fields.items()}
    assert status in await _asked(node.two, WEBP, **fields)
    assert node.taken == 1


async def test_what_was_taken_lasts_and_can_be_purged(fd: int):
    node = Node(fd)
    await node.shown(WEBP)
    for _ in range(2):
        await _asked(node.two, WEBP)
    assert node.taken == 3, "it is in its own memory now"
    await node.two.purge(source="a.jpg")
    await _asked(node.two, WEBP)
    assert node.two.codec.jobs, "made anew, although the first has not heard of it yet"


@pytest.mark.parametrize("refresh", [False, True])
async def test_what_was_purged_here_is_not_taken(fd: int, refresh: bool) -> None:
    node = Node(fd)
    await node.one.warm(WEBP)
    node.two.clock.advance(1)
    await node.two.purge(source="a.jpg", refresh=refresh)
    await _asked(node.two, WEBP)
    assert node.two.codec.jobs
    assert not node.two.meter.at_once


async def test_what_was_made_since_a_purge_is_taken(fd: int):
    node = Node(fd)
    for worker in (node.one, node.two):
        await worker.purge(source="a.jpg")
        worker.clock.advance(1)
    await node.shown(WEBP)
    assert node.taken == 1


async def test_a_format_is_taken_by_who_accepts_the_same(fd: int):
    node = Node(fd)
    await node.one.warm(AUTO, accept=CHROME)
    assert b"image/jpeg" in await _asked(node.two, AUTO, accept="image/jpeg")
    assert not node.two.meter.at_once
    await node.one.warm("/a.jpg?imageInfo", accept=CHROME)
    assert b"application/json" in await _asked(node.two, "/a.jpg?imageInfo", accept="image/jpeg")
    assert node.two.meter.at_once == 1, "a report is the same for all"


async def test_another_hosts_answer_is_not_taken(fd: int):
    node = Node(fd)
    await node.one.warm(WEBP)
    await _asked(node.two, WEBP, host="other")
    assert not node.two.meter.at_once


async def test_what_has_gone_stale_is_not_taken(fd: int):
    node = Node(fd)
    await node.one.warm(WEBP)
    node.two.clock.advance(61)
    await _asked(node.two, WEBP)
    assert not node.two.meter.at_once


async def test_a_version_that_is_not_the_one_known_here_is_not_taken(fd: int):
    node = Node(fd)
    await node.one.warm(WEBP)
    node.two.origin.objects["a.jpg"] = b"PIC changed"
    await _asked(node.two, "/a.jpg?imageInfo")
    runs = len(node.two.codec.jobs)
    await _asked(node.two, WEBP)
    assert len(node.two.codec.jobs) > runs


async def test_a_watermarked_picture_is_for_each_to_make(fd: int):
    node = Node(fd)
    await node.one.warm(MARK)
    await _asked(node.two, MARK)
    assert not node.two.meter.at_once


async def test_what_a_peer_told_of_its_client_is_not_shown_to_others(fd: int):
    node = Node(fd, server={"trusted_proxies": ["127.0.0.1/32"]})
    for worker in (node.one, node.two):
        worker.at_once.peer = worker.the_long_way.peer = "127.0.0.1"
    await node.one.warm(AUTO, x_img_accept="image/webp")
    await _asked(node.two, AUTO, x_img_accept="image/webp")
    assert not node.two.meter.at_once
