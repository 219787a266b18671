"""Who has a core first: what computes for long asks the scheduler for less, and for longer turns; what answers, for shorter ones.

Who asks for shorter turns than whoever is running is let in as soon as it wakes up (Linux 6.12; sched_setattr(2) calls a turn of
these policies ``sched_runtime``).  Otherwise it waits until a turn is over, and threads that wake up often are always at the
beginning of one: with two codec processes on two cores one wake-up in a hundred came more than 2 ms late, since then 0.1.
Older kernels keep no turns.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from contextlib import suppress
from types import MappingProxyType
from typing import Final

LONG_TURN_NS: Final = 10_000_000
"""Much longer than the turn of a process that did not ask (1.4 ms with two cores)."""
SHORT_TURN_NS: Final = 200_000
"""A hit takes a tenth of it; the kernel allows half."""
_NICEST: Final = 19
_SHARED_OUT: Final = frozenset({os.SCHED_OTHER, os.SCHED_BATCH})
_CALLS: Final = MappingProxyType({"x86_64": (315, 314), "aarch64": (275, 274)})
"""Numbers of sched_getattr(2) and sched_setattr(2)."""
_ATTRIBUTES: Final = struct.Struct("=IIQiIQQQ")
"""Size, policy, flags, nice, priority, runtime, deadline, period."""


def give_way(pid: int, nice: int) -> None:
    """Make the process *pid*, just started, nicer than we are by *nice*, and its turns long.

    Threads and processes started later are as who starts them; a process that is gone changes nothing.
    """
    with suppress(OSError):  # its exit will tell
        os.setpriority(os.PRIO_PROCESS, pid, min(_NICEST, os.getpriority(os.PRIO_PROCESS, 0) + nice))
        _take_turns(pid, LONG_TURN_NS)


def come_soon() -> None:
    """Make the turns of this thread, and of those it starts later, short."""
    with suppress(OSError):
        _take_turns(0, SHORT_TURN_NS)


def turn_ns(pid: int) -> int:
    """How long the turns of *pid* are; 0 where the kernel does not say.

    Raises:
        OSError: there is no such process.
    """
    return int(_attributes(pid)[5]) if platform.machine() in _CALLS else 0


def _take_turns(pid: int, length_ns: int) -> None:
    if platform.machine() not in _CALLS:
        return
    attributes = _attributes(pid)
    if attributes[1] not in _SHARED_OUT:  # real-time: its runtime is a promise
        return
    attributes[5] = length_ns
    _call(1, pid, ctypes.create_string_buffer(_ATTRIBUTES.pack(*attributes), _ATTRIBUTES.size), 0)


def _attributes(pid: int) -> list[int]:
    found = ctypes.create_string_buffer(_ATTRIBUTES.size)
    _call(0, pid, found, _ATTRIBUTES.size, 0)
    return list(_ATTRIBUTES.unpack(found.raw))


def _call(which: int, *arguments: object) -> None:
    number = _CALLS[platform.machine()][which]
    if ctypes.CDLL(None, use_errno=True).syscall(number, *arguments) < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
