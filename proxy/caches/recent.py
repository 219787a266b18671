"""What web workers of a node made lately, in memory that they share: each writes to a part of its own, and reads from all others'.

A part is a ring of records, the oldest overwritten, and a table of where they begin.  There is no lock, and nothing to recover when
a writer is killed: a reader believes a record only if its checksum is right, so one that was overwritten meanwhile is not found,
as one that never was.  Which part is whose is told by record locks (fcntl(2)), which end with their process.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import zlib
from hashlib import blake2b

_SLOT = struct.Struct("<8sII")
"""The beginning of a record's name, where in the ring it is, and its length; 0: none."""
_HEADER = struct.Struct("<16sIII")
"""A record's name, the lengths of its meta and body, and the checksum of both and of these."""
_BYTES_PER_SLOT = 512
"""Of the ring; most records are longer, so that few share a slot."""
_LEAST_RECORDS = 8
"""In a full ring: one picture must not push out all others."""
_LARGEST_BYTES = 128 * 1024
"""Of a record: to copy more would hold up other answers."""


def memory(parts: int, size_bytes: int) -> int:
    """A descriptor of empty memory for so many writers, for children to inherit; its size is sealed.

    *size_bytes* is that of all parts together; each has a page at least.
    """
    pages = max(1, size_bytes // parts // mmap.PAGESIZE)
    fd = os.memfd_create("mogr-recent", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, parts * pages * mmap.PAGESIZE)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return fd


class Recent:
    """The memory behind *fd*, divided into *parts*, of which *own* is this process's (``claimed``); None: it only reads.

    Raises:
        ValueError: *fd* is none of ``memory`` for so many.
    """

    def __init__(self, fd: int, parts: int, own: int | None) -> None:
        size_bytes = os.fstat(fd).st_size
        if not size_bytes or size_bytes % (parts * mmap.PAGESIZE):
            raise ValueError("no memory for so many web workers: its size differs")
        whole, part_bytes = memoryview(mmap.mmap(fd, size_bytes)), size_bytes // parts
        all_parts = [_Part(whole[number * part_bytes : (number + 1) * part_bytes]) for number in range(parts)]
        self._others = [part for number, part in enumerate(all_parts) if number != own]
        self._own = None if own is None else all_parts[own]
        if self._own is not None:
            self._own.clear()

    def put(self, name: bytes, meta: bytes, body: bytes) -> None:
        """Let the others know *meta* and *body* by *name*, until there is newer; what is too large is not kept."""
        if self._own is not None:
            self._own.put(_digest(name), meta, body)

    def get(self, name: bytes) -> tuple[bytes, bytes] | None:
        """The meta and body that another one put there; never waits."""
        digest = _digest(name)
        for part in self._others:
            found = part.get(digest)
            if found is not None:
                return found
        return None


class _Part:
    def __init__(self, view: memoryview[int]) -> None:
        self._slots = len(view) // (_BYTES_PER_SLOT + _SLOT.size)
        self._table = view[: self._slots * _SLOT.size]
        self._ring = view[self._slots * _SLOT.size :]
        self._largest_bytes = min(len(self._ring) // _LEAST_RECORDS, _LARGEST_BYTES)
        self._next = 0

    def clear(self) -> None:
        self._table[:] = bytes(len(self._table))

    def put(self, digest: bytes, meta: bytes, body: bytes) -> None:
        size_bytes = _HEADER.size + len(meta) + len(body)
        if size_bytes > self._largest_bytes:
            return
        begin = self._next if self._next + size_bytes <= len(self._ring) else 0
        self._next = begin + size_bytes
        record = b"".join((_HEADER.pack(digest, len(meta), len(body), _checksum(digest, meta, body)), meta, body))
        self._ring[begin : begin + size_bytes] = record
        _SLOT.pack_into(self._table, self._at(digest), digest[:8], begin, size_bytes)

    def get(self, digest: bytes) -> tuple[bytes, bytes] | None:
        beginning, begin, size_bytes = _SLOT.unpack_from(self._table, self._at(digest))
        if beginning != digest[:8] or size_bytes < _HEADER.size:
            return None
        record = bytes(self._ring[begin : begin + size_bytes])
        if len(record) != size_bytes:
            return None
        name, meta_bytes, body_bytes, checksum = _HEADER.unpack_from(record)
        end = _HEADER.size + meta_bytes
        if name != digest or end + body_bytes != size_bytes:
            return None
        meta, body = record[_HEADER.size : end], record[end:]
        return (meta, body) if _checksum(digest, meta, body) == checksum else None

    def _at(self, digest: bytes) -> int:
        return int.from_bytes(digest[8:], "little") % self._slots * _SLOT.size


def claimed(fd: int, parts: int) -> int | None:
    """The number of the part that is this process's, until it ends or closes a descriptor of that memory; None: others have them all."""
    for number in range(parts):
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except OSError:
            continue
        return number
    return None


def _digest(name: bytes) -> bytes:
    return blake2b(name, digest_size=16).digest()


def _checksum(digest: bytes, meta: bytes, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(meta, zlib.crc32(b"%b%d" % (digest, len(meta)))))
