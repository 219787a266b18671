"""How messages, descriptors and pictures get from one process to another.

Messages go over SEQPACKET sockets, whole; bytes are left on a sheet, a memfd that the other side is given.  Only web
workers send descriptors.  The kernel refuses them (ETOOMANYREFS) to a sender when as many of its user are in flight as
it may open itself, and codec processes may open few: with a long queue none of their results would come back.
"""

from __future__ import annotations

import array
import os
import socket
from collections.abc import Sequence
from contextlib import suppress


class Malformed(Exception):
    """The other side sent, or left on the sheet, what it never should."""


def make_sheet(*bodies: bytes) -> int:
    """A memfd with *bodies* one behind the other; the caller closes it.  Blocks for as long as copying takes."""
    fd = os.memfd_create("mogr-sheet", os.MFD_CLOEXEC)
    try:
        at = 0
        for body in bodies:
            write_sheet(fd, at, body)
            at += len(body)
    except BaseException:
        os.close(fd)
        raise
    return fd


def write_sheet(fd: int, at: int, body: bytes) -> None:
    view = memoryview(body)
    while view:
        written = os.pwrite(fd, view, at)
        view, at = view[written:], at + written


def read_sheet(fd: int, at: int, size_bytes: int) -> bytes:
    """A copy: a mapping would die by SIGBUS if the other side shrank the sheet.

    Raises:
        Malformed: it ends before.
    """
    if os.fstat(fd).st_size < at + size_bytes:
        raise Malformed("the sheet is too short")
    chunks: list[bytes] = []
    while size_bytes and (chunk := os.pread(fd, size_bytes, at)):
        chunks.append(chunk)
        at, size_bytes = at + len(chunk), size_bytes - len(chunk)
    if size_bytes:
        raise Malformed("the sheet shrank")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def send(sock: socket.socket, data: bytes, fds: Sequence[int] = ()) -> None:
    """Send one message whole, without waiting.

    Raises:
        BlockingIOError: the kernel's buffer is full.
        OSError: nobody is there to receive, or descriptors ran out.
    """
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    sock.sendmsg([data], ancillary, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def receive(sock: socket.socket, length_bytes: int, fds: int) -> tuple[bytes, list[int]]:
    """Receive one message without waiting, with at most *fds* descriptors, which the caller must close.

    An empty message means that the other side is gone.

    Raises:
        BlockingIOError: nothing is there.
        Malformed: longer than *length_bytes*.
    """
    space = socket.CMSG_SPACE(fds * array.array("i").itemsize)
    data, ancillary, flags, _ = sock.recvmsg(length_bytes, space, socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC)
    received = array.array("i")
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            received.frombytes(value[: len(value) - len(value) % received.itemsize])
    if flags & socket.MSG_TRUNC:
        close_all(received)
        raise Malformed("message too long")
    return data, list(received)


def close_all(fds: Sequence[int]) -> None:
    for fd in fds:
        with suppress(OSError):
            os.close(fd)
