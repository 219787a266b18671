"""A system call filter for codec processes: no sockets, no programs, no processes, no files written, no others' affairs.

It names what is refused, not what is allowed: the C libraries behind the pixels call whatever they like of the harmless
rest, differently in every version.  Refused calls fail with an error; nothing is killed for trying.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

_ARCHITECTURES: Final = MappingProxyType({"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)})
"""Column in the tables below, AUDIT_ARCH of linux/audit.h, number of seccomp(2)."""

# Numbers from asm/unistd_64.h and asm-generic/unistd.h; None where the architecture never had the call.
_REFUSED: Final[MappingProxyType[str, tuple[int | None, int | None]]] = MappingProxyType(
    {
        # the network: with no way to make a socket, only those that were inherited or received remain
        "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
        "accept": (43, 202), "accept4": (288, 242),
        # io_uring would make sockets and open files past this filter
        "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
        # programs and processes
        "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
        # other processes
        "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
        "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434),
        "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
        "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
        # files; opening for writing is refused below
        "creat": (85, None), "unlink": (87, None), "unlinkat": (263, 35), "rename": (82, None), "renameat": (264, 38),
        "renameat2": (316, 276), "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None), "link": (86, None),
        "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36), "mknod": (133, None), "mknodat": (259, 33),
        "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
        "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "truncate": (76, 45), "setxattr": (188, 5),
        "lsetxattr": (189, 6), "fsetxattr": (190, 7), "utimensat": (280, 88), "open_by_handle_at": (304, 265),
        # the kernel's own
        "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219),
        "add_key": (248, 217), "request_key": (249, 218), "mount": (165, 40), "umount2": (166, 39),
        "pivot_root": (155, 41), "chroot": (161, 51), "setns": (308, 268), "unshare": (272, 97),
        "init_module": (175, 105), "finit_module": (313, 273), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
        "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "personality": (135, 92),
        "mount_setattr": (442, 442), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    }
)  # fmt: skip
# Their flags lie in memory, where no filter can look; callers fall back to clone and openat when told ENOSYS.
_UNKNOWN: Final = {"clone3": (435, 435), "openat2": (437, 437)}
_OPEN: Final = {"open": ((2, None), 1), "openat": ((257, 56), 2)}
"""Number and the index of the argument with the flags."""
_SIGNAL: Final = {"kill": (62, 129), "tgkill": (234, 131)}
_CLONE: Final = (56, 220)

_PROGRAMS: Final = frozenset({"execve"})
_PROCESSES: Final = frozenset({"fork", "vfork", "clone", "kill"})

_CLONE_THREAD = 0x10000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_X32 = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

_SET_MODE_FILTER, _TSYNC = 1, 1


def install(*, programs: bool = False, processes: bool = False) -> bool:
    """Filter every thread of this process from now on, for good; False where the kernel or the processor has no way to.

    With *programs* it may become another program, with *processes* start others and send them signals: filters add up,
    so what a process may not do, the ones it starts may not either.  Needs PR_SET_NO_NEW_PRIVS.
    """
    machine = _ARCHITECTURES.get(os.uname().machine)
    if machine is None:
        return False
    column, architecture, number = machine
    allowed = (_PROGRAMS if programs else frozenset()) | (_PROCESSES if processes else frozenset())
    code = b"".join(_program(column, architecture, os.getpid(), allowed))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    program = Program(len(code) // 8, code)
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    arguments = (ctypes.c_long(number), ctypes.c_long(_SET_MODE_FILTER), ctypes.c_long(_TSYNC), ctypes.byref(program))
    return bool(call(*arguments) == 0)


def _program(column: int, architecture: int, pid: int, allowed: frozenset[str] = frozenset()) -> Iterator[bytes]:
    yield _step(_LOAD, _ARCHITECTURE)
    yield _step(_EQUAL, architecture, 1, 0)
    yield _step(_RETURN, _KILL)
    yield _step(_LOAD, _NUMBER)
    if column == 0:
        # x32 calls bear the same AUDIT_ARCH under other numbers.
        yield _step(_AT_LEAST, _X32, 0, 1)
        yield _step(_RETURN, _ERRNO | errno.ENOSYS)
    for name, numbers in _REFUSED.items():
        if name not in allowed:
            yield from _when(numbers[column], _step(_RETURN, _ERRNO | errno.EPERM))
    for numbers in _UNKNOWN.values():
        yield from _when(numbers[column], _step(_RETURN, _ERRNO | errno.ENOSYS))
    for numbers, argument in _OPEN.values():
        yield from _when(numbers[column], *_argument(argument, _ANY_BIT, _WRITING, _ERRNO | errno.EACCES, _ALLOW))
    for name, numbers in _SIGNAL.items():
        if name not in allowed:
            yield from _when(numbers[column], *_argument(0, _EQUAL, pid, _ALLOW, _ERRNO | errno.EPERM))
    if "clone" not in allowed:
        yield from _when(_CLONE[column], *_argument(0, _ANY_BIT, _CLONE_THREAD, _ALLOW, _ERRNO | errno.EPERM))
    yield _step(_RETURN, _ALLOW)


def _when(number: int | None, *steps: bytes) -> Iterator[bytes]:
    """*steps*, which end in a return, for the system call *number* only."""
    if number is not None:
        yield _step(_EQUAL, number, 0, len(steps))
        yield from steps


def _argument(index: int, test: int, operand: int, then: int, otherwise: int) -> tuple[bytes, ...]:
    """Decide on the low word of an argument; both processors are little-endian."""
    load = _step(_LOAD, _ARGUMENTS + 8 * index)
    return load, _step(test, operand, 0, 1), _step(_RETURN, then), _step(_RETURN, otherwise)


def _step(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One ``struct sock_filter``."""
    return struct.pack("=HBBI", code, if_true, if_false, operand)
