"""What a web worker gets from the pool, whatever becomes of the process that does its job."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from proxy.codec import cost, transport
from proxy.core.model import Frame, ImageLimits, Traits
from proxy.errors import (
    CodecDeadline,
    CodecLost,
    DecoderCrashed,
    ImageResolutionExceed,
    InternalError,
    InvalidArgument,
    InvalidImageFormat,
    MogrError,
    Overloaded,
)
from proxy.ports import Codec, Job

StartNode = Callable[..., Awaitable[Any]]


async def test_a_picture_is_probed_and_rendered(node: Any) -> None:
    client: Codec = node.client()
    traits = await client.probe(b"picture", ImageLimits())
    assert traits == Traits(format="png", frame=Frame(width_px=4, height_px=2, alpha=True), size_bytes=7)
    rendered = await client.render(b"picture", traits, node.job)
    assert (rendered.body, rendered.format, rendered.original) == (b"made of picture", "webp", False)
    assert list(rendered.timings_s) == ["queue", "decode", "encode"]


async def test_large_bodies_go_and_come_whole(node: Any) -> None:
    assert await node.render(b"large 3000000" + b" " * 3_000_000) == b"x" * 3_000_000


async def test_the_other_pictures_of_a_job_arrive_in_order(node: Any) -> None:
    inputs = (b"first", b"", b"third" * 200_000)
    made = await node.client().render(b"inputs", node.traits, replace(node.job, inputs=inputs))
    assert made.body == b"|".join(inputs)


async def test_the_original_comes_back_without_travelling(node: Any) -> None:
    rendered = await node.client().render(b"original", node.traits, node.job)
    assert (rendered.body, rendered.format, rendered.original) == (b"original", "png", True)


async def test_many_jobs_of_two_web_workers_are_all_done(start_node: StartNode) -> None:
    node = await start_node(2)
    bodies = [f"{number}".encode() for number in range(200)]
    made = await asyncio.gather(*(node.render(body, slot=number % 2) for number, body in enumerate(bodies)))
    assert made == [b"made of " + body for body in bodies]
    assert node.board.waiting_s() == 0
    await node.until_done(200)


async def test_two_places_work_at_the_same_time(start_node: StartNode) -> None:
    node = await start_node(2)
    first, second = node.begin(b"hold"), node.begin(b"hold", slot=1)
    await node.until_busy(2)
    node.release(0)
    node.release(1)
    assert await asyncio.gather(first, second) == [b"made of hold"] * 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"refuse", InvalidArgument),
        (b"bug", InternalError),
        (b"nothing", InternalError),
        (b"gobble", InvalidImageFormat),
        (b"starve", DecoderCrashed),
        (b"exit 0", DecoderCrashed),
        (b"exit 1", DecoderCrashed),
        *((f"die {number:d}".encode(), DecoderCrashed) for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGSYS)),
        (f"die {signal.SIGKILL:d}".encode(), CodecLost),
        (f"die {signal.SIGALRM:d}".encode(), CodecDeadline),
    ],
    ids=str,
)
async def test_a_job_that_fails_costs_itself_and_says_so(
    start_node: StartNode, body: bytes, expected: type[MogrError]
) -> None:
    node = await start_node(2)
    other = node.begin(b"hold", slot=1)
    await node.until_busy()
    with pytest.raises(MogrError) as raised:
        await node.render(body)
    assert type(raised.value) is expected
    assert "secret" not in raised.value.public
    await node.until(node.pool.ready)
    if expected is not CodecLost:  # which kills the process that takes the job over, too
        for place in range(2):
            if node.board.codec(place).work:
                node.release(place)
        assert await other == b"made of hold"
    assert await node.render(b"next") == b"made of next"


async def test_an_argument_error_keeps_its_words(node: Any) -> None:
    with pytest.raises(InvalidArgument) as raised:
        await node.render(b"refuse")
    error = raised.value
    assert (str(error), error.public, error.errno) == ("private detail", "thumbnail: no.", -7)


async def test_a_job_past_its_deadline_costs_its_process(start_node: StartNode) -> None:
    node = await start_node(1, deadline_s=0.3)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    with pytest.raises(CodecDeadline):
        await node.render(b"hang")
    assert 0.3 <= loop.time() - began_s < 10
    assert await node.render(b"next") == b"made of next"
    assert node.pool.statistics().deaths == {"deadline": 1}


@pytest.mark.parametrize("kept", [False, True], ids=["alone", "beside somebody who takes the core"])
async def test_a_job_that_others_kept_from_a_core_is_not_to_blame(start_node: StartNode, kept: bool) -> None:
    node = await start_node(1, deadline_s=1.5, nice=19)
    core = {min(os.sched_getaffinity(0))}
    os.sched_setaffinity(node.pid(), core)
    spin = f"import os; os.sched_setaffinity(0, {core}); print(flush=True)\nwhile True: pass"
    with contextlib.ExitStack() as stack:
        if kept:
            other = stack.enter_context(subprocess.Popen([sys.executable, "-c", spin], stdout=subprocess.PIPE))
            stack.callback(other.kill)
            assert other.stdout is not None
            await asyncio.to_thread(other.stdout.readline)
        with pytest.raises(Overloaded if kept else CodecDeadline):
            await node.render(b"compute")
    await node.until(lambda: node.pool.statistics().deaths == {"starved" if kept else "deadline": 1})


async def test_a_job_whose_process_is_killed_from_outside_is_tried_once_more(start_node: StartNode) -> None:
    node = await start_node(2)
    started: list[int] = []
    job = asyncio.create_task(
        node.client().render(b"hold", node.traits, node.job, on_started=lambda: started.append(1))
    )
    for attempt in (1, 2):
        await node.until(lambda attempt=attempt: len(started) == attempt)
        victim = next(place for place in range(2) if node.board.codec(place).work)
        os.kill(node.pid(victim), signal.SIGKILL)
        await node.until(lambda attempt=attempt: node.pool.statistics().deaths == {"killed": attempt})
    with pytest.raises(CodecLost):
        await job


async def test_the_second_attempt_may_succeed(start_node: StartNode) -> None:
    node = await start_node(2)
    job = node.begin(b"hold")
    await node.until_busy()
    victim = next(place for place in range(2) if node.board.codec(place).work)
    os.kill(node.pid(victim), signal.SIGKILL)
    await node.until(lambda: node.pool.statistics().deaths)
    await node.until_busy()
    place = next(place for place in range(2) if node.board.codec(place).work)
    node.release(place)
    assert await job == b"made of hold"


async def test_more_work_than_may_wait_is_refused_at_once(node: Any) -> None:
    running = node.begin(b"hold")
    await node.until_busy()
    waiting = node.begin(b"waits", queue_s=0)  # nothing waits yet, so it may, whatever it costs
    await node.until_waiting()
    node.board.web(5).submit(6_500_000)
    with pytest.raises(Overloaded) as raised:
        await node.render(b"one too many", queue_s=5)
    assert raised.value.retry_after_s == 7
    assert not running.done()
    node.release()
    assert await asyncio.gather(running, waiting) == [b"made of hold", b"made of waits"]


async def test_what_may_wait_grows_with_the_places(start_node: StartNode) -> None:
    node = await start_node(2)
    node.board.web(5).submit(9_000_000)
    assert await node.render(b"picture", queue_s=5) == b"made of picture"


async def test_a_full_kernel_queue_refuses_too(node: Any) -> None:
    with pytest.raises(BlockingIOError):
        running = node.begin(b"hold")
        await node.until_busy()
        while True:
            transport.send(node.pool.queue_sender, b"no ticket")
    with pytest.raises(Overloaded):
        await node.render(b"one too many")
    node.release()
    assert await running == b"made of hold"
    await node.until(node.pool._queue_is_empty)
    assert await node.render(b"next") == b"made of next"


async def test_running_out_of_descriptors_refuses_too(node: Any) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        with pytest.raises(Overloaded):
            await node.client().probe(b"picture", ImageLimits())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert await node.render(b"picture") == b"made of picture"


async def test_a_job_cancelled_while_it_waits_is_dropped_unseen(node: Any) -> None:
    running = node.begin(b"hold")
    await node.until_busy()
    waiting = node.begin(b"hang")
    await node.until_waiting()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    node.release()
    assert await running == b"made of hold"
    assert await node.render(b"next") == b"made of next"
    await node.until_done(2)
    assert node.board.waiting_s() == 0


async def test_a_job_cancelled_under_way_is_finished_unseen(node: Any) -> None:
    running = await node.started(b"hold")
    pid = node.pid()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    node.release()
    assert await node.render(b"pid") == str(pid).encode()
    await node.until_done(2)


async def test_the_service_hears_when_a_job_starts(node: Any) -> None:
    running = node.begin(b"hold")
    await node.until_busy()
    started = asyncio.Event()
    waiting = asyncio.create_task(node.client().render(b"hold", node.traits, node.job, on_started=started.set))
    await node.until_waiting()
    assert not started.is_set()
    node.release()
    await running
    await asyncio.wait_for(started.wait(), 5)
    assert not waiting.done()
    node.release()
    await waiting


async def test_waiting_ends_even_where_predictions_are_wrong(node: Any) -> None:
    running = node.begin(b"hold")
    await node.until_busy()
    node.deadline_s = 0.1  # the client's idea of it alone
    with pytest.raises(Overloaded, match="not started"):
        await node.render(b"picture", queue_s=0.05)
    node.release()
    assert await running == b"made of hold"


async def test_with_the_pool_gone_jobs_fail_at_once(start_node: StartNode) -> None:
    node = await start_node(1)
    sender = node.pool.queue_sender.dup()
    client = node.client()
    client._queue = sender
    running = node.begin(b"hold")
    await node.until_busy()
    waiting = asyncio.create_task(client.render(b"waits", node.traits, node.job))
    await node.until_waiting()
    await node.pool.stop(0)
    for job in (running, waiting):
        with pytest.raises(CodecLost):
            await job
    with pytest.raises(CodecLost):
        await client.render(b"late", node.traits, node.job)
    sender.close()


async def test_an_unexplained_end_counts_as_killed(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.codec.client._VERDICT_S", 0.05)
    monkeypatch.setattr("proxy.codec.board.CodecSlot.death_of", lambda self, sequence: None)
    with pytest.raises(CodecLost):
        await node.render(b"die 11")


async def test_nothing_is_left_open_whatever_happens(start_node: StartNode) -> None:
    node = await start_node(1)
    await node.render(b"picture")

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    for body in (b"picture", b"large 500000", b"refuse", b"die 11", b"nothing", b" " * 500_000):
        await asyncio.gather(node.render(body), return_exceptions=True)
        await node.until(node.pool.ready)
    for body in (b"hold", b"hold" + b" " * 500_000):
        cancelled = await node.started(body)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        node.release()
        await node.until(lambda: node.pool.statistics().busy == 0)
    early = node.begin(b" " * 500_000)
    await asyncio.sleep(0)
    early.cancel()
    await asyncio.gather(early, return_exceptions=True)
    await node.until(lambda: descriptors() == before)


PHOTO = Traits(format="jpeg", frame=Frame(width_px=6000, height_px=4000))


@pytest.mark.parametrize(
    ("plan_text", "format_", "cpu_s"),
    [
        ("imageMogr2/thumbnail/800x", "jpeg", 0.24),
        ("imageMogr2/thumbnail/800x", "avif", 0.3),
        ("imageMogr2", "webp", 2.6),
    ],
)
def test_cost_follows_pixels_and_format(plan_text: str, format_: str, cpu_s: float) -> None:
    """Within a factor of two of what was measured for a photograph of 24 megapixels."""
    job = Job(plan_text=plan_text, format=format_, limits=ImageLimits())
    assert cpu_s / 2 < cost.render_s(PHOTO, job) < cpu_s * 2


async def test_what_measuring_refuses_takes_no_place(node: Any) -> None:
    job = Job(plan_text="imageMogr2/thumbnail/9000x9000!", format="webp", limits=ImageLimits(max_pixels=1000))
    with pytest.raises(ImageResolutionExceed):
        await node.client().render(b"picture", node.traits, job)
    assert node.pool.statistics().jobs == 0


async def test_a_bucket_that_floods_does_not_hold_up_another(node: Any) -> None:
    client = node.client(queue_s=1000)
    running = node.begin(b"hold")
    await node.until_busy()
    done: list[str] = []

    async def job(bucket: str) -> None:
        await client.render(b"picture", node.traits, node.job, bucket=bucket)
        done.append(bucket)

    jobs = [asyncio.create_task(job(bucket)) for bucket in [*["flood"] * 30, "quiet"]]
    await node.until(lambda: node.board.waiting_s() > 30 * cost.render_s(node.traits, node.job))
    node.release()
    await asyncio.gather(running, *jobs)
    assert done.index("quiet") <= 3
    assert node.board.waiting_s() == 0


async def test_where_no_more_may_wait_who_waits_for_most_makes_room(node: Any) -> None:
    running = node.begin(b"hold")
    await node.until_busy()
    client, large = node.client(queue_s=5), Traits(format="png", frame=Frame(width_px=9000, height_px=9000))
    flood = [asyncio.create_task(client.render(b"picture", large, node.job, bucket="flood")) for _ in range(3)]
    await node.until(lambda: node.board.waiting_s() > 5)
    refused = await asyncio.gather(client.render(b"x", large, node.job, bucket="flood"), return_exceptions=True)
    assert isinstance(refused[0], Overloaded)
    waiting_s = node.board.waiting_s()
    quiet = asyncio.create_task(client.render(b"quiet", node.traits, node.job, bucket="quiet"))
    await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
    assert [type(task.exception()) if task.done() else None for task in flood] == [None, None, Overloaded]
    assert node.board.waiting_s() < waiting_s
    node.release()
    assert (await quiet).body == b"made of quiet"
    await asyncio.gather(running, *flood[:2])
    assert node.board.waiting_s() == 0


async def test_what_nobody_waits_for_is_refused_where_much_waits(node: Any) -> None:
    running = node.begin(b"hold")
    await node.until_busy()
    client, large = node.client(queue_s=5), Traits(format="png", frame=Frame(width_px=9000, height_px=9000))
    waits = [asyncio.create_task(client.render(b"picture", large, node.job)) for _ in range(3)]
    await node.until(lambda: node.board.waiting_s() > 5)
    with pytest.raises(Overloaded):
        await client.render(b"x", node.traits, node.job, background=True)
    node.release()
    await asyncio.gather(running, *waits)
    assert (await client.render(b"x", node.traits, node.job, background=True)).body == b"made of x"
    assert node.board.waiting_s() == 0


async def test_a_job_cancelled_before_its_turn_leaves_nothing(node: Any) -> None:
    client = node.client()
    running = node.begin(b"hold")
    await node.until_busy()
    jobs = [asyncio.create_task(client.render(b"picture", node.traits, node.job)) for _ in range(3)]
    await node.until(lambda: node.board.waiting_s() > 2.5 * cost.render_s(node.traits, node.job))
    for job in jobs[1:]:
        job.cancel()
    await asyncio.gather(*jobs[1:], return_exceptions=True)
    assert node.board.waiting_s() == pytest.approx(cost.render_s(node.traits, node.job), abs=1e-4)
    node.release()
    await asyncio.gather(running, jobs[0])
    await node.until_done(2)
