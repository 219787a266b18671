"""AVS2 by the FFmpeg that the optional package ``imageio-ffmpeg`` carries (GPL, so a program of its own); never in this process.

``avs2_launcher`` starts it.  A codec process is given its launcher by who starts it, since it may start none itself;
anywhere else one is started when it is first needed.
"""

from __future__ import annotations

import atexit
import importlib.util
import math
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, NoReturn

import proxy
from proxy.codec import transport
from proxy.codec.avs2_launcher import DECODE, ENCODE, MESSAGE_BYTES, Request, read_answer
from proxy.errors import CodecLost, InvalidImageFormat

MOST_WIDTH_PX: Final = 8192
MOST_HEIGHT_PX: Final = 4608
"""Level 10 of AVS2, the highest that xavs2 encodes."""
LEAST_SIDE_PX: Final = 64
"""In smaller pictures what xavs2 reserves for their bits does not hold those of noise."""
_MODULE: Final = "proxy.codec.avs2_launcher"
_PACKAGE: Final = "imageio_ffmpeg"
_ENVIRONMENT: Final[Mapping[str, str]] = MappingProxyType(
    {"PYTHONPATH": str(Path(proxy.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}
)
_SECONDS_ALONE: Final = 600
_ALONE_BYTES: Final = 4 << 30
_START_BYTES: Final = 768 << 20
_ENCODING_BYTES_PER_PIXEL, _DECODING_BYTES_PER_PIXEL = 400, 128
"""Address space, a third more than was measured: FFmpeg reserves 0.5 GB, xavs2 300 bytes a pixel and davs2 85; of these
17 and 9 are ever touched.  xavs2 does not fail where it gets less but waits for ever."""
_OUTPUT_LEAST_BYTES: Final = 1 << 20


@cache
def program() -> Path | None:
    """The FFmpeg of ``imageio-ffmpeg``; None where that is not installed, or carries none."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.glob("binaries/ffmpeg-*"))
    return next((path.resolve() for path in found if os.access(path, os.X_OK)), None)


@dataclass(frozen=True, slots=True)
class Ends:
    """A codec process' side of its launcher: a socket, and the memory that what goes in and what comes out is left in."""

    line_fd: int
    input_fd: int
    output_fd: int

    def __str__(self) -> str:
        return f"{self.line_fd},{self.input_fd},{self.output_fd}"

    @classmethod
    def parse(cls, text: str) -> Ends:
        return cls(*map(int, text.split(",")))

    @property
    def fds(self) -> tuple[int, int, int]:
        return self.line_fd, self.input_fd, self.output_fd

    def close(self) -> None:
        transport.close_all(self.fds)


def launch() -> tuple[subprocess.Popen[bytes], Ends] | None:
    """A launcher and the ends to give to who is to use it; it ends when all of them are closed.  None without FFmpeg.

    Raises:
        OSError: the system refuses.
    """
    path = program()
    if path is None:
        return None
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ends = Ends(ours.detach(), *(os.memfd_create(name, os.MFD_CLOEXEC) for name in ("mogr-avs2-in", "mogr-avs2-out")))
    with theirs:
        options = {"--program": path, "--line-fd": theirs.fileno()}
        options |= {"--input-fd": ends.input_fd, "--output-fd": ends.output_fd}
        try:
            popen = subprocess.Popen(
                [sys.executable, "-P", "-s", "-m", _MODULE, *(str(word) for pair in options.items() for word in pair)],
                env=dict(_ENVIRONMENT),
                pass_fds=(theirs.fileno(), ends.input_fd, ends.output_fd),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                process_group=0,
            )
        except OSError:
            ends.close()
            raise
    return popen, ends


def adopt(ends: Ends | None) -> None:
    """From now on use the launcher behind *ends*, or none; for a codec process, before its first job."""
    _held.adopt(ends)


def available() -> bool:
    """Whether there is an FFmpeg to ask; whether it can do AVS2, only trying tells."""
    return _held.available()


def encode(planes: Sequence[bytes], width_px: int, height_px: int, *, quantiser: int, intra: bool) -> bytes:
    """An AVS2 stream of pictures of 8-bit 4:2:0 samples; each plane's rows one behind the other, Y, U, V, picture by picture.

    The sides are multiples of 8, within the bounds above.

    Raises:
        InvalidImageFormat: no encoder, or it failed.
        CodecLost: it was killed from outside.
    """
    raw = b"".join(planes)
    request = Request(
        ENCODE, quantiser=quantiser, intra=intra, width_px=width_px, height_px=height_px,
        output_bytes=max(_OUTPUT_LEAST_BYTES, 2 * len(raw)),
        memory_bytes=_START_BYTES + _ENCODING_BYTES_PER_PIXEL * width_px * height_px,
    )  # fmt: skip
    return _held.run(request, raw, "The picture cannot be encoded as TPG.")


def decode(stream: bytes, width_px: int, height_px: int, pictures: int) -> bytes:
    """The samples of *stream*, as ``encode`` takes them: exactly so many pictures of that size.

    Raises:
        InvalidImageFormat: no decoder, or a broken stream.
        CodecLost: it was killed from outside.
    """
    public = "The picture is broken or of a kind that cannot be processed."
    output_bytes = pictures * width_px * height_px * 3 // 2
    ours_bytes = resource.getrlimit(resource.RLIMIT_AS)[0]
    most_bytes = _ALONE_BYTES if ours_bytes == resource.RLIM_INFINITY else ours_bytes
    request = Request(
        DECODE, width_px=width_px, height_px=height_px, output_bytes=output_bytes,
        memory_bytes=_START_BYTES + min(most_bytes, _DECODING_BYTES_PER_PIXEL * width_px * height_px),
    )  # fmt: skip
    raw = _held.run(request, stream, public)
    if len(raw) != output_bytes:
        raise InvalidImageFormat(f"AVS2 of {len(raw)} bytes, expected {output_bytes}", public=public)
    return raw


class _Held:
    """The launcher of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._adopted = False
        self._ends: Ends | None = None
        self._popen: subprocess.Popen[bytes] | None = None

    def adopt(self, ends: Ends | None) -> None:
        self._adopted, self._ends = True, ends

    def available(self) -> bool:
        return self._ends is not None if self._adopted else program() is not None

    def close(self) -> None:
        """End a launcher of our own and wait for it: nobody else would."""
        if self._ends is not None:
            self._ends.close()
            self._ends = None
        if self._popen is not None:
            self._popen.wait()
            self._popen = None

    def run(self, request: Request, data: bytes, public: str) -> bytes:
        with self._lock:
            if self._ends is None and not self._adopted:
                self._start()
            ends = self._ends
            if ends is None:
                raise InvalidImageFormat("no FFmpeg", public=public)
            try:
                os.ftruncate(ends.input_fd, 0)
                os.ftruncate(ends.output_fd, 0)
                transport.write_sheet(ends.input_fd, 0, data)
                status = self._ask(ends, request)
                made = os.fstat(ends.output_fd).st_size
                if status != 0 or not 0 < made <= request.output_bytes:
                    raise InvalidImageFormat(f"FFmpeg ended with {status} after {made} bytes", public=public)
                return transport.read_sheet(ends.output_fd, 0, made)
            finally:
                if self._ends is not None:
                    os.ftruncate(ends.input_fd, 0)
                    os.ftruncate(ends.output_fd, 0)

    def _start(self) -> None:
        launched = launch()
        if launched is not None:
            self._popen, self._ends = launched
            atexit.register(self.close)

    def _ask(self, ends: Ends, request: Request) -> int:
        # What is left until the codec process is killed for being late.
        left_s = math.ceil(signal.getitimer(signal.ITIMER_REAL)[0] or _SECONDS_ALONE) + 1
        with socket.socket(fileno=os.dup(ends.line_fd)) as line:
            try:
                line.send(request._replace(within_s=left_s).pack(), socket.MSG_NOSIGNAL)
                status = read_answer(line.recv(MESSAGE_BYTES))
            except (OSError, ValueError):
                status = -signal.SIGKILL
        if status == -signal.SIGKILL:
            self._lost()
        return status

    def _lost(self) -> NoReturn:
        """Neither FFmpeg nor its launcher is ever killed but from outside: as if this process had been.

        A codec process makes room for a new one, where its job is tried again.
        """
        if self._adopted:
            os.kill(os.getpid(), signal.SIGKILL)
        self.close()
        raise CodecLost("FFmpeg, or what starts it, was killed")


_held = _Held()
