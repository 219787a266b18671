"""What every origin promises (``ports.Origin``), whatever is behind it."""

from __future__ import annotations

import asyncio
import gc
import os

import pytest
from contracts.stores import Filled, opened_origin

from proxy.core.model import Validators
from proxy.errors import InvalidRange, NoSuchKey
from proxy.ports import ObjectStream, Unchanged

BODY = bytes(range(256)) * 4
LONG = os.urandom(1_000_003)


@pytest.fixture(params=["memory", "local", "s3", "http"])
async def filled(request, tmp_path):
    async with opened_origin(request.param, tmp_path) as found:
        yield found


async def content(stream: ObjectStream | Unchanged) -> bytes:
    assert not isinstance(stream, Unchanged)
    try:
        return b"".join([chunk async for chunk in stream])
    finally:
        await stream.aclose()


@pytest.mark.parametrize("body", [b"", b"x", BODY, LONG], ids=["empty", "a byte", "a kilobyte", "a megabyte"])
async def test_an_object_is_read_whole(filled: Filled, body: bytes):
    await filled.put("dir/a.jpg", body, "image/jpeg")
    stream = await filled.origin.open("dir/a.jpg")
    assert stream.size_bytes == len(body)
    assert stream.range is None
    assert await content(stream) == body


async def test_chunks_are_small_enough_to_pass_on(filled: Filled):
    await filled.put("a", LONG, "image/jpeg")
    stream = await filled.origin.open("a")
    sizes = [len(chunk) async for chunk in stream]
    await stream.aclose()
    assert sum(sizes) == len(LONG)
    assert 0 < max(sizes) <= 1_048_576


async def test_what_is_known_of_an_object_is_the_same_by_open_and_head(filled: Filled):
    await filled.put("a.jpg", BODY, "image/x-test")
    stream = await filled.origin.open("a.jpg")
    await stream.aclose()
    info, size_bytes = await filled.origin.head("a.jpg")
    assert size_bytes == stream.size_bytes == info.validators.size_bytes == len(BODY)
    assert info.validators == stream.info.validators
    assert info.media_type == stream.info.media_type == "image/x-test"
    assert info.validators.etag.startswith(('"', 'W/"'))
    assert info.validators.last_modified_s > 1_000_000_000


@pytest.mark.parametrize("key", ["missing", "a.jpg/below", "dir", "dir/", "x" * 300, "é/ü.png", ""])
async def test_what_is_not_there_is_no_such_key(filled: Filled, key: str):
    await filled.put("a.jpg", BODY, "image/jpeg")
    await filled.put("dir/b.jpg", BODY, "image/jpeg")
    with pytest.raises(NoSuchKey):
        await filled.origin.open(key)
    with pytest.raises(NoSuchKey):
        await filled.origin.head(key)


@pytest.mark.parametrize(
    "key",
    ["a b.jpg", "é/ü.png", "100%.jpg", "%2e%2e/x", "a+b", "q?x=1", "f#g", "~", "a;b=c&d", "..a", "a..", "...", "😀"],
)
async def test_keys_mean_themselves(filled: Filled, key: str):
    await filled.put(key, BODY, "image/jpeg")
    assert await content(await filled.origin.open(key)) == BODY


async def test_the_version_we_hold_is_unchanged(filled: Filled):
    await filled.put("a", BODY, "image/jpeg")
    info, _ = await filled.origin.head("a")
    answer = await filled.origin.open("a", since=info.validators)
    assert isinstance(answer, Unchanged)
    assert answer.info.validators == info.validators


async def test_another_version_is_sent(filled: Filled):
    await filled.put("a", BODY, "image/jpeg")
    before, _ = await filled.origin.head("a")
    await filled.put("a", BODY[::-1], "image/jpeg")
    assert await content(await filled.origin.open("a", since=before.validators)) == BODY[::-1]
    after, _ = await filled.origin.head("a")
    assert after.validators.identity != before.validators.identity


async def test_a_version_without_an_entity_tag_is_known_by_its_time(filled: Filled):
    await filled.put("a", BODY, "image/jpeg")
    info, size_bytes = await filled.origin.head("a")
    since = Validators(last_modified_s=info.validators.last_modified_s, size_bytes=size_bytes)
    assert isinstance(await filled.origin.open("a", since=since), Unchanged)


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ((0, 0), (0, 0)),
        ((10, 19), (10, 19)),
        ((1000, None), (1000, 1023)),
        ((1023, 5000), (1023, 1023)),
        ((-1, None), (1023, 1023)),
        ((-24, None), (1000, 1023)),
        ((-5000, None), (0, 1023)),
    ],
)
async def test_a_range_is_that_part(filled: Filled, asked, served):
    await filled.put("a", BODY, "image/jpeg")
    stream = await filled.origin.open("a", byte_range=asked)
    assert stream.range == served
    assert stream.size_bytes == len(BODY)
    assert await content(stream) == BODY[served[0] : served[1] + 1]


@pytest.mark.parametrize("asked", [(1024, None), (1024, 1025), (5000, 6000)])
async def test_a_range_outside_the_object_says_how_long_it_is(filled: Filled, asked):
    await filled.put("a", BODY, "image/jpeg")
    with pytest.raises(InvalidRange) as caught:
        await filled.origin.open("a", byte_range=asked)
    assert caught.value.size_bytes == 1024


async def test_a_range_and_a_version_may_be_asked_together(filled: Filled):
    await filled.put("a", BODY, "image/jpeg")
    info, _ = await filled.origin.head("a")
    assert isinstance(await filled.origin.open("a", since=info.validators, byte_range=(0, 9)), Unchanged)
    other = Validators(etag='"other"')
    assert await content(await filled.origin.open("a", since=other, byte_range=(0, 9))) == BODY[:10]


async def test_a_stream_may_be_left_at_any_point(filled: Filled):
    await filled.put("a", LONG, "image/jpeg")
    for chunks in (0, 1):
        stream = await filled.origin.open("a")
        for _ in range(chunks):
            await anext(aiter(stream))
        await stream.aclose()
        await stream.aclose()
    assert await content(await filled.origin.open("a")) == LONG


async def test_cancelled_requests_leave_nothing_behind(filled: Filled):
    await filled.put("a", LONG, "image/jpeg")
    await content(await filled.origin.open("a"))
    before = descriptors()
    for turns in range(12):
        task = asyncio.ensure_future(read(filled, "a"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await content(await filled.origin.open("a")) == LONG
    await settled(lambda: descriptors() <= before + 4)


async def read(filled: Filled, key: str) -> bytes:
    return await content(await filled.origin.open(key))


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


async def settled(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)
