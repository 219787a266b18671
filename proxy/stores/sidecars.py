"""What a file cannot hold of an object: its media type and user metadata, in small files in a hidden directory.

A sidecar's name has the key's hash and the file's time and size in it, so it belongs to one version: it can be written
before the file appears and never describes another one, whoever replaces the file.  Synchronous: call in a thread.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress

from proxy.stores.beneath import open_file, opened_directory, write_file

HIDDEN = ".mogr-meta"
"""The directory in a store's root that no key reaches; ``tmp`` in it holds files that are still being written."""

_HIDDEN = HIDDEN.encode()
TEMPORARY = (_HIDDEN, b"tmp")
_LARGEST_BYTES = 1_048_576


def write(root: int, key: str, file: os.stat_result, media_type: str | None, metadata: Mapping[str, str]) -> None:
    """Remember *media_type* and *metadata* for the version *file* of *key*; nothing is written if there is nothing."""
    if media_type is None and not metadata:
        return
    body = json.dumps({"key": key, "media_type": media_type, "metadata": dict(metadata)}).encode()
    name = secrets.token_hex(16)
    shelf, own_name = _place(key, file)
    with opened_directory(root, TEMPORARY, create=True) as temporary:
        write_file(temporary, name, body, time.time_ns())
        try:
            with opened_directory(root, shelf, create=True) as directory:
                os.replace(name, own_name, src_dir_fd=temporary, dst_dir_fd=directory)
        except BaseException:
            os.unlink(name, dir_fd=temporary)
            raise


def read(root: int, key: str, file: os.stat_result) -> tuple[str | None, Mapping[str, str]]:
    """The media type and metadata of the version *file* of *key*, as far as they are known."""
    shelf, own_name = _place(key, file)
    try:
        fd, found = open_file(root, (*shelf, own_name))
        with open(fd, "rb") as stored:
            known = json.loads(stored.read(_LARGEST_BYTES)) if found.st_size <= _LARGEST_BYTES else {}
    except (OSError, ValueError):
        return None, {}
    if not isinstance(known, dict):
        return None, {}
    media_type, metadata = known.get("media_type"), known.get("metadata")
    return (
        media_type if isinstance(media_type, str) else None,
        {str(name): str(value) for name, value in metadata.items()} if isinstance(metadata, dict) else {},
    )


def forget(root: int, key: str, file: os.stat_result) -> None:
    """Remove the sidecar of the version *file* of *key*, if there is one."""
    shelf, own_name = _place(key, file)
    with suppress(OSError), opened_directory(root, shelf) as directory:
        os.unlink(own_name, dir_fd=directory)


def sweep(root: int, older_than_s: float) -> None:
    """Remove files whose writing ended with their process; only those written so long ago that none is under way."""
    oldest_s = time.time() - older_than_s
    with suppress(OSError), opened_directory(root, TEMPORARY) as temporary:
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=temporary)
        try:
            with os.scandir(readable) as entries:
                for entry in entries:
                    if entry.stat(follow_symlinks=False).st_mtime < oldest_s:
                        os.unlink(entry.name, dir_fd=temporary)
        finally:
            os.close(readable)


def _place(key: str, file: os.stat_result) -> tuple[tuple[bytes, ...], bytes]:
    digest = hashlib.sha256(key.encode()).hexdigest()
    return (_HIDDEN, digest[:2].encode()), f"{digest}-{file.st_mtime_ns:x}-{file.st_size:x}.json".encode()
