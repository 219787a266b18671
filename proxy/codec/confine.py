"""Confining a codec process before it sees its first picture; whatever a kernel lacks is reported, not fatal.

Three layers that do not depend on each other: resource limits and dropped capabilities, landlock, seccomp.
"""

from __future__ import annotations

import ctypes
import enum
import fcntl
import os
import resource
import struct
import sys
import termios
from collections.abc import Iterable
from pathlib import Path

import proxy
from proxy.codec import landlock, seccomp

_SET_DUMPABLE, _SET_NO_NEW_PRIVS = 4, 38
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_READ_SEARCH = 1 << 2
_OPEN_FILES = 64
_LIBRARIES = (*map(Path, ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/sys/devices/system/cpu")),)
_LOADERS = (Path("/lib64/ld-linux-x86-64.so.2"), Path("/lib/ld-linux-aarch64.so.1"))
"""What the kernel executes in place of a program that is linked dynamically (the ABIs of the two processors)."""


class Gap(enum.IntFlag):
    """What this kernel could not do."""

    PRIVILEGES = 1
    FILES = 2
    """Landlock: reading of files is not restricted."""
    NETWORK = 4
    """Landlock knows no TCP yet; seccomp refuses sockets all the same."""
    CALLS = 8
    """Seccomp: sockets, programs and processes are not refused."""

    @property
    def names(self) -> list[str]:
        return [str(gap.name).lower() for gap in Gap if gap in self]


def leave_terminal() -> None:
    """Give up the controlling terminal, if there is one: nothing is read from it, typed into it or heard of it (``tty_ioctl(4)``)."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return
    try:
        fcntl.ioctl(terminal, termios.TIOCNOTTY)
    finally:
        os.close(terminal)


def confine(also_readable: Iterable[Path] = ()) -> Gap:
    """Give up, for good, what decoding needs not: the network, other programs and processes, writing files.

    Files are read below ``readable`` and *also_readable*.

    Call it from the only thread, with what has to be imported imported.
    """
    gaps = _give_up_privileges()
    abi = landlock.restrict([*readable(), *also_readable])
    return gaps | _gaps_of(abi, calls_refused=seccomp.install())


def confine_launcher(programs: Iterable[Path]) -> Gap:
    """As ``confine``, but processes may be started that become one of *programs*; only system libraries are read."""
    gaps = _give_up_privileges()
    abi = landlock.restrict(_LIBRARIES, [*programs, *_LOADERS])
    return gaps | _gaps_of(abi, calls_refused=seccomp.install(programs=True, processes=True))


def _give_up_privileges() -> Gap:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    libc = ctypes.CDLL(None, use_errno=True)
    # Not dumpable: a core_pattern that pipes ignores RLIMIT_CORE, and codec processes cannot read each other's memory.
    failed = libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0) or not _drop(libc)
    return Gap.PRIVILEGES if failed else Gap(0)


def _gaps_of(abi: int, *, calls_refused: bool) -> Gap:
    gaps = Gap(0)
    if not abi:
        gaps |= Gap.FILES
    if abi < landlock.NETWORK_ABI:
        gaps |= Gap.NETWORK
    if not calls_refused:
        gaps |= Gap.CALLS
    return gaps


class AddressSpace:
    """The address space of this process, as the kernel counts it against RLIMIT_AS; made before ``confine``."""

    def __init__(self) -> None:
        # Opened once: /proc is out of reach later.
        self._statm_fd = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)

    @property
    def size_bytes(self) -> int:
        return int(os.pread(self._statm_fd, 64, 0).split()[0]) * resource.getpagesize()

    def bound(self, more_bytes: int) -> None:
        """Allow *more_bytes* beyond what is used now."""
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        limit = self.size_bytes + more_bytes
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def readable() -> list[Path]:
    """What a codec process may still read: code, fonts, and how many processors there are; no configuration, no /proc."""
    own = Path(proxy.__file__).parent
    # In a checkout, configuration and pictures lie beside the code; where it is installed, the libraries do.
    installed = (own.parent / "PIL").is_dir()
    code = [Path(entry) for entry in sys.path if entry and (installed or Path(entry) != own.parent)]
    system = (
        "/usr",
        "/lib",
        "/lib64",
        "/etc/ld.so.cache",
        "/etc/fonts",
        "/var/cache/fontconfig",
        "/sys/devices/system/cpu",
    )
    return [own, Path(sys.prefix), Path(sys.base_prefix), *code, *map(Path, system)]


def _drop(libc: ctypes.CDLL) -> bool:
    """Drop capabilities, all but the one by which root reads what belongs to others: its own code may."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    held = struct.pack("=6I", *[0] * 6)
    current = ctypes.create_string_buffer(held, len(held))
    if libc.capget(header, current):
        return False
    kept = struct.unpack("=6I", current.raw)[1] & _CAP_DAC_READ_SEARCH
    return bool(libc.capset(header, struct.pack("=6I", kept, kept, 0, 0, 0, 0)) == 0)
