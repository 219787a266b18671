"""Generations of web workers: the one in force, and earlier ones that still finish their requests.

A generation is a fleet of web workers and the codec processes it hands its jobs to; a reload makes the next one, ready
before the old one is drained, on the same edge socket, so that nothing is refused.  Codec processes outlive their
generation where the new settings ask for the same ones.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from proxy import settings as tree
from proxy.logs import log
from proxy.supervisor.fleet import Fleet
from proxy.supervisor.parts import Codecs, Parts
from proxy.supervisor.reload import same_pool
from proxy.supervisor.tally import Tally
from proxy.supervisor.worker import Outfit, WebWorker

DRAIN_RATIO = 0.8
"""The web workers' share of ``shutdown_s``; the rest is for codec processes and the last metrics."""
_POOL_GRACE_S = 1.0


@dataclass(frozen=True, eq=False, slots=True)
class Generation:
    """Processes made for one configuration."""

    settings: tree.Settings
    codecs: Codecs
    fleet: Fleet
    recent_fd: int
    """Of memory that the fleet alone shares: what an answer says depends on the settings."""


class Generations:
    """All child processes of the node.

    Args:
        edge: the listening socket that every web worker inherits; ``stop`` closes it.
        capabilities: what the codec can do, for the web workers.
    """

    def __init__(self, parts: Parts, edge: socket.socket, capabilities: Mapping[str, object], tally: Tally) -> None:
        self._parts, self._edge, self._capabilities, self._tally = parts, edge, capabilities, tally
        self._coming: Generation | None = None
        self._leaving: list[Generation] = []
        self._retirements: set[asyncio.Task[None]] = set()
        self._past_web_restarts = 0
        self._past_codec_restarts: Counter[str] = Counter()
        self._past_written_bytes = 0
        self.current: Generation | None = None

    async def advance(self, settings: tree.Settings) -> None:
        """Put *settings* into force; on failure or cancelling everything stays as it was.

        Raises:
            StartError: a child cannot be started.
        """
        old = self.current
        with ExitStack() as undoing:
            recent_fd = self._parts.recent_fd(settings)
            undoing.callback(os.close, recent_fd)
            shared = self._fitting(settings)
            codecs = shared or self._parts.codecs(settings.codec)
            outfit = self._outfit(settings, codecs, recent_fd)
            fleet = Fleet(outfit, settings.server.workers, codecs.slots, self._tally)
            self._coming = Generation(settings, codecs, fleet, recent_fd)
            try:
                if shared is None:
                    await codecs.start()
                await fleet.start()
            except BaseException:
                if shared is None:
                    await codecs.stop(0)
                raise
            finally:
                self._coming = None
            undoing.pop_all()
        self.current = Generation(settings, codecs, fleet, recent_fd)
        if old is not None:
            self._leaving.append(old)
            retirement = asyncio.create_task(self._retire(old), name="retirement")
            self._retirements.add(retirement)
            retirement.add_done_callback(self._retirements.discard)

    async def report(self, within_s: float) -> None:
        """Bring the tally up to date."""
        await asyncio.gather(*(each.fleet.report(within_s) for each in self._all()))

    def web_workers(self) -> list[WebWorker]:
        """Every one that may hold something, also those that finish their last requests; the newest fleet's first."""
        return [worker for each in self._all() for worker in each.fleet.workers]

    async def stop(self, within_s: float) -> None:
        """Stop listening, drain every web worker, then end the codec processes."""
        everyone = list(self._all())
        for each in everyone:
            each.fleet.keep_no_more()  # before the socket goes: nobody may be started without one
        self._edge.close()
        for retirement in self._retirements:
            retirement.cancel()
        await asyncio.gather(*self._retirements, return_exceptions=True)
        cut_off = await asyncio.gather(*(each.fleet.drain(within_s * DRAIN_RATIO) for each in everyone))
        if sum(cut_off):
            log("Web workers were killed before they had finished.", level="warning", web_workers=sum(cut_off))
        for each in everyone:
            os.close(each.recent_fd)
        pools = {id(each.codecs): each.codecs for each in everyone}
        grace_s = min(_POOL_GRACE_S, within_s * (1 - DRAIN_RATIO) / 2)
        await asyncio.gather(*(codecs.stop(grace_s) for codecs in pools.values()))

    async def end(self) -> None:
        """End every child at once, whatever else is going on."""
        everyone = [*self._all(), *([self._coming] if self._coming else [])]
        await asyncio.gather(*(each.fleet.drain(0) for each in everyone), *(each.codecs.stop(0) for each in everyone))

    @property
    def accepting(self) -> int:
        """Web workers that accept requests."""
        return self.current.fleet.accepting if self.current is not None else 0

    @property
    def web_restarts(self) -> int:
        return self._past_web_restarts + sum(each.fleet.restarts for each in self._all())

    @property
    def codec_restarts(self) -> Mapping[str, int]:
        restarts = self._past_codec_restarts.copy()
        for codecs in self._pools():
            restarts.update(codecs.restarts)
        return restarts

    @property
    def codec_processes(self) -> int:
        return sum(codecs.processes for codecs in self._pools())

    @property
    def queue_s(self) -> float:
        """Predicted seconds of work waiting for a codec process."""
        return sum(codecs.queue_s for codecs in self._pools())

    @property
    def written_bytes(self) -> int:
        """Bytes ever written to the disk tier."""
        return self._past_written_bytes + sum(codecs.written_bytes for codecs in self._pools())

    async def _retire(self, old: Generation) -> None:
        # The whole of it, not only a share: nothing else has to fit into that time.
        cut_off = await old.fleet.drain(old.settings.server.shutdown_s)
        log("Replaced web workers have ended.", level="warning" if cut_off else "info", killed=cut_off)
        written_bytes = 0
        restarts: Mapping[str, int] = {}
        if not any(each.codecs is old.codecs for each in self._all() if each is not old):
            written_bytes, restarts = old.codecs.written_bytes, old.codecs.restarts
            await old.codecs.stop(_POOL_GRACE_S)
        self._leaving.remove(old)
        os.close(old.recent_fd)
        self._past_web_restarts += old.fleet.restarts
        self._past_codec_restarts.update(restarts)
        self._past_written_bytes += written_bytes

    def _fitting(self, settings: tree.Settings) -> Codecs | None:
        """The codec processes in force, if they are the ones *settings* wants and their board has room."""
        old = self.current
        if old is None or not same_pool(old.settings.codec, settings.codec):
            return None
        return old.codecs if old.codecs.slots.free >= settings.server.workers else None

    def _outfit(self, settings: tree.Settings, codecs: Codecs, recent_fd: int) -> Outfit:
        start = {
            "settings": self._parts.web_settings(settings),
            "capabilities": self._capabilities,
            "drain_s": settings.server.shutdown_s * DRAIN_RATIO * 0.9,
        }
        return Outfit(
            command=self._parts.web_command,
            edge_fd=self._edge.fileno(),
            board_fd=codecs.board_fd,
            epochs_fd=self._parts.epochs_fd,
            presence_fd=self._parts.presence_fd,
            queue_fd=codecs.queue_fd,
            recent_fd=recent_fd,
            writer_fd=self._parts.writer_fd,
            start=json.dumps(start).encode(),
        )

    def _all(self) -> Iterator[Generation]:
        if self.current is not None:
            yield self.current
        yield from self._leaving

    def _pools(self) -> Iterator[Codecs]:
        return iter({id(each.codecs): each.codecs for each in self._all()}.values())
