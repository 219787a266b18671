"""Landlock for codec processes: files are read below the given paths only, written nowhere; no TCP, no signals out.

Programs are started only where they are named.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

# Numbers of linux/landlock.h; the system calls have the same ones on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION: Final = 1
_RULE_PATH_BENEATH: Final = 1
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_FS_RIGHTS: Final = {1: 1 << 13, 2: 1 << 14, 3: 1 << 15, 5: 1 << 16}
"""The rights known from each ABI on are the bits below: 13 at first, then REFER, TRUNCATE, IOCTL_DEV."""
NETWORK_ABI, _BIND_AND_CONNECT_TCP = 4, 0b11
_SCOPE_ABI, _ABSTRACT_SOCKETS_AND_SIGNALS = 6, 0b11


def restrict(readable: Iterable[Path], programs: Iterable[Path] = ()) -> int:
    """Restrict this thread, and what it starts, for good; what is open stays open.  Paths that are missing are skipped.

    *programs* are files that may be read and executed.  Needs PR_SET_NO_NEW_PRIVS.

    Returns:
        The ABI in force: files alone below 4, and TCP from 4, and signals from 6 on; 0 where the kernel has none.
    """
    abi = _call(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    if abi < 1:
        return 0
    rights = max(bits for since, bits in _FS_RIGHTS.items() if since <= abi) - 1
    attributes = struct.pack(
        "=QQQ",
        rights,
        _BIND_AND_CONNECT_TCP if abi >= NETWORK_ABI else 0,
        _ABSTRACT_SOCKETS_AND_SIGNALS if abi >= _SCOPE_ABI else 0,
    )
    # Older kernels take the longer structure as long as what they do not know is zero.
    ruleset = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return 0
    try:
        for path in readable:
            _allow(ruleset, path)
        for path in programs:
            _allow(ruleset, path, _EXECUTE)
        return abi if _call(_RESTRICT_SELF, ruleset, 0) == 0 else 0
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, more_rights: int = 0) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights = more_rights | _READ_FILE | (_READ_DIR if stat.S_ISDIR(os.fstat(fd).st_mode) else 0)
        _call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, fd), 0)
    finally:
        os.close(fd)


def _call(number: int, *arguments: int | bytes | None) -> int:
    """One system call; every integer as wide as a register, as the kernel reads it."""
    wide = [ctypes.c_long(value) if isinstance(value, int) else ctypes.c_char_p(value) for value in arguments]
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    return int(call(ctypes.c_long(number), *wide))
