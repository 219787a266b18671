"""A directory that cannot be left, and files that are whole (security test T8)."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.core.model import Validators
from proxy.errors import NoSuchKey, OriginRefused, OriginUnavailable
from proxy.ports import Unchanged
from proxy.stores import beneath, sidecars
from proxy.stores.local import LocalStore
from proxy.stores.streams import FileStream

SECRET = b"secret"


@pytest.fixture
def root(tmp_path):
    """A store's directory with its neighbours: a secret beside it, and one whose name begins alike."""
    (tmp_path / "secret.jpg").write_bytes(SECRET)
    (tmp_path / "public123").mkdir()
    (tmp_path / "public123" / "a.jpg").write_bytes(SECRET)
    inside = tmp_path / "public"
    (inside / "dir").mkdir(parents=True)
    (inside / "dir" / "a.jpg").write_bytes(b"picture")
    return inside


@pytest.fixture
def store(root):
    return LocalStore(root)


async def body_of(store: LocalStore, key: str) -> bytes:
    stream = await store.open(key)
    assert isinstance(stream, FileStream)
    async with stream:
        return b"".join([chunk async for chunk in stream])


ESCAPES = [
    "../secret.jpg", "dir/../../secret.jpg", "dir/../dir/a.jpg", "./dir/a.jpg", "dir/./a.jpg", "dir//a.jpg", "/dir/a.jpg",
    "dir/a.jpg/", "..", ".", "/", "", "//", "../public123/a.jpg", "..\\secret.jpg", "dir\\a.jpg", "dir/a.jpg\0", "\0",
    "%2e%2e/secret.jpg", "%252e%252e/secret.jpg", "..%c0%afsecret.jpg", "..%2fsecret.jpg", "/etc/passwd", "\ud800",
    "dir/a.jpg\n", "DIR/a.jpg", "dir", "dir/a.jpg/x", "x" * 256, "d/" * 3000 + "x", "..;/secret.jpg", "．．/secret.jpg",
    "/proc/self/environ", "~/x", "file:///etc/passwd",
]  # fmt: skip


@pytest.mark.parametrize("key", ESCAPES, ids=ascii)
async def test_no_key_leads_out_of_the_directory(store, key):
    for call in (store.open, store.head):
        with pytest.raises(NoSuchKey):
            await call(key)


@pytest.mark.parametrize(
    "key", [key for key in ESCAPES if ".." in key.split("/") or key[:1] == "/" or "\0" in key], ids=ascii
)
async def test_nothing_is_written_outside_either(store, root, key):
    with pytest.raises(NoSuchKey):
        await store.put(key, b"evil")
    await store.delete(key)
    assert (root.parent / "secret.jpg").read_bytes() == SECRET


@given(st.text(max_size=40))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_name_is_a_path_of_its_own_or_none(text):
    try:
        steps = beneath.steps_of(text, hidden=".mogr-meta")
    except NoSuchKey:
        return
    assert b"/".join(steps).decode() == text
    assert all(step not in (b"", b".", b"..") and b"\0" not in step for step in steps)


def links(root) -> list[str]:
    (root / "file").symlink_to(root.parent / "secret.jpg")
    (root / "relative").symlink_to("../secret.jpg")
    (root / "directory").symlink_to(root.parent / "public123")
    (root / "inside").symlink_to("dir/a.jpg")
    (root / "loop").symlink_to("loop")
    (root / "process").symlink_to("/proc/self")
    (root / "dir" / "up").symlink_to("../..")
    return ["file", "relative", "directory/a.jpg", "inside", "loop", "process/environ", "dir/up/secret.jpg"]


async def test_links_are_not_followed(store, root):
    for key in links(root):
        with pytest.raises(NoSuchKey):
            await store.open(key)


async def test_writing_replaces_a_link_and_not_what_it_points_to(store, root):
    links(root)
    await store.put("file", b"new")
    assert (root.parent / "secret.jpg").read_bytes() == SECRET
    assert await body_of(store, "file") == b"new"
    for key in ("directory/b", "dir/up/b", "process/b"):
        with pytest.raises(NoSuchKey):
            await store.put(key, b"evil")
    assert sorted(os.listdir(root.parent)) == ["public", "public123", "secret.jpg"]
    assert os.listdir(root.parent / "public123") == ["a.jpg"]


