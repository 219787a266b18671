"""TPG in the real pool: FFmpeg goes with its job, whoever ends that, and a pool without a launcher knows no TPG."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pictures import jpeg

from proxy.codec import avs2
from proxy.codec.pool import PROGRAM
from proxy.core.model import ImageLimits
from proxy.errors import CodecDeadline, CodecLost, InternalError, InvalidImageFormat
from proxy.ports import Job

StartNode = Callable[..., Awaitable[Any]]
PATIENCE_S = 20.0
LIMITS = ImageLimits()
TO_TPG = Job(plan_text="imageMogr2/quality/90!", format="tpg", limits=LIMITS)
with_ffmpeg = pytest.mark.skipif(avs2.program() is None, reason="needs imageio-ffmpeg: pip install mogr[tpg]")


def noise(side_px: int) -> bytes:
    pyvips = pytest.importorskip("pyvips")
    band = pyvips.Image.gaussnoise(side_px, side_px, mean=128, sigma=60).cast("uchar")
    return bytes(band.bandjoin([band, band]).copy(interpretation="srgb").pngsave_buffer(compression=0))


class Launched:
    """``avs2.launch``, remembering what it started."""

    def __init__(self) -> None:
        self.helpers: list[subprocess.Popen[bytes]] = []

    def __call__(self) -> tuple[subprocess.Popen[bytes], avs2.Ends] | None:
        launched = avs2.launch()
        assert launched is not None
        self.helpers.append(launched[0])
        return launched

    def ffmpegs(self) -> list[int]:
        """Those at work."""
        found = []
        for helper in self.helpers:
            with suppress(OSError):
                children = Path(f"/proc/{helper.pid}/task/{helper.pid}/children").read_text().split()
                found += [int(pid) for pid in children if os.readlink(f"/proc/{pid}/exe") == str(avs2.program())]
        return found


async def gone(pidfd: int) -> bool:
    return bool((await asyncio.to_thread(select.select, [pidfd], [], [], PATIENCE_S))[0])


@with_ffmpeg
async def test_the_deadline_ends_ffmpeg_as_well(start_node: StartNode) -> None:
    launch = Launched()
    node = await start_node(1, deadline_s=4.0, program=PROGRAM, launch=launch)
    client, source = node.client(), noise(1000)
    traits = await client.probe(source, LIMITS)
    rendering = asyncio.create_task(client.render(source, traits, TO_TPG))
    await node.until(launch.ffmpegs)
    (ffmpeg,) = launch.ffmpegs()
    os.kill(
        ffmpeg, signal.SIGSTOP
    )  # it cannot be done in time, however fast the machine; and is not idle for long enough
    handles = [os.pidfd_open(pid) for pid in (ffmpeg, launch.helpers[0].pid)]
    with pytest.raises(CodecDeadline):
        await rendering
    assert node.pool.statistics().deaths == {"deadline": 1}
    assert [await gone(handle) for handle in handles] == [True, True]
    assert await node.client().probe(source, LIMITS) == traits
    assert len(launch.helpers) == 2


@with_ffmpeg
@pytest.mark.parametrize("whom", ["ffmpeg", "launcher"])
async def test_what_is_killed_from_outside_is_made_again(start_node: StartNode, whom: str) -> None:
    launch = Launched()
    node = await start_node(1, program=PROGRAM, launch=launch)
    client, source = node.client(), noise(1200)
    traits = await client.probe(source, LIMITS)
    rendering = asyncio.create_task(client.render(source, traits, TO_TPG))
    await node.until(launch.ffmpegs)
    (ffmpeg,) = launch.ffmpegs()
    os.kill(ffmpeg if whom == "ffmpeg" else launch.helpers[0].pid, signal.SIGKILL)
    made = await rendering
    assert (await node.client().probe(made.body, LIMITS)).format == "tpg"
    assert node.pool.statistics().deaths == {"killed": 1}


@with_ffmpeg
async def test_a_stopped_pool_leaves_nothing_behind(start_node: StartNode) -> None:
    launch = Launched()
    node = await start_node(2, program=PROGRAM, launch=launch)
    client, source = node.client(), noise(2500)
    traits = await client.probe(source, LIMITS)
    rendering = asyncio.create_task(client.render(source, traits, TO_TPG))
    await node.until(launch.ffmpegs)
    handles = [os.pidfd_open(pid) for pid in launch.ffmpegs()]
    await node.pool.stop(0)
    with pytest.raises((CodecLost, InternalError)):  # the latter where it was to be tried again
        await rendering
    assert [helper.returncode is not None for helper in launch.helpers] == [True, True]
    assert [await gone(handle) for handle in handles] == [True]


async def test_a_pool_without_launchers_neither_reads_nor_writes_it(start_node: StartNode) -> None:
    node = await start_node(1, program=PROGRAM)
    source = jpeg(64, 48)
    traits = await node.client().probe(source, LIMITS)
    with pytest.raises(InvalidImageFormat):
        await node.client().render(source, traits, TO_TPG)
    with pytest.raises(InvalidImageFormat):
        await node.client().probe(b"TPG AVS2B\x00\x00\x01\xb9\x00\x0a\x14\0\0\0\x40\0\0\x40", LIMITS)
