"""How the memory of this node is divided: a container's limit is shared out, so that no picture gets it killed as a whole.

A process that the kernel kills for the container's sake takes innocent requests with it; one that meets its own limit
(``codec.memory_bytes``) fails the picture that asked for too much.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from proxy.settings import Settings

SUPERVISOR_BYTES = 64 << 20
WRITER_BYTES = 24 << 20
"""What writes the disk tier."""
WEB_BYTES = 128 << 20
"""What a web worker takes beside its caches and the originals that it holds: 60 MiB idle, more under load."""
CODEC_BYTES = 80 << 20
"""What a codec process takes before its first picture."""
LEAST_CODEC_BYTES = 256 << 20
"""Less would fail pictures that every camera takes."""
_SPARE_RATIO = 0.05
"""Of the limit, for the kernel's share: sockets, page tables, files being written."""
_CACHES_RATIO = 0.25
"""At most so much of the limit each for the memory tier and for originals on their way."""


def limit_bytes(root: Path = Path("/")) -> int:
    """The least of what the machine has and what this process's control groups allow (version 2, or 1)."""
    return min((os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_group_limits(root)))


def fitted(settings: Settings, limit: int) -> tuple[Settings, tuple[str, ...]]:
    """*settings* with what would not fit into *limit* bytes made less, and one sentence for each key."""
    said = []

    def lower(key: str, wanted: int, affordable: int) -> int:
        if wanted <= affordable:
            return wanted
        said.append(f"{key}: {affordable} instead of {wanted}, because this node may use {limit} bytes of memory")
        return affordable

    web = settings.server.workers
    cache = settings.cache.memory
    share = int(limit * _CACHES_RATIO)
    cache = cache.model_copy(update={"max_bytes": lower("cache.memory.max_bytes", cache.max_bytes, share)})
    largest = settings.limits.image_limits().max_source_bytes
    # One original must always fit.
    fetch_bytes = lower("origins.fetch_bytes", settings.origins.fetch_bytes, max(largest, share // web))
    own = int(limit * _SPARE_RATIO) + SUPERVISOR_BYTES + WRITER_BYTES
    rest = limit - own - cache.max_bytes - web * (WEB_BYTES + fetch_bytes)
    places = settings.codec.workers or len(os.sched_getaffinity(0))
    affordable = max(LEAST_CODEC_BYTES, rest // places - CODEC_BYTES)
    codec = settings.codec.model_copy(
        update={"memory_bytes": lower("codec.memory_bytes", settings.codec.memory_bytes, affordable)}
    )
    fits = settings.model_copy(
        update={
            "cache": settings.cache.model_copy(update={"memory": cache}),
            "origins": settings.origins.model_copy(update={"fetch_bytes": fetch_bytes}),
            "codec": codec,
        }
    )
    return fits, tuple(said)


def _group_limits(root: Path) -> Iterator[int]:
    """The limits of the control groups around this process; a group's ancestors limit it too."""
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                yield from _upwards(root / "sys/fs/cgroup", path, "memory.max")
            elif "memory" in controllers.split(","):
                yield from _upwards(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes")


def _upwards(mount: Path, path: str, name: str) -> Iterator[int]:
    # In a container the path may be the host's, while the mount begins at the container's own group.
    steps = [step for step in path.split("/") if step not in ("", "..")]
    for depth in range(len(steps) + 1):
        with suppress(OSError, ValueError):  # no such group here, or "max"
            yield int(mount.joinpath(*steps[:depth], name).read_text())
