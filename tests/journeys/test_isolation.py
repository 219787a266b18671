"""What a picture, or a process that dies, costs everybody else: two hundred others are asking, and none of them is failed."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import httpx
import pytest
from pictures import encoded, jpeg
from PIL import Image
from servers.mogr import Mogr
from servers.origin import FaultyOrigin, Request

Start = Callable[..., Mogr]
OTHERS = 200
SLOW = "/slow.jpg?imageMogr2/format/avif"
LEAST_MEMORY_BYTES = 268_435_456
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def noise(width_px: int, height_px: int) -> bytes:
    return encoded(
        Image.frombytes("RGB", (width_px, height_px), os.urandom(3 * width_px * height_px)), "JPEG", quality=95
    )


def worked_s(pid: int) -> float:
    """Seconds of CPU that *pid* has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def busy(server: Mogr, *, after_s: float = 0.1) -> int:
    """The codec process that works, when one has used *after_s* of CPU: more than getting ready may still take the others."""
    before = {pid: worked_s(pid) for pid in server.codec_pids()}
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s:
        time.sleep(0.02)
        for pid, so_far_s in before.items():
            if worked_s(pid) > so_far_s + after_s:
                return pid
    raise AssertionError("no codec process works")


class Others:
    """Two hundred requests at once, each for a picture of its own; use as a context manager."""

    def __init__(self, server: Mogr) -> None:
        self._server = server
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask()))
        self.statuses: list[int | str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def wait_for(self, answered: int) -> None:
        until_s = time.monotonic() + 40
        while len(self.statuses) < answered:
            assert time.monotonic() < until_s, "the others are not answered"
            time.sleep(0.005)

    async def _ask(self) -> None:
        limits = httpx.Limits(max_connections=OTHERS)
        async with httpx.AsyncClient(trust_env=False, timeout=55, limits=limits) as client:

            async def one(width_px: int) -> None:
                url = f"{self._server.url}/cat.jpg?imageMogr2/thumbnail/{width_px}x/format/webp"
                try:
                    self.statuses.append((await client.get(url)).status_code)
                except httpx.HTTPError as error:
                    self.statuses.append(type(error).__name__)

            await asyncio.gather(*(one(40 + number) for number in range(OTHERS)))


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(signal.SIGSEGV, 400, id="its decoder crashes"),
        pytest.param(signal.SIGABRT, 400, id="its decoder gives up"),
        pytest.param(signal.SIGKILL, 200, id="killed from outside, and done again"),
    ],
)
def test_a_codec_process_that_dies_costs_its_own_request_and_no_other(
    number: signal.Signals, expected: int, start: Start
) -> None:
    settings = {
        "server": {"workers": 2},
        "codec": {"workers": 3, "deadline_s": 300},
        "buckets": {"test-1250000000": {"error_ttl_s": 300}},
    }
    server = start(settings, {"slow.jpg": noise(3500, 2300), "cat.jpg": jpeg()})
    server.get("/slow.jpg?imageMogr2/thumbnail/10x")  # known and fetched: what follows is the encoding alone
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.get, SLOW)
        victim = busy(server, after_s=0.5)
        os.kill(victim, signal.SIGSTOP)  # or it might be done before the others are under way
        with Others(server) as others:
            others.wait_for(5)
            os.kill(victim, number)
            os.kill(victim, signal.SIGCONT)
        answer = asked.result()
    assert others.statuses == [200] * OTHERS
    assert answer.status_code == expected
    assert victim not in server.codec_pids()
    lost = server.metric("mogr_codec_restarts_total")
    assert lost == 1
    if expected == 400:
        assert "<Code>InvalidImageFormat</Code>" in answer.text
        again = [server.get(SLOW).status_code, server.get("/slow.jpg?imageMogr2/thumbnail/11x").status_code]
        assert again == [400, 400], "the verdict is on this version of the source"
        assert server.metric("mogr_codec_restarts_total") == lost, "and costs no second process"