async def test_a_hidden_directory_that_is_a_link_is_not_used(store, root):
    (root / ".mogr-meta").symlink_to(root.parent / "public123")
    with pytest.raises(NoSuchKey):
        await store.put("a", b"body", media_type="image/webp")
    assert os.listdir(root.parent / "public123") == ["a.jpg"]


async def test_only_regular_files_are_objects(store, root):
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(root / "socket"))
        for key in ("pipe", "socket", "dir"):
            async with asyncio.timeout(5):
                with pytest.raises(NoSuchKey):
                    await store.open(key)


async def test_what_is_kept_beside_objects_has_no_key(store, root):
    await store.put("a", b"body", media_type="image/webp", metadata={"recipe": "x"})
    hidden = [path.relative_to(root).as_posix() for path in (root / ".mogr-meta").rglob("*")]
    assert any(name.endswith(".json") for name in hidden)
    for key in (*hidden, ".mogr-meta", ".MOGR-META/x", ".Mogr-Meta/tmp/x"):
        with pytest.raises(NoSuchKey):
            await store.open(key)
        with pytest.raises(NoSuchKey):
            await store.put(key, b"evil")
        await store.delete(key)
    assert (await store.head("a"))[0].metadata == {"recipe": "x"}


async def test_a_directory_that_is_only_read_stays_as_it_is(store, root):
    await body_of(store, "dir/a.jpg")
    await store.head("dir/a.jpg")
    await store.delete("missing")
    assert os.listdir(root) == ["dir"]


async def test_a_missing_directory_is_a_broken_store_and_not_a_missing_object(tmp_path):
    store = LocalStore(tmp_path / "missing")
    for call in (store.open("a"), store.head("a"), store.put("a", b""), store.delete("a")):
        with pytest.raises(OriginUnavailable):
            await call


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.EACCES, OriginRefused), (errno.EROFS, OriginRefused), (errno.EIO, OriginUnavailable),
        (errno.EMFILE, OriginUnavailable), (errno.ENOSPC, OriginUnavailable), (errno.ENOENT, NoSuchKey),
        (errno.ENAMETOOLONG, NoSuchKey), (errno.ELOOP, NoSuchKey),
    ],
)  # fmt: skip
async def test_what_the_system_refuses_is_an_error_of_ours(store, monkeypatch, number, error):
    def fail(*_: object) -> None:
        raise OSError(number, "text of the system")

    monkeypatch.setattr("proxy.stores.local.open_file", fail)
    with pytest.raises(error) as caught:
        await store.open("dir/a.jpg")
    assert "text of the system" not in caught.value.public


async def test_a_write_that_fails_leaves_nothing_behind(store, root, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    await store.put("a", b"old", media_type="image/webp")
    before = sorted(root.rglob("*"))
    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(OriginUnavailable):
                await store.put("a", b"new", media_type="image/avif")
    assert await body_of(store, "a") == b"old"
    assert (await store.head("a"))[0].media_type == "image/webp"
    assert sorted(root.rglob("*")) == before


async def test_a_key_below_an_object_cannot_be_written(store):
    with pytest.raises(NoSuchKey):
        await store.put("dir/a.jpg/b", b"x")
    with pytest.raises(NoSuchKey):
        await store.put("dir", b"x")


async def test_what_was_said_of_an_object_goes_with_it(store, root):
    await store.put("a.png", b"1", media_type="image/webp", metadata={"n": "1"})
    (root / "a.png").write_bytes(b"replaced by hand")
    info, _ = await store.head("a.png")
    assert (info.media_type, info.metadata) == ("image/png", {})


async def test_replaced_and_deleted_objects_leave_no_sidecars(store, root):
    for number in range(3):
        await store.put("a", b"body", metadata={"n": str(number)})
    assert len(list((root / ".mogr-meta").rglob("*.json"))) == 1
    await store.delete("a")
    assert list((root / ".mogr-meta").rglob("*.json")) == []


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b'{"media_type": 1, "metadata": [1]}', b"\xff"])
async def test_a_damaged_sidecar_is_as_good_as_none(store, root, damage):
    await store.put("a.jpg", b"body", media_type="image/webp", metadata={"n": "1"})
    next((root / ".mogr-meta").rglob("*.json")).write_bytes(damage)
    info, _ = await store.head("a.jpg")
    assert (info.media_type, info.metadata) == ("image/jpeg", {})


