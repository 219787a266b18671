"""Requests per second and CPU per request of a real server: answers from memory, plain objects, pictures made anew.

    make bench
    make bench BENCH="--rounds 5 --seconds 5"

CPU is user and system time of the whole process tree (supervisor, web workers, codec processes) over the number of answers,
so it hardly depends on the load generator.  Requests per second do: generator and server share this machine and speak over
loopback.  Rounds alternate between the scenarios and medians are shown, because machines are noisy; compare the ratios of one
run, or two versions run in turn, never two absolute numbers from different days.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
from process_tree import cpu_s
from running import server


@dataclass(frozen=True)
class Sample:
    """One round of one scenario."""

    requests_per_s: float
    cpu_ms: float


@dataclass(frozen=True)
class Scenario:
    """What is asked for in a round, and what Cache-Status must say of every answer (None: it has no such field)."""

    name: str
    paths: Callable[[int], list[str]]
    """By round.  One path is asked for again and again; of several, the first before the clock starts, the others once each."""
    expect: str | None


WIDTHS_PX = range(300, 1300)
"""What misses ask for: evenly spread, shifted by a pixel from round to round, so that all rounds cost the same."""


def scenarios(misses: int) -> list[Scenario]:
    def anew(target: str) -> Callable[[int], list[str]]:
        def paths(round_: int) -> list[str]:
            widths = [WIDTHS_PX[i * len(WIDTHS_PX) // (misses + 1) + round_] for i in range(misses + 1)]
            return [f"/canyon.jpg?imageMogr2/thumbnail/{width}x/format/{target}" for width in widths]

        return paths

    hit = "/canyon.jpg?imageMogr2/thumbnail/640x/format/webp"
    return [
        Scenario("hit, from memory", lambda _: [hit], "hit; detail=memory"),
        Scenario("object, as it is", lambda _: ["/canyon.jpg"], None),
        Scenario("miss, to JPEG", anew("jpg"), "fwd=miss"),
        Scenario("miss, to WebP", anew("webp"), "fwd=miss"),
        Scenario("miss, to AVIF", anew("avif"), "fwd=miss"),
    ]


def measure(base: str, pid: int, scenario: Scenario, *, round_: int, seconds: float, connections: int) -> Sample:
    first, *others = scenario.paths(round_)
    # Warms what a hit needs, and makes sure that the scenario is what it says.
    for _ in range(1 if others else 2):
        answer = httpx.get(base + first, timeout=120, trust_env=False)
    judge(answer, scenario.expect)
    cpu_before_s, started_s = cpu_s(pid), time.perf_counter()
    if others:
        answers = asyncio.run(load(base, iter(others), scenario.expect, connections=4))
    elif shutil.which("wrk"):
        answers = wrk(base + first, seconds=seconds, connections=connections)
    else:
        deadline_s = time.monotonic() + seconds
        same = itertools.takewhile(lambda _: time.monotonic() < deadline_s, itertools.repeat(first))
        answers = asyncio.run(load(base, same, scenario.expect, connections=connections))
    return Sample(answers / (time.perf_counter() - started_s), (cpu_s(pid) - cpu_before_s) * 1000 / answers)


def judge(answer: httpx.Response, expect: str | None) -> None:
    """End the run if *answer* is not what is to be measured."""
    status = answer.headers.get("cache-status", "")
    if answer.status_code != 200 or (expect or "") not in status:
        sys.exit(f"{answer.url} answered {answer.status_code} with Cache-Status {status!r}")


def wrk(url: str, *, seconds: float, connections: int) -> int:
    """How many answers wrk counted; any that is not 2xx ends the run."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    counted = re.search(r"(\d+) requests in", said)
    if counted is None or "Non-2xx" in said or "Socket errors" in said:
        sys.exit(f"wrk met errors:\n{said}")
    return int(counted[1])


async def load(base: str, paths: Iterator[str], expect: str | None, *, connections: int) -> int:
    """Ask for every path, *connections* at a time; how many answers came."""
    done = 0

    async def one(client: httpx.AsyncClient) -> None:
        nonlocal done
        for path in paths:
            judge(await client.get(path), expect)
            done += 1

    async with httpx.AsyncClient(base_url=base, timeout=120, trust_env=False) as client:
        await asyncio.gather(*(one(client) for _ in range(connections)))
    return done


def table(samples: dict[str, list[Sample]]) -> str:
    """Medians, and each scenario's CPU as a multiple of the first one's."""
    lines = [f"{'':18} {'requests/s':>12} {'CPU ms/request':>16} {'x hit':>8} {'spread':>8}"]
    first = statistics.median(sample.cpu_ms for sample in next(iter(samples.values())))
    for name, rounds in samples.items():
        cpu_ms = sorted(sample.cpu_ms for sample in rounds)
        middle = statistics.median(cpu_ms)
        rate = statistics.median(sample.requests_per_s for sample in rounds)
        spread = f"{(cpu_ms[-1] - cpu_ms[0]) / middle:.0%}"
        lines.append(f"{name:18} {rate:12,.1f} {middle:16.3f} {middle / first:8,.1f} {spread:>8}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure a server of this checkout on this machine.")
    parser.add_argument(
        "--rounds", type=int, default=3, help="how often each scenario is measured (default %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=3, help="length of a round of hits (default %(default)s)")
    parser.add_argument("--misses", type=int, default=40, help="pictures made in a round (default %(default)s)")
    parser.add_argument("--connections", type=int, default=16, help="at once, for hits (default %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="web workers (default %(default)s)")
    parser.add_argument("--codecs", type=int, default=2, help="codec processes (default %(default)s)")
    given = parser.parse_args()
    if given.rounds * (given.misses + 1) > len(WIDTHS_PX):
        parser.error(f"rounds times misses may not pass {len(WIDTHS_PX)}: every miss has a width of its own")
    every = scenarios(given.misses)
    samples: dict[str, list[Sample]] = {scenario.name: [] for scenario in every}
    with server(workers=given.workers, codecs=given.codecs) as (base, pid):
        for round_, scenario in itertools.product(range(given.rounds), every):
            sample = measure(base, pid, scenario, round_=round_, seconds=given.seconds, connections=given.connections)
            samples[scenario.name].append(sample)
    generator = "wrk" if shutil.which("wrk") else "httpx"
    print(
        f"{given.workers} web worker(s), {given.codecs} codec process(es), {os.cpu_count()} cores; canyon.jpg, 1600 x 1067;"
    )
    print(
        f"medians of {given.rounds} alternating rounds; {generator} over {given.connections} connections for hits, 4 for misses\n"
    )
    print(table(samples))


if __name__ == "__main__":
    main()
