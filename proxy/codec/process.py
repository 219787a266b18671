"""One codec process as the supervisor starts it, holds it and understands its end."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from types import MappingProxyType
from typing import Final

import proxy
from proxy.codec.avs2 import Ends
from proxy.codec.board import EXIT_MEMORY, Death
from proxy.codec.giving_way import give_way
from proxy.codec.starved import Watch

PROGRAM: Final = (sys.executable, "-P", "-s", "-m", "proxy.codec.worker")
ENVIRONMENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PYTHONPATH": str(Path(proxy.__file__).parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
        "MALLOC_ARENA_MAX": "2",
        "VIPS_CONCURRENCY": "1",
        "OPENBLAS_NUM_THREADS": "1",  # NumPy's, behind OpenCV: it starts a thread for each processor when imported
        "VIPS_BLOCK_UNTRUSTED": "1",
        "VIPS_WARNING": "off",
        "FONTCONFIG_FILE": str(Path(proxy.__file__).parent / "fonts" / "fonts.conf"),
        # A confined process can write no temporary file, so none is tried; RLIMIT_AS bounds memory.
        "VIPS_DISC_THRESHOLD": "100g",  # libvips knows k, m and g; it reads "1t" as one byte
    }
)
"""All that a codec process is told; nothing of ours, so no secrets."""
_JEMALLOC: Final = (
    "/usr/lib/*-linux-*/libjemalloc.so.2",  # Debian, Ubuntu
    "/usr/lib64/libjemalloc.so.2",
    "/usr/lib/libjemalloc.so.2",
    "/usr/local/lib/libjemalloc.so.2",
)
_JEMALLOC_OPTIONS: Final = "narenas:1,dirty_decay_ms:250,muzzy_decay_ms:0,retain:false"
"""One job at a time needs one arena, and what a picture took goes back soon after it is done (see docs/decisions/0022): as it
comes, jemalloc keeps more than glibc does.  Address space that is retained would count for RLIMIT_AS."""

_CRASHES = frozenset(
    (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP, signal.SIGSYS)
)


@dataclass(slots=True)
class Process:
    popen: subprocess.Popen[bytes]
    pidfd: int
    started_s: float
    first_sequence: int
    overdue: int | None = None
    """The sequence of the job it was killed for."""
    starved: bool = False
    """Whether others kept that job from a core."""
    watch: Watch = field(default_factory=Watch)
    helper: subprocess.Popen[bytes] | None = None
    """What starts FFmpeg for it, and ends when it does."""

    def release(self) -> None:
        """Let go of the lifeline."""
        if self.popen.stdin is not None:
            self.popen.stdin.close()


def jemalloc(patterns: Sequence[str] = _JEMALLOC) -> Mapping[str, str]:
    """What a codec process is told besides where that allocator is installed; nothing where it is not."""
    for path in sorted(found for pattern in patterns for found in glob(pattern)):
        return {"LD_PRELOAD": path, "MALLOC_CONF": _JEMALLOC_OPTIONS}
    return {}


Launch = Callable[[], tuple[subprocess.Popen[bytes], Ends] | None]
"""Starts a helper; see ``avs2.launch``."""


def start_with_helper(
    program: Sequence[str],
    options: Mapping[str, object],
    fds: Sequence[int],
    allocator: Mapping[str, str],
    launch: Launch,
    nice: int = 0,
) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes] | None]:
    """``start``, and what *launch* starts beside it; neither stays alone.  *nice*: by how much both are nicer than we are.

    Raises:
        OSError: the system refuses.
    """
    launched = launch()
    if launched is None:
        popen = start(program, options, fds, allocator)
        give_way(popen.pid, nice)
        return popen, None
    helper, ends = launched
    try:
        popen = start(program, {**options, "--avs2-fds": ends}, (*fds, *ends.fds), allocator)
        for each in (popen, helper):
            give_way(each.pid, nice)
        return popen, helper
    except OSError:
        helper.kill()
        helper.wait()
        raise
    finally:
        ends.close()


def start(
    program: Sequence[str], options: Mapping[str, object], fds: Sequence[int], allocator: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start *program* with *options* and nothing of ours but *fds*, its log, and the lifeline; *allocator*: ``jemalloc``.

    Raises:
        OSError: the system refuses.
    """
    return subprocess.Popen(
        [*program, *(str(word) for pair in options.items() for word in pair)],
        env={**ENVIRONMENT, **allocator},
        pass_fds=fds,
        stdin=subprocess.PIPE,  # the lifeline; closed by the kernel should this process die
        stdout=subprocess.DEVNULL,
        cwd="/",
        process_group=0,  # no Ctrl-C; not a session either, between which ``nice`` would not count (autogroups)
    )


def reason_of(status: int, *, busy: bool, overdue: bool, starved: bool = False) -> Death:
    """Why a process ended, from ``Popen.returncode``."""
    if status == 0 and not busy:
        return Death.RECYCLED
    if status == EXIT_MEMORY:
        return Death.MEMORY
    if -status in _CRASHES or status >= 0:  # libraries have been known to call exit() on a broken picture
        return Death.CRASHED
    if overdue and starved:
        return Death.STARVED
    return Death.DEADLINE if overdue or -status == signal.SIGALRM else Death.KILLED
