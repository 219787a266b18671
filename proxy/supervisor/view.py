"""What the admin listener sees of the node: its metrics and whether it is ready."""

from __future__ import annotations

import time
from collections.abc import Mapping

from proxy import __version__
from proxy.metrics.exposition import Node, expose
from proxy.supervisor.generation import Generations
from proxy.supervisor.parts import Sweeper
from proxy.supervisor.purging import Purger
from proxy.supervisor.tally import Tally

SCRAPE_WITHIN_S = 1.0
"""A web worker that does not answer in that time shows what it said last."""


class View:
    """The ``Node`` of ``proxy.admin.app``; the supervisor sets its attributes as things come and go."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._start_time_s = time.time()
        self.generations: Generations | None = None
        self.sweeper: Sweeper | None = None
        self.build: Mapping[str, str] = {"version": __version__}
        self.stopping = False
        self._purger = Purger(lambda: self.generations.web_workers() if self.generations is not None else ())

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        generations = self.generations
        if generations is not None:
            await generations.report(SCRAPE_WITHIN_S)
        return expose(self._tally.total(), self._node(generations), accept)

    def unready(self) -> tuple[str, ...]:
        if self.stopping:
            return ("shutting down",)
        current = self.generations.current if self.generations is not None else None
        if current is None:
            return ("starting",)
        reasons = []
        if not current.fleet.accepting:
            reasons.append("no web worker accepts requests")
        if not current.codecs.ready:
            reasons.append("no codec process is up")
        return tuple(reasons)

    async def purge(self, request: Mapping[str, object]) -> tuple[int, Mapping[str, object]]:
        current = self.generations.current if self.generations is not None else None
        if current is None:
            return 503, {"error": "starting"}
        disk = current.settings.cache.disk
        return await self._purger.purge(request, disk.path if disk else None)

    def _node(self, of: Generations | None) -> Node:
        return Node(
            start_time_s=self._start_time_s,
            ready=not self.unready(),
            queue_s=of.queue_s if of else 0,
            codec_processes=of.codec_processes if of else 0,
            codec_restarts=of.codec_restarts if of else {},
            web_workers=of.accepting if of else 0,
            web_worker_restarts=of.web_restarts if of else 0,
            disk_cache_bytes=self.sweeper.held_bytes if self.sweeper else None,
            build=self.build,
        )


def build_of(capabilities: Mapping[str, object]) -> dict[str, str]:
    """Labels of ``mogr_build_info``: the version of mogr and of what it is built of."""
    versions = capabilities.get("versions")
    libraries = versions if isinstance(versions, Mapping) else {}
    return {"version": __version__} | {
        str(name): str(version) for name, version in sorted(libraries.items()) if name != "mogr"
    }
