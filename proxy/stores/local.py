"""A directory as a store: keys are paths below it, and nothing that a key or a link says leads out.

Hidden in the root is a directory with what files cannot hold (``sidecars``); it is made with the first ``put``, so a
directory that is only read stays as it is.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from proxy.core.model import Validators
from proxy.errors import NoSuchKey
from proxy.ports import ObjectInfo, ObjectStream, Unchanged
from proxy.stores import sidecars
from proxy.stores.beneath import (
    Steps,
    listed,
    open_file,
    opened_directory,
    opened_root,
    steps_of,
    translated,
    write_file,
)
from proxy.stores.media_types import media_type_of
from proxy.stores.streams import FileStream, is_current, part_of

T = TypeVar("T")
_ABANDONED_S = 3600.0


class LocalStore:
    """Reads and writes the files below *root*, which has to exist by the time it is used."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._swept = False

    async def open(
        self, key: str, *, since: Validators | None = None, byte_range: tuple[int, int | None] | None = None
    ) -> ObjectStream | Unchanged:
        """As ``ports.Origin.open``."""
        steps = steps_of(key, hidden=sidecars.HIDDEN)
        return await _in_thread(lambda: self._open(key, steps, since, byte_range))

    async def head(self, key: str) -> tuple[ObjectInfo, int | None]:
        """As ``ports.Origin.head``."""
        stream = await self.open(key)
        assert isinstance(stream, FileStream)
        await stream.aclose()
        return stream.info, stream.size_bytes

    async def put(
        self, key: str, body: bytes, *, media_type: str | None = None, metadata: Mapping[str, str] | None = None
    ) -> Validators:
        """As ``ports.Store.put``; cancelled, the object is written all the same, or not at all."""
        steps = steps_of(key, hidden=sidecars.HIDDEN)
        return await asyncio.to_thread(self._put, key, steps, body, media_type, metadata or {})

    async def delete(self, key: str) -> None:
        """As ``ports.Store.delete``."""
        with suppress(NoSuchKey):
            await asyncio.to_thread(self._delete, key, steps_of(key, hidden=sidecars.HIDDEN))

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        """As ``ports.Store.keys``."""
        folders = [prefix.rstrip("/")]
        while folders:
            folder = folders.pop()
            files, more = await asyncio.to_thread(self._listed, folder)
            folders += more
            for key in files:
                yield key

    async def aclose(self) -> None:
        """Nothing is held between calls."""

    def _open(
        self, key: str, steps: Steps, since: Validators | None, byte_range: tuple[int, int | None] | None
    ) -> FileStream | Unchanged:
        with opened_root(self._root) as root, translated(key):
            fd, file = open_file(root, steps)
            try:
                media_type, metadata = sidecars.read(root, key, file)
                info = ObjectInfo(
                    validators=_validators(file), media_type=media_type or media_type_of(key), metadata=metadata
                )
                if not is_current(since, info.validators):
                    return FileStream(fd, file, info, part_of(byte_range, file.st_size))
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)
            return Unchanged(info=info)

    def _listed(self, folder: str) -> tuple[list[str], list[str]]:
        """The keys of the files in *folder*, and of the folders there."""
        above = f"{folder}/" if folder else ""
        try:
            steps = steps_of(folder, hidden=sidecars.HIDDEN) if folder else ()
            with opened_root(self._root) as root, translated(folder), opened_directory(root, steps) as directory:
                return listed(directory, above, hidden=sidecars.HIDDEN if not folder else "")
        except NoSuchKey:
            return [], []

    def _put(
        self, key: str, steps: Steps, body: bytes, media_type: str | None, metadata: Mapping[str, str]
    ) -> Validators:
        name = secrets.token_hex(16)
        with (
            opened_root(self._root) as root,
            translated(key),
            opened_directory(root, sidecars.TEMPORARY, create=True) as temporary,
        ):
            if not self._swept:
                sidecars.sweep(root, _ABANDONED_S)
                self._swept = True
            # Times are set, not left to the kernel, whose clock ticks too slowly to tell two writes apart.
            file = write_file(temporary, name, body, time.time_ns())
            try:
                sidecars.write(root, key, file, media_type, metadata)
                with opened_directory(root, steps[:-1], create=True) as above:
                    before = _stat(above, steps[-1])
                    os.replace(name, steps[-1], src_dir_fd=temporary, dst_dir_fd=above)
            except BaseException:
                os.unlink(name, dir_fd=temporary)
                sidecars.forget(root, key, file)
                raise
            if before is not None:
                sidecars.forget(root, key, before)
            return _validators(file)

    def _delete(self, key: str, steps: Steps) -> None:
        with opened_root(self._root) as root, translated(key), opened_directory(root, steps[:-1]) as above:
            before = _stat(above, steps[-1])
            os.unlink(steps[-1], dir_fd=above)
            if before is not None:
                sidecars.forget(root, key, before)


def _validators(file: os.stat_result) -> Validators:
    return Validators(
        etag=f'"{file.st_mtime_ns:x}-{file.st_size:x}"',
        last_modified_s=file.st_mtime_ns // 1_000_000_000,
        size_bytes=file.st_size,
    )


def _stat(directory: int, name: bytes) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


async def _in_thread(opening: Callable[[], T]) -> T:
    """As ``asyncio.to_thread``, but a file that is opened after all when nobody waits any more is closed again."""
    opened = asyncio.get_running_loop().run_in_executor(None, opening)
    try:
        return await asyncio.shield(opened)
    except asyncio.CancelledError:
        opened.add_done_callback(_close)
        raise


def _close(opened: asyncio.Future[T]) -> None:
    if not opened.cancelled() and opened.exception() is None and isinstance(stream := opened.result(), FileStream):
        stream.close()
