"""Putting a cache file in its place: written under a temporary name, then renamed, so that readers see it whole or not at all."""

from __future__ import annotations

import contextlib
import os
from itertools import count
from pathlib import Path

from proxy.caches import files, whole
from proxy.caches.presence import Presence

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class Placing:
    """Writes files of the tier's directory *root*, which is made when first written to, and tells *presence* of them.

    Of any thread, and of many processes at once.
    """

    def __init__(self, root: Path, presence: Presence | None = None) -> None:
        self._root = str(root)
        self._presence = presence
        self._begin = f"{root}/{files.TEMPORARY}/{os.getpid()}-{os.urandom(8).hex()}-"
        self._numbers = count()

    def path(self, name: str) -> str:
        first, second = files.folders_of(name)
        return f"{self._root}/{first}/{second}/{name}"

    def write(self, name: str, meta: bytes, body: bytes | memoryview[int], *, last_use_s: float | None = None) -> int:
        """The file's bytes.  *last_use_s*: of its time of last use; None: now, by the system's clock.

        Raises:
            OSError: the disk is full, or broken; nothing is left behind.
        """
        # Few calls, and plain strings for paths: each call gives the interpreter to another thread and has to get it back.
        head = files.head(name, meta, body)
        temporary = f"{self._begin}{next(self._numbers)}"
        try:
            descriptor = os.open(temporary, _FLAGS, 0o600)
        except FileNotFoundError:
            self._make_folder(files.TEMPORARY)
            descriptor = os.open(temporary, _FLAGS, 0o600)
        try:
            try:
                whole.write(descriptor, head, body)
                if last_use_s is not None:
                    os.utime(descriptor, (last_use_s, last_use_s))
            finally:
                os.close(descriptor)
            self._place(temporary, name)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        return len(head) + len(body)

    def _place(self, temporary: str, name: str) -> None:
        path = self.path(name)
        try:
            os.rename(temporary, path)
        except FileNotFoundError:
            self._make_folder(*files.folders_of(name))
            os.rename(temporary, path)
        if self._presence is not None:
            self._presence.add(name)

    def _make_folder(self, *folders: str) -> None:
        """The last of *folders*, and those around it that are missing."""
        path = "/".join((self._root, *folders))
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            pass
        except FileNotFoundError:
            if folders:
                self._make_folder(*folders[:-1])
                self._make_folder(*folders)
            else:
                Path(path).mkdir(0o700, parents=True, exist_ok=True)
