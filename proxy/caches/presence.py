"""Which files a directory of the disk tier may have: one bit for many names, in memory that the whole node shares.

Most of what is looked for on the way to a new picture is not there, and each look costs a thread and its way back.  A bit
that is not set says so without looking.  Who writes a file sets its bit after it, and never takes one back; the evictor, which
lists the directory anyway, then sets them afresh in a second half of the table and has everybody turn to that one.  Until it did so
for the first time, and for any other directory, everything may be there.

What others than this node's web workers wrote is found from the next listing on.  Two that set bits of one byte at the same
instant may lose one of them: then that file is not found, written again, and found.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from hashlib import blake2b
from pathlib import Path

TABLES = 2
"""Renditions, and what origins sent."""
_DIGITS = 6
_HALF_BYTES = 16**_DIGITS // 8
_HEADER_BYTES = mmap.PAGESIZE
_TABLE_BYTES = _HEADER_BYTES + 2 * _HALF_BYTES


def memory() -> int:
    """A descriptor of memory for empty tables, for children to inherit; its size (8 MiB if full) is sealed."""
    fd = os.memfd_create("mogr-presence", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, TABLES * _TABLE_BYTES)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return fd


class Presence:
    """The table at *number* for the files of *directory*, which go by their names (64 hex digits).

    Raises:
        ValueError: *fd* is none of ``memory``.
    """

    def __init__(self, fd: int, number: int, directory: Path) -> None:
        if os.fstat(fd).st_size != TABLES * _TABLE_BYTES:
            raise ValueError("no tables of this version: their size differs")
        self._map = mmap.mmap(fd, _TABLE_BYTES, offset=number * _TABLE_BYTES)
        whole = memoryview(self._map)
        self._words: memoryview[int] = whole[:8].cast("Q")
        self._halves = whole[_HEADER_BYTES : _HEADER_BYTES + _HALF_BYTES], whole[_HEADER_BYTES + _HALF_BYTES :]
        # The word that says which half holds says of what directory, too: it is read and written whole.
        digest = blake2b(os.fsencode(directory.absolute()), digest_size=7).digest()
        self._tags = tuple(int.from_bytes(digest, "little") << 8 | half for half in (1, 2))

    def may_have(self, name: str) -> bool:
        """Whether it is worth looking for the file *name*."""
        word = self._words[0]
        if word not in self._tags:
            return True
        number = int(name[:_DIGITS], 16)
        return bool(self._halves[(word & 0xFF) - 1][number >> 3] >> (number & 7) & 1)

    def add(self, name: str) -> None:
        """The file *name* is there now.  To be called after, not before: else a listing that begins between misses it."""
        number = int(name[:_DIGITS], 16)
        for half in self._halves:
            half[number >> 3] |= 1 << (number & 7)

    def begin(self) -> Listing:
        """Before the directory is listed; by one process at a time."""
        resting = 0 if self._words[0] & 0xFF == 2 else 1  # whosever directory the other one is about
        self._halves[resting][:] = bytes(_HALF_BYTES)
        return Listing(self._halves[resting], self._words, self._tags[resting])

    def close(self) -> None:
        """Unmap."""
        self._words.release()
        for half in self._halves:
            half.release()


class Listing:
    """A table being made anew from what is in the directory."""

    def __init__(self, half: memoryview[int], words: memoryview[int], tag: int) -> None:
        self._half = half
        self._words = words
        self._tag = tag

    def add(self, name: str) -> None:
        number = int(name[:_DIGITS], 16)
        self._half[number >> 3] |= 1 << (number & 7)

    def publish(self) -> None:
        """Have everybody go by it; only after the whole directory was listed."""
        self._words[0] = self._tag
