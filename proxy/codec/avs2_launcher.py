"""Starts FFmpeg for a codec process, which may start nothing; ``python -m proxy.codec.avs2_launcher``.

One beside each codec process, idle between jobs.  It is asked for an encoding or a decoding by numbers alone, writes
FFmpeg's command line itself, and may itself do little more than that: it is confined like a codec process, except
that it may start this one program.  FFmpeg, which reads what strangers sent, is a process of its own for each job: an
environment of its own, bounded memory, time and output, no files but the libraries it is linked with, no network, no
further processes.  It ends with its job, and all of it when the codec process does.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import os
import resource
import select
import signal
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from proxy.codec.confine import confine_launcher, leave_terminal
from proxy.codec.seccomp import install

ENCODE, DECODE = 1, 2
_REQUEST: Final = struct.Struct("=BBBBHHIQQ")
_ANSWER: Final = struct.Struct("=i")
MESSAGE_BYTES: Final = 64
_PARENT_DEATH_SIGNAL: Final = 1
_CLOCK_OF_PROCESS: Final = 2
"""``CPUCLOCK_SCHED`` of the kernel: its ``MAKE_PROCESS_CPUCLOCK`` is what ``clock_getcpuclockid`` does."""
_OPEN_FILES: Final = 32
_ENVIRONMENT: Final = {"MALLOC_ARENA_MAX": "1"}
_DEFAULT_ACTIONS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ)
_QUIET: Final = ("-hide_banner", "-nostdin", "-loglevel", "quiet", "-protocol_whitelist", "pipe")
_RAW: Final = ("-f", "rawvideo", "-pix_fmt", "yuv420p")
_OUTPUT: Final = "pipe:3"
"""Not standard output: xavs2 prints what it thinks of its parameters there."""
_SPEED: Final = 2
"""xavs2's: 1 and 0 overflow at some sizes (4000 x 3000) and crash; 5 saves 4 % of the bytes for twice the time."""
_LARGEST_UNIT: Final = 6
"""log2 of a side; xavs2 crashes on pictures that are no wider or no higher than one."""
_LOOK_S: Final = 1.0
_STILL_S, _LEAST_WORK_S = 5.0, 0.2
"""With less work in that time it has given up: threads of libdavs2 wait for ever for pictures that broken streams do not
have, and FFmpeg, awake a hundredth of the time, for them; xavs2 does for memory."""


class Request(NamedTuple):
    """What FFmpeg is to do with the bytes of the input, all of which is raw 4:2:0 or an AVS2 stream."""

    kind: int
    """``ENCODE`` or ``DECODE``."""
    quantiser: int = 0
    """1 (best) to 63, for encoding."""
    intra: bool = False
    """Every picture for itself; otherwise all but the first build on those before."""
    unused: int = 0
    width_px: int = 0
    height_px: int = 0
    within_s: int = 0
    """Of CPU time, and of time."""
    memory_bytes: int = 0
    output_bytes: int = 0
    """What is written beyond is refused, and ends FFmpeg."""

    def pack(self) -> bytes:
        return _REQUEST.pack(*self)


def read_answer(data: bytes) -> int:
    """FFmpeg's exit status, negative for a signal; raises ``ValueError`` if it is no answer."""
    if len(data) != _ANSWER.size:
        raise ValueError("no answer")
    return int(_ANSWER.unpack(data)[0])


