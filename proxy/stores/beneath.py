"""Files below a directory, found so that no key and no symbolic link leads out of it.  Synchronous: call in a thread.

A path is walked one step at a time from the root's descriptor, following no link, so there is no moment between a check
and its use.  Everything the system refuses is an error of ours.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from proxy.errors import MogrError, NoSuchKey, OriginRefused, OriginUnavailable

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a named pipe would wait for its writer.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_SUCH_KEY = frozenset({
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENXIO,
    errno.ENOTEMPTY,
})  # fmt: skip
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_LONGEST_NAME_BYTES = 255

Steps = Sequence[bytes]
"""The names from the root to a file, each a plain one."""


def steps_of(key: str, *, hidden: str) -> Steps:
    """The path of *key*; what lies in the directory *hidden* of the root has no key.

    Raises:
        NoSuchKey: no file below the root has that name.
    """
    names = key.split("/")
    try:
        steps = tuple(name.encode() for name in names)
    except UnicodeEncodeError:
        raise NoSuchKey(f"not UTF-8: {key!r}") from None
    if (
        any(step in (b"", b".", b"..") or len(step) > _LONGEST_NAME_BYTES for step in steps)
        or "\0" in key
        or "\\" in key
        or names[0].casefold() == hidden
    ):
        raise NoSuchKey(f"not a path below the root: {key!r}")
    return steps


@contextmanager
def translated(what: object) -> Iterator[None]:
    """Raise our error for the system's, with *what* as private detail."""
    try:
        yield
    except OSError as error:
        raise _ours(error)(f"{what!r}: {error.strerror}") from error


def _ours(error: OSError) -> type[MogrError]:
    if error.errno in _NO_SUCH_KEY:
        return NoSuchKey
    return OriginRefused if error.errno in _REFUSED else OriginUnavailable


@contextmanager
def opened_root(root: Path) -> Iterator[int]:
    """The root's descriptor.  A root that is missing is a broken store, not a missing object.

    Raises:
        OriginUnavailable: the directory cannot be opened.
    """
    try:
        fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise OriginUnavailable(f"{root}: {error.strerror}") from error
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def opened_directory(start: int, steps: Steps, *, create: bool = False) -> Iterator[int]:
    """The directory at *steps* below the descriptor *start*; made if *create* and absent."""
    fd = os.dup(start)
    try:
        for step in steps:
            if create:
                try:
                    os.mkdir(step, dir_fd=fd)
                except FileExistsError:
                    pass
            fd, above = os.open(step, _DIRECTORY, dir_fd=fd), fd
            os.close(above)
        yield fd
    finally:
        os.close(fd)


def listed(directory: int, above: str, *, hidden: str) -> tuple[list[str], list[str]]:
    """The keys, each after *above*, of the regular files in the open *directory*, and of the directories; links have none."""
    files, folders = [], []
    # An O_PATH descriptor cannot be listed; the same directory, opened to be read, can.
    fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        with os.scandir(fd) as entries:
            for entry in entries:
                if entry.name.casefold() == hidden or not _is_text(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(above + entry.name)
                elif entry.is_file(follow_symlinks=False):
                    files.append(above + entry.name)
    finally:
        os.close(fd)
    return files, folders


def _is_text(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def open_file(start: int, steps: Steps) -> tuple[int, os.stat_result]:
    """A descriptor of the regular file at *steps*, to be closed by the caller; anything else is not found."""
    with opened_directory(start, steps[:-1]) as above:
        fd = os.open(steps[-1], _READ, dir_fd=above)
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        raise FileNotFoundError(errno.ENOENT, "not a regular file")
    return fd, found


def write_file(directory: int, name: str, body: bytes, mtime_ns: int) -> os.stat_result:
    """A new file with this content and time, on its disk when this returns; removed again if that fails."""
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666, dir_fd=directory)
    try:
        left = memoryview(body)
        while left:
            left = left[os.write(fd, left) :]
        os.utime(fd, ns=(mtime_ns, mtime_ns))
        os.fsync(fd)
        return os.fstat(fd)
    except BaseException:
        os.unlink(name, dir_fd=directory)
        raise
    finally:
        os.close(fd)
