"""The supervisor's pool: processes are replaced when they die, whyever, and go when it goes."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from proxy.codec.board import CODEC_SLOTS, Board
from proxy.codec.pool import PROGRAM, CodecPool
from proxy.core.model import ImageLimits
from proxy.errors import CodecDeadline, CodecLost
from proxy.ports import Job

StartNode = Callable[..., Awaitable[Any]]
ROOT = Path(__file__).resolve().parents[2]


async def test_a_pool_is_ready_once_every_process_is(start_node: StartNode) -> None:
    node = await start_node(3)
    statistics = node.pool.statistics()
    assert (statistics.places, statistics.ready, statistics.busy) == (3, 3, 0)
    assert len({node.pid(place) for place in range(3)}) == 3


async def test_a_process_is_recycled_after_its_jobs_and_nobody_notices(start_node: StartNode) -> None:
    node = await start_node(1, jobs_per_process=3)
    pids = [await node.render(b"pid") for _ in range(7)]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3, 1]
    assert node.pool.statistics().deaths == {"recycled": 2}
    await node.until_done(7)


async def test_the_processes_of_a_pool_retire_at_different_times(start_node: StartNode) -> None:
    node = await start_node(2, jobs_per_process=4)
    for _ in range(10):
        await node.render(b"pid")
        await node.until(lambda: node.pool.statistics().ready >= 1)
        assert node.pool.statistics().ready >= 1


async def test_a_process_that_used_up_its_memory_makes_room_for_a_new_one(start_node: StartNode) -> None:
    node = await start_node(1)
    before = node.pid()
    await asyncio.gather(node.render(b"gobble"), return_exceptions=True)
    await node.until(lambda: node.pool.statistics().deaths == {"recycled": 1})
    await node.until(node.pool.ready)
    assert node.pid() != before


async def test_an_idle_process_that_is_killed_is_replaced(node: Any) -> None:
    before = node.pid()
    os.kill(before, signal.SIGKILL)
    await node.until(lambda: node.pool.statistics().deaths == {"killed": 1})
    await node.until(node.pool.ready)
    assert node.pid() != before
    assert await node.render(b"next") == b"made of next"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_to_everyone_does_not_end_a_codec_process(node: Any, number: signal.Signals) -> None:
    before = node.pid()
    os.kill(before, number)
    assert await node.render(b"pid") == str(before).encode()


async def test_a_stopped_process_is_overdue_too(start_node: StartNode) -> None:
    node = await start_node(1, deadline_s=0.3)
    job = node.begin(b"hold")
    await node.until_busy()
    os.kill(node.pid(), signal.SIGSTOP)
    with pytest.raises(CodecDeadline):
        await job


async def test_a_process_ends_its_own_job_should_the_supervisor_not(
    start_node: StartNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CodecPool, "_check", lambda *_: None)
    node = await start_node(1, deadline_s=0.1)
    with pytest.raises(CodecDeadline):
        await node.render(b"hang")
    assert node.pool.statistics().deaths == {"deadline": 1}


async def test_processes_that_die_at_their_start_are_started_with_growing_pauses() -> None:
    board = Board.create()
    program = (sys.executable, "-c", "raise SystemExit(3)")
    pool = CodecPool(1, board, deadline_s=1, memory_bytes=1 << 28, jobs_per_process=1, program=program)
    await pool.start()
    async with asyncio.timeout(10):
        while pool.statistics().deaths.get("crashed", 0) < 2:
            await asyncio.sleep(0.02)
    assert not pool.ready()
    assert pool._places[0].backoff_s >= 0.2
    await pool.stop(0)
    board.close()


async def test_a_program_that_cannot_be_started_is_tried_again() -> None:
    board = Board.create()
    pool = CodecPool(1, board, deadline_s=1, memory_bytes=1 << 28, jobs_per_process=1, program=("/nonexistent",))
    await pool.start()
    assert pool._places[0].restart is not None
    await pool.stop(0)
    board.close()


async def test_stopping_lets_running_and_waiting_jobs_finish(start_node: StartNode) -> None:
    node = await start_node(1)
    running = node.begin(b"hold")
    await node.until_busy()
    waiting = node.begin(b"waits")
    await node.until_waiting()
    stopping = asyncio.create_task(node.pool.stop(10))
    await asyncio.sleep(0)
    node.release()
    assert await asyncio.gather(running, waiting) == [b"made of hold", b"made of waits"]
    await stopping
    assert node.pool.statistics().deaths == {"recycled": 1}


async def test_stopping_ends_after_its_grace_whatever_runs(start_node: StartNode) -> None:
    node = await start_node(2)
    running = node.begin(b"hang")
    await node.until_busy()
    began_s = asyncio.get_running_loop().time()
    await node.pool.stop(0.2)
    assert 0.2 <= asyncio.get_running_loop().time() - began_s < 10
    with pytest.raises(CodecLost):
        await running


async def test_a_second_stop_hurries_the_first(start_node: StartNode) -> None:
    node = await start_node(1)
    node.begin(b"hang")
    await node.until_busy()
    patient = asyncio.create_task(node.pool.stop(60))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await node.pool.stop(0)
        await patient


async def test_a_pool_that_was_never_started_can_be_stopped() -> None:
    board = Board.create()
    await CodecPool(1, board, deadline_s=1, memory_bytes=1 << 28, jobs_per_process=1).stop(0)
    board.close()


async def test_waiting_time_lost_with_a_killed_process_is_forgotten(node: Any) -> None:
    node.board.web(9).submit(5_000_000)  # as if its ticket had gone down with a process that had not said so
    assert node.board.waiting_s() == 5
    await node.until(lambda: node.board.waiting_s() == 0)


async def test_waiting_time_is_not_forgotten_while_something_waits(node: Any) -> None:
    running, waiting = node.begin(b"hold"), node.begin(b"waits")
    await node.until_waiting()
    waiting_s = node.board.waiting_s()
    for _ in range(10):
        node.pool._settle()
    assert node.board.waiting_s() == waiting_s
    node.release()
    await asyncio.gather(running, waiting)


@pytest.mark.parametrize("places", [0, CODEC_SLOTS + 1])
def test_places_have_bounds(places: int) -> None:
    board = Board.create()
    with pytest.raises(ValueError, match="places"):
        CodecPool(places, board, deadline_s=1, memory_bytes=1, jobs_per_process=1)
    board.close()


SUPERVISOR = """
import asyncio, sys
from proxy.codec.board import Board
from proxy.codec.pool import CodecPool
async def main():
    board = Board.create()
    pool = CodecPool(2, board, deadline_s=0.5, memory_bytes=1 << 30, jobs_per_process=9, program=sys.argv[1:])
    await pool.start()
    while not pool.ready():
        await asyncio.sleep(0.01)
    print(*(board.codec(place).pid for place in range(2)), flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_codec_processes_end_when_the_supervisor_is_killed() -> None:
    program = [
        sys.executable,
        "-c",
        SUPERVISOR,
        sys.executable,
        "-P",
        "-s",
        str(Path(__file__).with_name("fake_codec.py")),
    ]
    with subprocess.Popen(program, stdout=subprocess.PIPE, cwd=ROOT) as supervisor:
        assert supervisor.stdout is not None
        handles = [os.pidfd_open(int(pid)) for pid in supervisor.stdout.readline().split()]
        assert len(handles) == 2
        supervisor.kill()
    for handle in handles:
        assert select.select([handle], [], [], 5)[0], "a codec process outlived its supervisor"
        os.close(handle)


@pytest.mark.parametrize(("side_px", "frames"), [(2500, 1), (1000, 3)], ids=["a picture", "an animation"])
async def test_a_real_avif_encode_of_noise_is_stopped_at_its_deadline(
    side_px: int, frames: int, start_node: StartNode
) -> None:
    pyvips = pytest.importorskip("pyvips")
    band = pyvips.Image.gaussnoise(side_px, side_px * frames, mean=128, sigma=60).cast("uchar")
    noise = band.bandjoin([band, band]).copy(interpretation="srgb")
    if frames > 1:
        noise.set_type(pyvips.GValue.gint_type, "page-height", side_px)
        source = noise.webpsave_buffer(lossless=True, effort=0)
    else:
        source = noise.pngsave_buffer(compression=0)
    node = await start_node(1, deadline_s=0.8, program=PROGRAM)  # half of what is predicted would be refused at once
    client = node.client()
    traits = await client.probe(source, ImageLimits())
    assert traits.frame.frames == frames
    job = Job(plan_text="imageMogr2/format/avif", format="avif", limits=ImageLimits())
    loop = asyncio.get_running_loop()
    started: list[float] = []
    with pytest.raises(CodecDeadline):
        await client.render(source, traits, job, on_started=lambda: started.append(loop.time()))
    assert 0.8 <= loop.time() - started[0] < 5
    await node.until(node.pool.ready)
    assert (await client.probe(source, ImageLimits())) == traits


def test_neither_supervisor_nor_web_worker_loads_the_pixels() -> None:
    program = "import sys, proxy.codec.pool, proxy.codec.client; print(sorted({'pyvips', 'PIL'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, cwd=ROOT)
    assert said.stdout.strip() == b"[]"
