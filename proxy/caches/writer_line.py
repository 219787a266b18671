"""The way to the process that writes the disk tier's files (``caches.writer``), from one directory's tier in a web worker.

A thread that writes takes Python's lock from the event loop some ten times a file; here it is one message.  Meta and body are
left in memory that goes with it (``writer_messages``).  Without a writer, and while it has too much to do, one writes oneself; and
always what is long: of that, nearly all is one call that leaves the lock alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

from proxy.caches import writer_messages as messages

PATIENCE_S: Final = 2.0
"""For a file; then one writes oneself.  A writer that was killed is started anew within a second."""
LARGEST_BYTES: Final = 512 * 1024
"""Of a body: the event loop takes 0.12 ms to copy so much."""
MOST_UNANSWERED: Final = 16
"""Files that a writer is given before it answers: what a stopped one may hold of this node's memory."""


class Line:
    """To the writer that listens on *queue_fd*, which stays the caller's, for files of *directory*; opened with the first."""

    def __init__(self, queue_fd: int, directory: Path, table: int, *, patience_s: float = PATIENCE_S) -> None:
        self._queue_fd = queue_fd
        self._patience_s = patience_s
        self._hello = json.dumps({"directory": str(directory.absolute()), "table": table}).encode()
        self._socket: socket.socket | None = None
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[int | None]] = {}
        self._unanswered = 0
        """Of this line; more than wait, where patience ended."""

    async def write(self, name: str, meta: bytes, body: bytes) -> int | None:
        """Have the file *name* written: its bytes once it is in its place; None: by this way it was not.

        Cancelling leaves it to be written, or not.

        Raises:
            OSError: the disk is full, or broken.
        """
        if len(body) > LARGEST_BYTES or self._unanswered >= MOST_UNANSWERED:
            return None
        number, loop = next(self._numbers), asyncio.get_running_loop()
        try:
            self._send(loop, messages.WRITE.pack(number, name.encode(), len(meta)), meta, body)
        except OSError:  # no writer, or one that has enough to do
            return None
        answer = self._waiting[number] = loop.create_future()
        impatience = loop.call_later(self._patience_s, _settle, answer, None)
        try:
            written: int | None = await answer
        finally:
            impatience.cancel()
            del self._waiting[number]
        if written is not None and written < 0:
            raise OSError(-written, os.strerror(-written))
        return written

    def close(self) -> None:
        """Have nothing more written this way; what was asked for still is."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
            self._unanswered = 0
        for answer in self._waiting.values():
            _settle(answer, None)

    def _send(self, loop: asyncio.AbstractEventLoop, message: bytes, meta: bytes, body: bytes) -> None:
        sheet = os.memfd_create("mogr-write", os.MFD_CLOEXEC)
        try:
            if os.writev(sheet, (meta, body)) < len(meta) + len(body):
                raise OSError("no memory for all of it")
            socket.send_fds(self._open(loop), [message], [sheet])
            self._unanswered += 1
        finally:
            os.close(sheet)

    def _open(self, loop: asyncio.AbstractEventLoop) -> socket.socket:
        if self._socket is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.setblocking(False)
            try:
                with socket.socket(fileno=os.dup(self._queue_fd)) as hello, theirs:
                    socket.send_fds(hello, [self._hello], [theirs.fileno()], socket.MSG_DONTWAIT)
            except OSError:
                ours.close()
                raise
            loop.add_reader(ours, self._heard)
            self._socket = ours
        return self._socket

    def _heard(self) -> None:
        assert self._socket is not None
        with suppress(BlockingIOError):
            while True:
                try:
                    message = self._socket.recv(messages.WRITTEN.size)
                except ConnectionError:
                    message = b""
                if len(message) != messages.WRITTEN.size:
                    self.close()  # the writer is gone; the next file opens a line to the one after it
                    return
                self._unanswered -= 1
                number, written = messages.WRITTEN.unpack(message)
                if number in self._waiting:  # or it came too late
                    _settle(self._waiting[number], written)


def _settle(answer: asyncio.Future[int | None], written: int | None) -> None:
    if not answer.done():
        answer.set_result(written)
