"""``mogr serve``: one node, until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from proxy import logs
from proxy import settings as tree
from proxy.commands.banner import banner
from proxy.configuration import ConfigurationError, advice, load
from proxy.supervisor.assembly import NodeParts
from proxy.supervisor.memory import fitted, limit_bytes
from proxy.supervisor.node import Supervisor


def run(config: Path, host: str | None, port: int | None, workers: int | None) -> int:
    """Serve; the exit status.  Flags that were given count over file and environment, at every reload too."""
    logs.install()
    flags = {"server.host": host, "server.port": port, "server.workers": workers}
    config = config.absolute()

    def again() -> tree.Settings:
        settings = load(config, flags=flags)
        for sentence in advice(settings):
            logs.log("Probably not meant.", level="warning", advice=sentence)
        fits, lowered = fitted(settings, limit_bytes())
        for sentence in lowered:
            logs.log("Less than configured.", level="warning", lowered=sentence)
        return fits

    try:
        settings = again()
    except ConfigurationError as error:
        for problem in str(error).splitlines():
            logs.log("The configuration is not valid.", level="error", problem=problem)
        return 1

    def started(edge: tuple[str, int], admin: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):  # nobody reads standard output
            print(banner(settings, edge, admin), flush=True)

    return asyncio.run(_serve(Supervisor(settings, load=again, parts=NodeParts(), on_started=started)))


async def _serve(supervisor: Supervisor) -> int:
    return await supervisor.run()
