"""The supervisor itself: starts the node, keeps it, reloads it, ends it.

Signals: SIGTERM and SIGINT drain and exit 0; a second one kills every child at once and exits with 128 + its number
(143, 130).  SIGHUP reloads the configuration.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

from proxy import settings as tree
from proxy.admin.app import create_app
from proxy.admin.listener import AdminListener
from proxy.configuration import ConfigurationError
from proxy.logs import log
from proxy.supervisor.generation import Generations
from proxy.supervisor.parts import Parts
from proxy.supervisor.reload import reloadable
from proxy.supervisor.sockets import StartError, bound, listen
from proxy.supervisor.tally import Tally
from proxy.supervisor.view import View, build_of

POLL_S = 5.0
"""How often web workers are asked for their totals: a killed one loses no more than this."""
_POLL_WITHIN_S = 1.0
_END_WITHIN_S = 2.0


class Supervisor:
    """One node, from its sockets to its exit status.

    Args:
        settings: what it starts with.
        load: reads the configuration again, in a thread; raises ``ConfigurationError``.
        parts: what it is made of.
        on_started: called once, when requests are accepted, with the edge's and the admin listener's real addresses.
    """

    def __init__(
        self,
        settings: tree.Settings,
        *,
        load: Callable[[], tree.Settings],
        parts: Parts,
        on_started: Callable[[tuple[str, int], tuple[str, int]], None],
    ) -> None:
        self._settings = settings
        self._load, self._parts, self._on_started = load, parts, on_started
        self._tally = Tally()
        self._view = View(self._tally)
        self._stop = asyncio.Event()
        self._reload_asked = asyncio.Event()
        # What the sweeper's thread reads: a plain number, so that it never meets a board being closed.
        self._written_bytes = 0
        self._writing: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._on_terminal = os.isatty(2)

    async def run(self) -> int:
        """Serve until told to stop; the exit status.  A socket or child that cannot be had ends it with 1."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up)
        _allow_open_files()
        server, admin = self._settings.server, self._settings.admin
        try:
            with (
                listen(server.host, server.port, name="server") as edge,
                listen(admin.host, admin.port, name="admin") as second,
            ):
                return await self._serve(edge, second)
        except StartError as error:
            log(f"mogr cannot start: {error}.", level="error")
            return 1

    async def _serve(self, edge: socket.socket, second: socket.socket) -> int:
        addresses = bound(edge), bound(second)
        listener = AdminListener(second, create_app(self._view, self._settings.admin.token.get_secret_value()))
        listener.start()
        polling = asyncio.create_task(self._poll(), name="poll of totals")
        try:
            if await self._unless_stopped(self._start(edge)):
                log("mogr serves.", edge=list(addresses[0]), admin=list(addresses[1]))
                self._on_started(*addresses)
                await self._reload_until_stopped()
            await self._shutdown()
            if self._ending is not None:
                await self._ending  # which never returns
            log("mogr has stopped.")
        finally:
            helpers = [task for task in (polling, self._writing) if task is not None]
            for task in helpers:
                task.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            await listener.stop()
        return 0

    async def _start(self, edge: socket.socket) -> None:
        capabilities = await self._parts.capabilities()
        self._view.build = build_of(capabilities)
        self._view.generations = Generations(self._parts, edge, capabilities, self._tally)
        await self._view.generations.advance(self._settings)
        self._sweep()

    async def _reload_until_stopped(self) -> None:
        while await self._unless_stopped(self._reload_asked.wait()):
            self._reload_asked.clear()
            await self._unless_stopped(self._reload())

    async def _reload(self) -> None:
        """Read the configuration again and put it into force, or keep the old one whole."""
        try:
            fresh, held = reloadable(self._settings, await asyncio.to_thread(self._load))
            for key in held:
                log("A changed key takes effect only after a restart.", level="warning", key=key)
            await self._put_into_force(fresh)
        except ConfigurationError as error:
            for problem in str(error).splitlines():
                log("The configuration is not valid; the old one stays in force.", level="error", problem=problem)
        except StartError as error:
            log(f"The configuration was not reloaded; the old one stays in force: {error}.", level="error")
        except Exception:
            # Whatever it is, it is no reason to stop serving.
            trace = traceback.format_exc()
            log("The configuration was not reloaded; the old one stays in force: a bug.", level="error", trace=trace)

    async def _put_into_force(self, fresh: tree.Settings) -> None:
        assert self._view.generations is not None
        await self._view.generations.advance(fresh)
        disk_changed = fresh.cache.disk != self._settings.cache.disk
        self._settings = fresh
        if disk_changed:
            self._sweep()
        log("The configuration was reloaded.", web_workers=fresh.server.workers)

    async def _shutdown(self) -> None:
        self._view.stopping = True
        shutdown_s = self._settings.server.shutdown_s
        log("Shutting down: requests under way are finished, new ones refused.", shutdown_s=shutdown_s)
        if self._view.sweeper is not None:
            self._view.sweeper.stop()
        if self._view.generations is not None:
            await self._view.generations.stop(shutdown_s)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            if (generations := self._view.generations) is not None:
                self._written_bytes = generations.written_bytes
                await generations.report(_POLL_WITHIN_S)

    def _sweep(self) -> None:
        if self._view.sweeper is not None:
            self._view.sweeper.stop()
        disk = self._settings.cache.disk
        self._view.sweeper = self._parts.sweeper(disk, lambda: self._written_bytes) if disk else None
        if disk and self._writing is None:
            keeping = self._parts.keep_writing(self._settings.codec.nice)
            self._writing = asyncio.create_task(keeping, name="disk writer")

    async def _unless_stopped(self, work: Coroutine[Any, Any, object]) -> bool:
        """Whether *work* came to its end before anybody asked to stop; otherwise it is cancelled."""
        working = asyncio.create_task(work)
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not working.done():
            working.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
        if working.cancelled():
            return False
        working.result()
        return not self._stop.is_set()

    def _asked_to_stop(self, number: signal.Signals) -> None:
        if self._ending is not None:
            os._exit(128 + number)
        if self._stop.is_set():
            self._ending = asyncio.create_task(self._end(number), name="end at once")
        self._stop.set()

    async def _end(self, number: signal.Signals) -> None:
        log("A second signal: every process is killed.", level="warning", signal=number.name)
        if self._view.generations is not None:
            await asyncio.wait({asyncio.create_task(self._view.generations.end())}, timeout=_END_WITHIN_S)
        os._exit(128 + number)

    def _hung_up(self) -> None:
        # A terminal that went away sends the same signal as an operator who wants a reload.
        if self._on_terminal and not os.isatty(2):
            self._stop.set()
        else:
            self._reload_asked.set()


def _allow_open_files() -> None:
    """Raise the soft limit of open files to the hard one: each job under way needs several in its web worker."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):  # an unlimited hard limit may be more than the kernel allows
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
