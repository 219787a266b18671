"""A pool of real processes, with pixels that do as they are told, and clients of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proxy.codec.board import Board
from proxy.codec.client import PoolCodec
from proxy.codec.pool import CodecPool
from proxy.codec.process import Launch
from proxy.core.model import Frame, ImageLimits, Traits
from proxy.ports import Job

FAKE = (sys.executable, "-P", "-s", str(Path(__file__).with_name("fake_codec.py")))
TRAITS = Traits(format="png", frame=Frame(width_px=40, height_px=20))
JOB = Job(plan_text="imageMogr2/thumbnail/20x", format="webp", limits=ImageLimits())
PATIENCE_S = 10.0


@dataclass
class Node:
    """One pool and its board."""

    pool: CodecPool
    board: Board
    deadline_s: float
    places: int
    tasks: list[asyncio.Task[bytes]] = field(default_factory=list)
    traits: Traits = TRAITS
    job: Job = JOB

    def client(self, slot: int = 0, *, queue_s: float = 10.0) -> PoolCodec:
        return PoolCodec(
            self.pool.queue_sender,
            self.board,
            slot,
            queue_s=queue_s,
            deadline_s=self.deadline_s,
            places=self.places,
        )

    async def render(self, body: bytes, **options: float) -> bytes:
        return (await self.client(**options).render(body, self.traits, self.job)).body

    def begin(self, body: bytes, **options: float) -> asyncio.Task[bytes]:
        """A render in the background."""
        task = asyncio.create_task(self.render(body, **options))
        self.tasks.append(task)
        return task

    async def started(self, body: bytes) -> asyncio.Task[bytes]:
        """A render in the background that a process has taken."""
        started = asyncio.Event()

        async def render() -> bytes:
            return (await self.client().render(body, self.traits, self.job, on_started=started.set)).body

        task = asyncio.create_task(render())
        self.tasks.append(task)
        await asyncio.wait_for(started.wait(), PATIENCE_S)
        return task

    def pid(self, place: int = 0) -> int:
        return self.board.codec(place).pid

    def release(self, place: int = 0) -> None:
        """Let a process that holds a job go on."""
        os.kill(self.pid(place), signal.SIGUSR1)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.01)

    async def until_done(self, jobs: int) -> None:
        """A process counts a job once its answer is sent."""
        await self.until(lambda: self.pool.statistics().jobs >= jobs)
        assert self.pool.statistics().jobs == jobs

    async def until_busy(self, places: int = 1) -> None:
        await self.until(lambda: self.pool.statistics().busy == places)

    async def until_waiting(self) -> None:
        await self.until(lambda: self.board.waiting_s() > 0)


StartNode = Callable[..., Awaitable[Node]]


@pytest.fixture
async def start_node() -> AsyncIterator[StartNode]:
    """``await start_node(places=2)`` is a running pool; it ends with the test, its processes with it."""
    nodes: list[Node] = []

    async def start(
        places: int = 1,
        *,
        deadline_s: float = 20.0,
        memory_bytes: int = 1 << 30,
        jobs_per_process: int = 1000,
        use_jemalloc: bool = True,
        program: tuple[str, ...] = FAKE,
        launch: Launch = lambda: None,
        nice: int = 0,
    ) -> Node:
        board = Board.create()
        pool = CodecPool(
            places,
            board,
            deadline_s=deadline_s,
            memory_bytes=memory_bytes,
            jobs_per_process=jobs_per_process,
            use_jemalloc=use_jemalloc,
            program=program,
            launch=launch,
            nice=nice,
        )
        node = Node(pool, board, deadline_s, places)
        nodes.append(node)
        await pool.start()
        await node.until(pool.ready)
        return node

    yield start
    for node in nodes:
        for task in node.tasks:
            task.cancel()
        await asyncio.gather(*node.tasks, return_exceptions=True)
        await node.pool.stop(0)
        node.board.close()


@pytest.fixture
async def node(start_node: StartNode) -> Node:
    """A pool of one."""
    return await start_node()
