"""One web worker: the program that the supervisor starts with the sockets it needs, and nothing else of its own.

``python -m proxy.worker``; it serves until told to stop, and hands over its last counts before it ends.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import fcntl
import gc
import json
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import cast

import uvicorn
import uvloop

from proxy import __version__
from proxy.app import Capabilities, build
from proxy.caches import purge_file
from proxy.caches.recent import Recent, claimed
from proxy.caches.shared_epochs import SharedEpochs
from proxy.codec import fonts
from proxy.codec.board import Board
from proxy.codec.client import PoolCodec
from proxy.codec.condemned import Condemned
from proxy.codec.giving_way import come_soon
from proxy.configuration import from_json
from proxy.connections.hits import HitProtocol
from proxy.connections.readers import Patience
from proxy.core.purges import Ledger, Purge
from proxy.logs import install, log
from proxy.metrics import CountingMeter
from proxy.supervisor.control import ControlClient

_M_ARENA_MAX = -8
_DESCRIPTORS = 16_384
_FULL_COLLECTIONS_EVERY = 100
"""So many collections of younger objects; CPython's own choice is 10."""
_LATE_S = 0.25
"""How long after letting go of the socket a connection's first request may still arrive."""


class _Server(uvicorn.Server):
    """uvicorn on an inherited socket: says when it accepts, and lets go of it gently."""

    def __init__(self, config: uvicorn.Config, control: ControlClient) -> None:
        super().__init__(config)
        self._control = control

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals only set a flag: uvicorn would raise them again, and end us before the last totals are told."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        await self._control.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        # Connections that were just accepted still have their first request on the way: closed now, they would be reset.
        await asyncio.sleep(_LATE_S)
        await super().shutdown(sockets)


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until the supervisor says otherwise: SIGTERM drains, and so does its death."""
    with os.fdopen(arguments.start_fd, "rb") as start:
        start.seek(0)
        told = json.loads(start.read())
    settings, drain_s = from_json(told["settings"]), float(told["drain_s"])
    drawn_with = await asyncio.to_thread(fonts.fingerprint, settings.codec.fonts)
    capabilities = Capabilities.of(told["capabilities"], fonts=drawn_with)
    meter = CountingMeter()
    board = Board.attach(arguments.board_fd)
    slot = board.web(arguments.slot)
    edge, queue = socket.socket(fileno=arguments.edge_fd), socket.socket(fileno=arguments.queue_fd)
    codec = PoolCodec(
        queue,
        board,
        arguments.slot,
        queue_s=settings.codec.queue_s,
        deadline_s=settings.codec.deadline_s,
        places=settings.codec.workers,
    )
    disk = settings.cache.disk
    ledger = Ledger(await asyncio.to_thread(purge_file.read, disk.path) if disk is not None else ())
    application = build(
        settings,
        capabilities,
        codec=codec,
        meter=meter,
        on_disk_written=slot.wrote,
        ledger=ledger,
        note=_noting(disk.path) if disk is not None else None,
        neighbours=Condemned(board, arguments.slot),
        epochs=SharedEpochs(arguments.epochs_fd),
        presence_fd=arguments.presence_fd,
        writer_fd=arguments.writer_fd,
        recent=_recent(arguments.recent_fd, settings.server.workers),
    )
    patience = Patience(
        window_s=settings.server.slow_client_s, least_bytes_per_s=settings.server.slow_client_bytes_per_s
    )
    config = uvicorn.Config(
        application.asgi,
        loop="uvloop",
        http=cast("type[HitProtocol]", partial(HitProtocol, ready=application.ready, patience=patience)),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,  # the edge adds it, where an origin's answer does not have one
        timeout_keep_alive=75,  # longer than a load balancer's 60 s, or it meets closed connections (imgproxy#171)
        timeout_graceful_shutdown=max(1, round(drain_s * 0.65)),
    )
    control = ControlClient(arguments.control_fd, meter.snapshot, calls=application.calls)
    server = _Server(config, control)
    with edge, queue:
        await application.begin()
        _settle()
        await server.serve(sockets=[edge])
        await application.aclose(drain_s * 0.3)
    await control.finish()


def _recent(fd: int, workers: int) -> Recent | None:
    return Recent(fd, workers, claimed(fd, workers)) if workers > 1 else None


def _settle() -> None:
    """Let the garbage collector stop the event loop more briefly, and more seldom.

    A full collection looks at every object there is: 20 ms for what was imported, which is here to stay, and as much again
    for what 128 MiB of memory tier hold, while no hit is answered (``bench/load.py``).  What requests leave behind is found
    by the collections of young objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], _FULL_COLLECTIONS_EVERY)


def _use_one_arena() -> None:
    """Let all threads allocate from one place.

    glibc gives each an arena of its own, and what bodies of all sizes leave behind there is seldom used again: after
    20,000 requests a web worker held 12 MB more for it (``bench/soak.py``).  Other C libraries have no such call.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _make_room_for_descriptors() -> None:
    """Have the kernel make its table of our open files as large as it will be needed, while there is one thread.

    Of a process with threads it doubles the table only after each processor has passed through its scheduler: ``accept`` then
    took 15 ms, with all requests waiting.
    """
    highest = min(_DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[0]) - 1
    descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    with suppress(OSError):
        os.close(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, highest))
    os.close(descriptor)


def _noting(directory: Path) -> Callable[[Purge], bool]:
    def note(purge: Purge) -> bool:
        try:
            return purge_file.note(directory, purge)
        except OSError as error:  # it is in the bucket, too
            log("A purge of a replica could not be written down.", level="error", error=str(error))
            return False

    return note


def main() -> None:
    parser = argparse.ArgumentParser(description=f"mogr {__version__} web worker; started by `mogr serve`")
    for name in ("edge", "control", "board", "epochs", "presence", "queue", "recent", "start", "writer"):
        parser.add_argument(f"--{name}-fd", type=int, required=True)
    parser.add_argument("--slot", type=int, required=True)
    install()
    _use_one_arena()
    _make_room_for_descriptors()
    come_soon()
    uvloop.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
