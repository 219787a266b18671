"""What every store promises beyond being an origin (``ports.Store``)."""

from __future__ import annotations

import asyncio

import pytest
from contracts.stores import opened_store

from proxy.errors import NoSuchKey
from proxy.ports import Store, Unchanged


@pytest.fixture(params=["memory", "local", "s3"])
async def store(request, tmp_path):
    async with opened_store(request.param, tmp_path) as found:
        yield found


async def body_of(store: Store, key: str) -> bytes:
    stream = await store.open(key)
    assert not isinstance(stream, Unchanged)
    try:
        return b"".join([chunk async for chunk in stream])
    finally:
        await stream.aclose()


async def test_what_was_put_comes_back_with_what_was_said_of_it(store: Store):
    metadata = {"recipe": '{"plan": "thumbnail/800x"}', "src-etag": '"abc"'}
    await store.put(".mogr/x/y.webp", b"body", media_type="image/webp", metadata=metadata)
    info, size_bytes = await store.head(".mogr/x/y.webp")
    assert await body_of(store, ".mogr/x/y.webp") == b"body"
    assert (info.media_type, dict(info.metadata), size_bytes) == ("image/webp", metadata, 4)


async def test_put_tells_the_version_that_is_then_there(store: Store):
    validators = await store.put("a", b"body")
    info, _ = await store.head("a")
    assert validators.etag == info.validators.etag
    assert validators.size_bytes == 4
    assert isinstance(await store.open("a", since=validators), Unchanged)


async def test_an_object_is_replaced_with_all_that_was_said_of_it(store: Store):
    await store.put("a.png", b"1", media_type="image/webp", metadata={"recipe": "old"})
    await store.put("a.png", b"2", media_type="image/avif")
    info, _ = await store.head("a.png")
    assert await body_of(store, "a.png") == b"2"
    assert (info.media_type, dict(info.metadata)) == ("image/avif", {})


async def test_readers_see_a_whole_version_while_it_is_replaced(store: Store):
    versions = [bytes([digit]) * 300_000 for digit in b"0123456789"]
    await store.put("a", versions[0])

    async def write() -> None:
        for body in versions:
            await store.put("a", body)

    writing = asyncio.ensure_future(write())
    while not writing.done():
        assert await body_of(store, "a") in versions
        await asyncio.sleep(0)  # the memory store never waits
    await writing
    assert await body_of(store, "a") == versions[-1]


async def test_a_deleted_object_is_gone_and_may_be_deleted_again(store: Store):
    await store.put("dir/a", b"body", media_type="image/webp")
    for _ in range(2):
        await store.delete("dir/a")
        with pytest.raises(NoSuchKey):
            await store.open("dir/a")


@pytest.mark.parametrize("key", ["missing", "dir", "no/such/dir/a", "", "../a", "a\0b"])
async def test_deleting_what_is_not_there_is_no_error(store: Store, key: str):
    await store.put("dir/a", b"body")
    await store.delete(key)
    assert await body_of(store, "dir/a") == b"body"


async def test_an_empty_key_cannot_be_written(store: Store):
    with pytest.raises(NoSuchKey):
        await store.put("", b"body")


async def test_many_writers_of_one_key_leave_one_whole_object(store: Store):
    bodies = [bytes([number]) * 50_000 for number in range(8)]
    await asyncio.gather(*(store.put("a", body, metadata={"n": str(body[0])}) for body in bodies))
    body = await body_of(store, "a")
    info, _ = await store.head("a")
    assert body in bodies
    assert dict(info.metadata) == {"n": str(body[0])}


async def test_every_key_below_a_prefix_is_told_and_no_other(store: Store):
    keys = [".mogr/aa/1", ".mogr/aa/2", ".mogr/ab/1", ".mogr/ab/deep/er", "top", "other/.mogr/x"]
    for key in keys:
        await store.put(key, b"body", media_type="text/x-own", metadata={"a": "b"})

    async def below(prefix: str) -> list[str]:
        return sorted([key async for key in store.keys(prefix)])

    assert await below("") == sorted(keys)
    assert await below(".mogr/") == sorted(keys[:4])
    assert await below(".mogr/ab/") == sorted(keys[2:4])
    assert await below(".mogr/nothing/") == []
    async for key in store.keys(".mogr/"):
        await store.delete(key)
    assert await below("") == sorted(keys[4:])
