"""What was freed, given back to the system: jemalloc keeps it for a while, glibc for as long as it likes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

_OF_ALL_ARENAS = b"arena.4096.purge"
"""MALLCTL_ARENAS_ALL of jemalloc.h."""


def returning(libraries: ctypes.CDLL | None = None) -> Callable[[], None]:
    """A call that gives back what can be, to be made while there is nothing else to do: it takes milliseconds.

    *libraries*: where to look for the allocator's own; None: in this process.
    """
    found = libraries or ctypes.CDLL(None)
    if hasattr(found, "mallctl"):
        return lambda: found.mallctl(_OF_ALL_ARENAS, None, None, None, ctypes.c_size_t(0))
    if hasattr(found, "malloc_trim"):
        return lambda: found.malloc_trim(ctypes.c_size_t(0))
    return lambda: None
