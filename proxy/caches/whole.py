"""Bytes read from a file and written to it whole, however many calls that takes; mostly it is one."""

from __future__ import annotations

import os

from proxy.caches.files import Damaged


def read(descriptor: int, size_bytes: int) -> bytes:
    """Exactly *size_bytes* from where *descriptor* stands.

    Raises:
        Damaged: there are fewer.
    """
    chunk = os.read(descriptor, size_bytes)
    if len(chunk) == size_bytes:
        return chunk
    chunks = [chunk]
    missing_bytes = size_bytes - len(chunk)
    while missing_bytes and chunk:
        chunk = os.read(descriptor, missing_bytes)
        chunks.append(chunk)
        missing_bytes -= len(chunk)
    if missing_bytes:
        raise Damaged("short file")
    return b"".join(chunks)


def write(descriptor: int, head: bytes, body: bytes | memoryview[int]) -> None:
    """*head* and *body*, one behind the other.

    Raises:
        OSError: the disk is full, or broken; some of it may have been written.
    """
    written_bytes = os.writev(descriptor, (head, body))
    if written_bytes < len(head) + len(body):  # the disk is almost full, or 2 GiB were
        rest = memoryview(b"".join((head, body)))[written_bytes:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]