@pytest.mark.timeout(120)
def test_a_picture_that_takes_more_memory_than_there_is_costs_its_own_request_and_no_other(start: Start) -> None:
    flat = encoded(Image.new("RGB", (12_000, 9000), (10, 200, 30)), "PNG")
    settings = {"server": {"workers": 2}, "codec": {"workers": 3, "memory_bytes": LEAST_MEMORY_BYTES}}
    server = start(settings, {"large.png": flat, "cat.jpg": jpeg()})
    large = "/large.png?imageMogr2/rotate/45|imageMogr2/thumbnail/100x"
    with Others(server) as others, ThreadPoolExecutor(3) as pool:
        others.wait_for(5)
        answers = list(pool.map(lambda number: server.get(large.replace("45", str(45 + number))), range(3)))
    assert others.statuses == [200] * OTHERS
    assert [answer.status_code for answer in answers] == [400] * 3
    assert all("<Code>InvalidImageFormat</Code>" in answer.text for answer in answers)
    assert server.get("/cat.jpg?imageMogr2/thumbnail/33x").status_code == 200


@pytest.mark.timeout(120)
def test_a_picture_past_its_deadline_costs_its_own_request_and_no_other(start: Start) -> None:
    settings = {"server": {"workers": 2}, "codec": {"workers": 3, "deadline_s": 1.0}}
    server = start(settings, {"slow.jpg": noise(3500, 2300), "cat.jpg": jpeg()})
    server.get("/slow.jpg?imageMogr2/thumbnail/10x")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.get, SLOW)
        # It hangs: one that others keep from a core is not to blame for its time (tests/codec/test_client.py).
        os.kill(busy(server), signal.SIGSTOP)
        with Others(server) as others:
            answer = asked.result()
    assert others.statuses == [200] * OTHERS
    assert (answer.status_code, answer.headers["x-errno"]) == (504, "-901")
    assert server.metric('mogr_codec_restarts_total{reason="deadline"}') == 1


def test_codec_processes_are_the_nodes_whatever_the_number_of_web_workers(start: Start) -> None:
    server = start({"server": {"workers": 3}, "codec": {"workers": 2}}, {"cat.jpg": jpeg()})
    before = sorted(server.codec_pids())
    assert (len(server.web_pids()), len(before)) == (3, 2)
    with Others(server) as others:
        others.wait_for(50)
        assert len(server.codec_pids()) == 2, "under load too"
    assert others.statuses == [200] * OTHERS
    assert sorted(server.codec_pids()) == before
    assert server.metric("mogr_codec_processes") == 2


def connections_of(pid: int, port: int) -> int:
    """How many connections to *port* the process has accepted."""
    accepted = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].partition(":")[2], 16) == port and fields[3] == "01":
            accepted.add(f"socket:[{fields[9]}]")
    held = [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.exists() or entry.is_symlink()]
    return sum(link in accepted for link in held)


@pytest.mark.timeout(120)
def test_a_web_worker_that_dies_loses_its_own_requests_and_no_other(start: Start) -> None:
    body, asked = jpeg(), 60
    with FaultyOrigin() as origin:
        opened = threading.Event()

        async def wait(_: Request, writer: asyncio.StreamWriter) -> bool:
            while not opened.is_set():
                await asyncio.sleep(0.01)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: image/jpeg\r\n\r\n" % len(body) + body
            )
            return True

        for number in range(asked):
            origin.answer(f"/{number}.jpg", wait)
        bucket = {"store": origin.url("/"), "allow_private": True}
        settings = {"server": {"workers": 3}, "codec": {"workers": 2}, "buckets": {"test-1250000000": bucket}}
        server = start(settings)
        before = sorted(server.codec_pids())

        def ask(number: int) -> int | str:
            try:
                return server.get(f"/{number}.jpg?imageMogr2/thumbnail/50x").status_code
            except httpx.TransportError as error:
                return type(error).__name__

        with ThreadPoolExecutor(asked) as pool:
            answers = [pool.submit(ask, number) for number in range(asked)]
            until_s = time.monotonic() + 50
            while len(origin.requests) < asked and time.monotonic() < until_s:
                time.sleep(0.02)
            assert len(origin.requests) == asked
            of_each = {pid: connections_of(pid, server.port) for pid in server.web_pids()}
            assert sum(of_each.values()) == asked, of_each
            victim = max(of_each, key=lambda pid: (of_each[pid] < asked, of_each[pid]))
            os.kill(victim, signal.SIGKILL)
            opened.set()
            found = [answer.result() for answer in answers]
        assert found.count(200) == asked - of_each[victim]
        assert all(isinstance(each, str) for each in found if each != 200), found
        assert sorted(server.codec_pids()) == before, "no codec process went with it"
        until_s = time.monotonic() + 15
        while len(server.web_pids()) < 3 and time.monotonic() < until_s:
            time.sleep(0.02)
        assert server.get("/1.jpg?imageMogr2/thumbnail/51x").status_code == 200
