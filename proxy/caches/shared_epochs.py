"""Epochs (``service.epochs``) that every web worker of a node sees: one memory, in which nothing is ever counted.

A number of its own is written for each ``bump``, so two processes that bump one key at once lose nothing, as they would if
both added one: whoever read before either of them reads another number after.  A number is written and read whole (an aligned
8-byte copy).  No lock, no call into the system for ``of``, and nothing to recover when a writer is killed.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets

_SLOTS = 65_536
"""One for each beginning of four hex digits."""
_BYTES = 8 * _SLOTS


def memory() -> int:
    """A descriptor of memory for fresh epochs, for children to inherit.

    Its size is sealed, so that no process can pull it away under another.
    """
    fd = os.memfd_create("mogr-epochs", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, _BYTES)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return fd


class SharedEpochs:
    """Those behind a descriptor of ``memory``, which they own from now on.

    Raises:
        ValueError: it is of another layout.
    """

    def __init__(self, fd: int) -> None:
        if os.fstat(fd).st_size != _BYTES:
            raise ValueError("no epochs of this version: their size differs")
        self._fd = fd
        self._map = mmap.mmap(fd, _BYTES)
        self._words: memoryview[int] = memoryview(self._map).cast("Q")

    def of(self, key: str) -> int:
        return self._words[int(key[:4], 16)]

    def bump(self, key: str) -> None:
        self._words[int(key[:4], 16)] = secrets.randbits(64)

    def close(self) -> None:
        """Unmap and close."""
        self._words.release()
        self._map.close()
        os.close(self._fd)
