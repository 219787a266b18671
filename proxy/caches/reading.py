"""Reading a file of the disk tier: by a thread, or at once where it takes no disk."""

from __future__ import annotations

import os
import stat

from proxy.caches import at_hand, files, whole
from proxy.ports import CacheEntry

AT_ONCE_BYTES = 128 * 1024
"""Of a file: the checksum of more is worth a thread."""


def load(descriptor: int, name: str, largest_bytes: int) -> tuple[CacheEntry, float]:
    """The entry in an open file that goes by *name*, and its time of last use.

    Raises:
        Damaged: it is none, or one whose body has more than *largest_bytes*.
        OSError: from the disk.
    """
    status = os.fstat(descriptor)
    if status.st_size <= AT_ONCE_BYTES:  # one call: each gives the interpreter away, and has to get it back
        return _entry(whole.read(descriptor, status.st_size), name, largest_bytes), status.st_mtime
    meta_bytes, body_bytes, checksum = files.lengths(whole.read(descriptor, files.HEADER_BYTES))
    if files.HEADER_BYTES + meta_bytes + body_bytes != status.st_size or body_bytes > largest_bytes:
        raise files.Damaged("length")
    meta = whole.read(descriptor, meta_bytes)
    body = whole.read(descriptor, body_bytes)
    return CacheEntry(files.checked(name, meta, body, checksum), body), status.st_mtime


def load_at_hand(path: str, name: str, largest_bytes: int) -> tuple[CacheEntry, float]:
    """As ``load``, of the file at *path*, without waiting.

    Raises:
        FileNotFoundError: there is none.
        NotAtHandError: a thread has to look, be it only to find it damaged.
    """
    descriptor = at_hand.opened(path)
    try:
        status = os.fstat(descriptor)
        if status.st_size > AT_ONCE_BYTES or not stat.S_ISREG(status.st_mode):
            raise at_hand.NotAtHandError
        entry = _entry(at_hand.read(descriptor, status.st_size), name, largest_bytes)
    except ValueError:  # ``Damaged`` is one
        raise at_hand.NotAtHandError from None
    finally:
        os.close(descriptor)
    return entry, status.st_mtime


def _entry(data: bytes, name: str, largest_bytes: int) -> CacheEntry:
    meta_bytes, body_bytes, checksum = files.lengths(data[: files.HEADER_BYTES])
    begin = files.HEADER_BYTES + meta_bytes
    if begin + body_bytes != len(data) or body_bytes > largest_bytes:
        raise files.Damaged("length")
    meta, body = data[files.HEADER_BYTES : begin], data[begin:]
    return CacheEntry(files.checked(name, meta, body, checksum), body)
