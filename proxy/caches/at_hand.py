"""Files that the kernel has in memory, read without ever waiting for the disk they are on.

openat2(2) with RESOLVE_CACHED (Linux 5.12) opens a file only if its name is in memory, preadv2(2) with RWF_NOWAIT reads it only if
its bytes are.  So an event loop may try; what is not at hand, or on a kernel or file system that does not promise it, is for a thread.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import Final

_OPENAT2: Final = 437
"""The same on every architecture."""
_AT_FDCWD: Final = -100
_RESOLVE_CACHED: Final = 0x20
# Without O_NOATIME a read may write to the disk.
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOATIME
_HOW: Final = ctypes.create_string_buffer(struct.pack("=QQQ", _FLAGS, 0, _RESOLVE_CACHED), 24)
_PROMISING: Final = frozenset({0xEF53, 0x58465342, 0x9123683E, 0xF2F52010})
"""ext4, XFS, Btrfs, F2FS.  To open a file through FUSE waits for another process, whatever the flags say."""
_STATFS_BYTES: Final = 256
"""More than a struct statfs takes (120)."""
# Unlike CDLL these keep the interpreter's lock, which would take longer to get back than they run.
_LIBC: Final = ctypes.PyDLL(None, use_errno=True)
_SYSCALL: Final = _LIBC.syscall
_SYSCALL.restype = ctypes.c_long


class NotAtHandError(Exception):
    """A thread has to look: it may take the disk."""


def is_promised(descriptor: int) -> bool:
    """Whether files beside the one that is open there can be read without waiting.  May wait itself."""
    found = ctypes.create_string_buffer(_STATFS_BYTES)
    if ctypes.CDLL(None).fstatfs(descriptor, found) != 0:
        return False
    kind: int = struct.unpack_from("l", found)[0]
    return kind & 0xFFFFFFFF in _PROMISING


def opened(path: str) -> int:
    """A descriptor of the file at *path*, which is ours.

    Raises:
        FileNotFoundError: there is none.
        NotAtHandError: its name is not in memory, or the kernel, or a filter of system calls, will not have it.
    """
    descriptor: int = _SYSCALL(_OPENAT2, _AT_FDCWD, os.fsencode(path), _HOW, len(_HOW))
    if descriptor >= 0:
        return descriptor
    if ctypes.get_errno() == errno.ENOENT:
        raise FileNotFoundError(path)
    raise NotAtHandError


def read(descriptor: int, size_bytes: int) -> bytes:
    """The first *size_bytes* of an open file.

    Raises:
        NotAtHandError: not all of them are in memory, or there are fewer.
    """
    data = bytearray(size_bytes)
    try:
        count = os.preadv(descriptor, (data,), 0, os.RWF_NOWAIT)
    except OSError:
        raise NotAtHandError from None
    if count != size_bytes:
        raise NotAtHandError
    return bytes(data)
