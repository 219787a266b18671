"""A codec process whose pixels do as they are told: the real worker around functions that read the source's bytes.

A program of its own, given to the pool in place of the real one.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from proxy.codec.worker import main
from proxy.core.model import Frame, ImageLimits, Traits
from proxy.errors import InvalidArgument
from proxy.ports import Job, Rendered

FRAME = Frame(width_px=4, height_px=2, alpha=True)


def capabilities() -> object:
    return None


def probe(body: bytes, limits: ImageLimits) -> Traits:
    _obey(body)
    return Traits(format="png", frame=FRAME, size_bytes=len(body))


def render(body: bytes, traits: Traits, job: Job) -> Rendered:
    if body == b"original":
        return Rendered(body=body, format=traits.format, frame=traits.frame, original=True)
    made = b"|".join(job.inputs) if body == b"inputs" else _obey(body)
    return Rendered(body=made, format=job.format, frame=FRAME, timings_s={"decode": 0.25, "encode": 0.5})


def _obey(body: bytes) -> bytes:
    match body.split()[:2]:
        case [b"pid"]:
            return str(os.getpid()).encode()
        case [b"hold"]:  # until SIGUSR1
            signal.sigwait({signal.SIGUSR1})
        case [b"hang"]:  # in C, with the GIL
            ctypes.PyDLL(None).sleep(1000)
        case [b"compute"]:
            while True:
                pass
        case [b"die", number]:
            os.kill(os.getpid(), int(number))
        case [b"exit", status]:
            os._exit(int(status))
        case [b"gobble"]:
            bytearray(1 << 40)
        case [b"starve"]:  # not even a MemoryError can be answered
            os._exit(77)
        case [b"bug"]:
            raise RuntimeError("secret detail")
        case [b"refuse"]:
            raise InvalidArgument("private detail", public="thumbnail: no.", errno=-7)
        case [b"large", size]:
            return b"x" * int(size)
        case [b"nothing"]:
            return b""
        case [b"look"]:
            return json.dumps(_look()).encode()
        case [b"escape"]:
            return json.dumps(_escape()).encode()
    return b"made of " + body[:100]


def _look() -> dict[str, object]:
    """What this process has been given."""
    fds = {}
    for fd in range(256):
        try:
            fds[fd] = os.fstat(fd).st_mode
        except OSError:
            continue
    return {"environment": dict(os.environ), "fds": fds, "argv": sys.argv, "cwd": os.getcwd()}


def _escape() -> dict[str, str]:
    """What happens when it tries to get out."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getppid()

    def call(name: str, *arguments: object) -> None:
        if getattr(libc, name)(*arguments) == -1:
            raise OSError(ctypes.get_errno(), name)

    tries = {
        "socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(("127.0.0.1", 9)),
        "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "unix socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "exec": lambda: subprocess.run(["/bin/true"], check=True),
        "execve": lambda: os.execv("/bin/true", ["true"]),
        "fork": os.fork,
        "write": lambda: open("/tmp/mogr-escape", "w"),
        "write home": lambda: open(f"{Path(__file__).parent}/escaped", "w"),
        "append": lambda: open("/etc/passwd", "a"),
        "read passwords": lambda: open("/etc/passwd").read(),
        "read the parent's environment": lambda: open(f"/proc/{parent}/environ", "rb").read(),
        "read own environment": lambda: open("/proc/self/environ", "rb").read(),
        "list": lambda: os.listdir("/"),
        "delete": lambda: os.unlink("/tmp/mogr-victim"),
        "make directory": lambda: os.mkdir("/tmp/mogr-directory"),
        "signal the parent": lambda: os.kill(parent, 0),
        "signal everyone": lambda: os.kill(-1, 0),
        "pidfd": lambda: os.pidfd_open(parent),
        "ptrace": lambda: call("ptrace", 16, parent, None, None),
        "unshare": lambda: call("unshare", 0x10000000),
        "mount": lambda: call("mount", b"none", b"/mnt", b"tmpfs", 0, None),
        "chroot": lambda: os.chroot("/"),
        "raise a limit": lambda: __import__("resource").setrlimit(__import__("resource").RLIMIT_AS, (-1, -1)),
    }
    found = {}
    for name, attempt in tries.items():
        try:
            attempt()
        except OSError as error:
            found[name] = errno.errorcode.get(error.errno or 0, str(error))
        except ValueError:
            found[name] = "EPERM"
        else:
            found[name] = "succeeded"
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    return found


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    os._exit(main(load=lambda: sys.modules["__main__"]))
