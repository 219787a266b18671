"""The disk tier's two parts."""

from __future__ import annotations

from collections.abc import Callable

from proxy.caches.disk import DiskCache
from proxy.caches.presence import Presence
from proxy.caches.writer_line import Line
from proxy.ports import Clock, Meter
from proxy.settings import DiskCache as DiskSettings


def disk_tiers(
    settings: DiskSettings | None,
    meter: Meter,
    clock: Clock,
    on_written: Callable[[int], None],
    presence_fd: int | None = None,
    writer_fd: int | None = None,
) -> tuple[DiskCache | None, DiskCache | None]:
    """Renditions and originals, each with a share of its own: neither can push the other out.

    *presence_fd*: the node's ``presence.memory``, which the caller keeps; without one everything is looked for.
    *writer_fd*: the queue of the node's ``caches.writer``, which the caller keeps, too; without one, threads write.
    """
    if settings is None:
        return None, None
    renditions, originals = (
        DiskCache(
            directory,
            max_bytes=max_bytes,
            meter=meter,
            clock=clock,
            on_written=on_written,
            presence=None if presence_fd is None else Presence(presence_fd, number, directory),
            line=None if writer_fd is None else Line(writer_fd, directory, number),
        )
        for number, (directory, max_bytes) in enumerate(settings.shares())
    )
    return renditions, originals