def command(request: Request) -> tuple[str, ...]:
    """What comes behind FFmpeg's name."""
    if request.kind == DECODE:
        return (*_QUIET, "-threads", "1", "-f", "avs2", "-i", "pipe:0", "-fps_mode", "passthrough", *_RAW, _OUTPUT)
    unit = _LARGEST_UNIT if min(request.width_px, request.height_px) > 1 << _LARGEST_UNIT else _LARGEST_UNIT - 1
    interval = 1 if request.intra else 1 << 16
    return (
        *_QUIET, *_RAW, "-s", f"{request.width_px}x{request.height_px}", "-i", "pipe:0",
        "-c:v", "libxavs2", "-qp", str(request.quantiser), "-g", str(interval), "-bf", "0", "-speed_level", str(_SPEED),
        "-threads", "1", "-lcu_row_threads", "1", "-xavs2-params", f"MaxSizeInBit={unit}:MinQP=0:MaxQP=63", "-f", "avs2", _OUTPUT,
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the codec process is gone; the exit status."""
    parser = argparse.ArgumentParser(prog="proxy.codec.avs2_launcher", description=__doc__)
    parser.add_argument("--program", type=Path, required=True)
    for name in ("--line-fd", "--input-fd", "--output-fd"):
        parser.add_argument(name, type=int, required=True)
    given = parser.parse_args(arguments)
    leave_terminal()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for fd in (given.line_fd, given.input_fd, given.output_fd):
        os.set_inheritable(fd, False)
    launcher = _Launcher(given.program, given.input_fd, given.output_fd)
    confine_launcher([given.program])
    with socket.socket(fileno=given.line_fd) as line:
        while message := line.recv(MESSAGE_BYTES):
            status = launcher.run(Request(*_REQUEST.unpack(message)), line)
            if status is None:
                break
            line.send(_ANSWER.pack(status), socket.MSG_NOSIGNAL)
    return 0


class _Launcher:
    """Runs one job at a time."""

    def __init__(self, program: Path, input_fd: int, output_fd: int) -> None:
        self._program = program
        self._nothing_fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._input_fd, self._output_fd = input_fd, output_fd

    def run(self, request: Request, line: socket.socket) -> int | None:
        """FFmpeg's exit status; None if *line* closed meanwhile, and then FFmpeg is gone as well."""
        ended, alive = os.pipe2(os.O_CLOEXEC)
        launcher = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become(request, alive, launcher)
        os.close(alive)
        try:
            # Its end of the pipe closes when it ends, however it does.
            poll = select.poll()
            poll.register(ended, 0)
            poll.register(line, 0)
            seen = _wait(poll, pid, request.within_s)
            if ended not in seen:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
        finally:
            os.close(ended)
        if not seen:
            return -signal.SIGXCPU
        return os.waitstatus_to_exitcode(status) if ended in seen else None

    def _become(self, request: Request, alive_fd: int, launcher: int) -> None:
        """Turn this process, a fork, into FFmpeg; never returns."""
        try:
            ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != launcher:
                os._exit(127)
            for number in _DEFAULT_ACTIONS:
                signal.signal(number, signal.SIG_DFL)
            os.lseek(self._input_fd, 0, os.SEEK_SET)
            os.lseek(self._output_fd, 0, os.SEEK_SET)
            given = (self._input_fd, self._nothing_fd, self._nothing_fd, self._output_fd, alive_fd)
            # First out of the way of each other, then to their places.
            for place, fd in enumerate([fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, len(given)) for fd in given]):
                os.dup2(fd, place)
            _bound(resource.RLIMIT_AS, request.memory_bytes)
            # Over the soft one it is told so by SIGXCPU; SIGKILL would look like a kill from outside.
            _bound(resource.RLIMIT_CPU, request.within_s, slack=1)
            _bound(resource.RLIMIT_FSIZE, request.output_bytes)
            _bound(resource.RLIMIT_NOFILE, _OPEN_FILES)
            install(programs=True)
            os.execve(self._program, ("ffmpeg", *command(request)), _ENVIRONMENT)
        finally:
            os._exit(127)


def _wait(poll: select.poll, pid: int, within_s: float) -> dict[int, int]:
    """What *poll* tells; nothing if *pid* takes longer than *within_s*, or hardly works any more."""
    clock = ~pid << 3 | _CLOCK_OF_PROCESS
    last_s = now_s = time.monotonic()
    end_s, worked_s = now_s + within_s, 0.0
    while now_s < end_s and now_s < last_s + _STILL_S:
        if seen := dict(poll.poll(1000 * min(_LOOK_S, end_s - now_s))):
            return seen
        now_s = time.monotonic()
        with suppress(OSError):  # it just ended
            so_far_s = time.clock_gettime(clock)
            if so_far_s >= worked_s + _LEAST_WORK_S:
                last_s, worked_s = now_s, so_far_s
    return {}


def _bound(limit: int, value: int, *, slack: int = 0) -> None:
    hard = resource.getrlimit(limit)[1]
    least = value if hard == resource.RLIM_INFINITY else min(value, hard)
    most = value + slack if hard == resource.RLIM_INFINITY else min(value + slack, hard)
    resource.setrlimit(limit, (least, most))


if __name__ == "__main__":
    os._exit(main())
