"""The process that writes the disk tier's files for all web workers of a node; ``python -m proxy.caches.writer QUEUE_FD PRESENCE_FD``.

It ends when its standard input does, with what was asked for until then written: the supervisor holds the other end.  What it is asked is
described in ``caches.writer_messages``.  Nothing here is known of pictures, origins or secrets.
"""

from __future__ import annotations

import errno
import json
import mmap
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from proxy.caches.placing import Placing
from proxy.caches.presence import Presence
from proxy.caches.writer_messages import HELLO_MAX_BYTES, WRITE, WRITTEN

_LIFELINE = 0


class Writer:
    """Reads hellos from *queue* and writes what the lines ask for, one file after the other; *presence_fd* is of ``presence.memory``."""

    def __init__(self, queue: socket.socket, presence_fd: int) -> None:
        self._queue = queue
        self._presence_fd = presence_fd
        self._poll = select.poll()
        self._poll.register(queue, select.POLLIN)
        self._lines: dict[int, tuple[socket.socket, Placing]] = {}
        self._placings: dict[tuple[str, int], Placing] = {}

    def run(self) -> None:
        """Until the lifeline ends."""
        self._poll.register(_LIFELINE, select.POLLIN)
        alive = True
        while alive:
            alive = self._turn(None)
        while self._turn(0):
            pass

    def _turn(self, timeout_ms: int | None) -> bool:
        """One message of each that has one, waiting so long; False: the lifeline ended, or there was none."""
        events = self._poll.poll(timeout_ms)
        ended = False
        for fd, _ in events:
            if fd == _LIFELINE:
                self._poll.unregister(_LIFELINE)
                ended = True
            elif fd == self._queue.fileno():
                self._meet()
            else:
                self._serve(fd)
        return bool(events) and not ended

    def _meet(self) -> None:
        try:
            message, fds = _received(self._queue, HELLO_MAX_BYTES)
        except OSError:
            return
        if not message:  # supervisor and web workers, all are gone
            self._poll.unregister(self._queue)
            return
        try:
            hello = json.loads(message)
            placing = self._placing(str(hello["directory"]), int(hello["table"]))
            (fd,) = fds
            line = socket.socket(fileno=fd)
        except (OSError, ValueError, KeyError, TypeError):  # whoever it was sees its line end
            _close(fds)
            return
        line.setblocking(False)
        self._lines[fd] = line, placing
        self._poll.register(line, select.POLLIN)

    def _placing(self, directory: str, table: int) -> Placing:
        key = directory, table
        if key not in self._placings:
            path = Path(directory)
            self._placings[key] = Placing(path, Presence(self._presence_fd, table, path))
        return self._placings[key]

    def _serve(self, fd: int) -> None:
        line, placing = self._lines[fd]
        try:
            message, fds = _received(line, WRITE.size)
        except BlockingIOError:
            return
        except OSError:
            message, fds = b"", []
        if len(message) != WRITE.size or len(fds) != 1:
            _close(fds)
            self._poll.unregister(fd)
            del self._lines[fd]
            line.close()
            return
        number, name, meta_bytes = WRITE.unpack(message)
        try:
            written = _write(placing, name.decode(), fds[0], meta_bytes)
        except OSError as error:
            written = -(error.errno or errno.EIO)
        except ValueError:  # an empty sheet, or a name that is none
            written = -errno.EINVAL
        finally:
            _close(fds)
        with suppress(OSError):  # who asked is gone, or does not listen: then it waits for its own time to be up
            line.send(WRITTEN.pack(number, written))


def _write(placing: Placing, name: str, sheet: int, meta_bytes: int) -> int:
    with (
        mmap.mmap(sheet, 0, prot=mmap.PROT_READ) as mapped,
        memoryview(mapped) as whole,
        whole[:meta_bytes] as meta,
        whole[meta_bytes:] as body,
    ):
        return placing.write(name, bytes(meta), body)


def _received(sock: socket.socket, size_bytes: int) -> tuple[bytes, list[int]]:
    message, fds, _, _ = socket.recv_fds(sock, size_bytes, 1, socket.MSG_CMSG_CLOEXEC)
    return message, fds


def _close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)


def main() -> None:
    queue_fd, presence_fd = map(int, sys.argv[1:])
    # Web workers that drain still have something to write.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    Writer(socket.socket(fileno=queue_fd), presence_fd).run()


if __name__ == "__main__":
    main()