async def test_writes_that_a_crash_left_are_cleared_away_when_they_are_old(root):
    await LocalStore(root).put("a", b"body")
    old, new = root / ".mogr-meta/tmp/old", root / ".mogr-meta/tmp/new"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (0, 0))
    await LocalStore(root).put("a", b"body")
    assert (old.exists(), new.exists()) == (False, True)


async def test_two_writes_of_one_size_are_two_versions(store):
    tags = {(await store.put("a", b"same size")).etag for _ in range(20)}
    assert len(tags) == 20


async def test_a_file_that_is_replaced_while_it_is_read_is_read_as_it_was(store):
    body = bytes(600_000)
    await store.put("a", body)
    stream = await store.open("a")
    assert isinstance(stream, FileStream)
    async with stream:
        chunks = [await anext(stream)]
        await store.put("a", b"new")
        chunks += [chunk async for chunk in stream]
    assert b"".join(chunks) == body


@pytest.mark.parametrize("written", [b"x" * 600_000, b"x" * 600_001, b"x" * 300_000, b""])
async def test_a_file_that_is_written_to_while_it_is_read_is_not_taken_for_whole(store, root, written):
    (root / "a").write_bytes(bytes(600_000))
    os.utime(root / "a", (1, 1))
    stream = await store.open("a")
    assert isinstance(stream, FileStream)
    async with stream:
        await anext(stream)
        (root / "a").write_bytes(written)
        with pytest.raises(OriginUnavailable):
            [chunk async for chunk in stream]


async def test_a_file_is_not_closed_under_a_read_that_was_cancelled(store, root, monkeypatch):
    (root / "a").write_bytes(bytes(600_000))
    begun, go = threading.Event(), threading.Event()
    descriptors: list[int] = []
    pread = os.pread

    def slow(fd: int, count: int, offset: int) -> bytes:
        begun.set()
        go.wait(5)
        data = pread(fd, count, offset)
        descriptors.append(fd)
        return data

    stream = await store.open("a")
    assert isinstance(stream, FileStream)
    monkeypatch.setattr(os, "pread", slow)
    reading = asyncio.ensure_future(anext(stream))
    await asyncio.to_thread(begun.wait, 5)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await stream.aclose()
    go.set()
    async with asyncio.timeout(5):
        while not (descriptors and closed(descriptors[0])):
            await asyncio.sleep(0.001)


def closed(fd: int) -> bool:
    try:
        return not os.readlink(f"/proc/self/fd/{fd}").endswith("/a")
    except FileNotFoundError:
        return True


async def test_an_open_that_was_cancelled_closes_its_file(store, root, monkeypatch):
    begun, go = threading.Event(), threading.Event()
    opened: list[int] = []
    open_file = beneath.open_file

    def slow(start: int, steps: beneath.Steps):
        found = open_file(start, steps)
        if steps[-1] == b"a.jpg":
            opened.append(found[0])
            begun.set()
            go.wait(5)
        return found

    monkeypatch.setattr("proxy.stores.local.open_file", slow)
    opening = asyncio.ensure_future(store.open("dir/a.jpg"))
    await asyncio.to_thread(begun.wait, 5)
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    go.set()
    async with asyncio.timeout(5):
        while not closed_jpg(opened[0]):
            await asyncio.sleep(0.001)


def closed_jpg(fd: int) -> bool:
    try:
        return not os.readlink(f"/proc/self/fd/{fd}").endswith("/a.jpg")
    except FileNotFoundError:
        return True


async def test_a_directory_put_there_by_hand_is_served_with_types_by_suffix(store):
    info, size_bytes = await store.head("dir/a.jpg")
    assert (info.media_type, size_bytes) == ("image/jpeg", 7)
    since = Validators(etag=info.validators.etag)
    assert isinstance(await store.open("dir/a.jpg", since=since), Unchanged)


async def test_sidecars_can_be_read_by_people(store, root):
    await store.put("dir/b", b"body", media_type="image/webp", metadata={"recipe": "é"})
    told = json.loads(next((root / sidecars.HIDDEN).rglob("*.json")).read_text())
    assert told == {"key": "dir/b", "media_type": "image/webp", "metadata": {"recipe": "é"}}
