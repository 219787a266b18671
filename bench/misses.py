"""What mogr itself adds to a picture made anew: the time of a request, less that of the fetch and of the codec.

    .venv/bin/python bench/misses.py
    .venv/bin/python bench/misses.py --concurrency 16 --requests 800 --rounds 3
    .venv/bin/python bench/misses.py --codecs 1 --per-s 20

Every request is for another object of an HTTP origin (a process of its own, on loopback) and so costs a fetch, a decoding and
an encoding.  What ``Server-Timing`` says is subtracted: the fetch, and of codec processes reading the header (``probe``, from
asking to the answer), the queue (from asking until one has begun) and its decoding, painting and encoding.  Nothing else is.
The rest is called the framework: reading the request, negotiation, looking on disk, bringing the result back from a codec
process, the answer, and the client's own part of it, waiting for a core included.

Wall-clock time depends on who else wants the cores: client, origin and codec processes do.  So it is also said, for each miss,
what the kernel counted of each of them (``/proc/PID/task/*/schedstat``): milliseconds that it ran, and milliseconds that it
could have run but another had the core.  The former hardly depends on the machine's other work.  Together they say how many
misses a second the cores have room for; asked for as many at a time as come (no ``--per-s``), the slowest is always
saturated, ``--per-s`` asks for fewer.  ``--concurrency 1`` shows the framework without company.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import process_tree
import pyvips
from running import ROOT, server
from scheduling import Shares, main_thread, runs, shares

PICTURE_PX = 800
TARGET = "imageMogr2/thumbnail/400x/format/webp"
_PARTS = re.compile(r"(\w+);dur=([0-9.]+)")
_OF_CODEC = frozenset({"probe", "queue", "decode", "paint", "encode"})


async def serve_origin(body: bytes) -> None:
    """Answer every GET on a free port, which is printed, with *body*."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n"
            'ETag: "one"\r\nCache-Control: max-age=3600\r\n\r\n'
        ).encode()
        while await reader.readuntil(b"\r\n\r\n"):
            writer.writelines((head, body))
            await writer.drain()

    async def until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    running = await asyncio.start_server(until_closed, "127.0.0.1", 0)
    print(running.sockets[0].getsockname()[1], flush=True)
    await running.serve_forever()


@contextmanager
def origin() -> Iterator[tuple[str, int]]:
    """Its URL and process id."""
    with subprocess.Popen([sys.executable, __file__, "--serve-origin"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/", process.pid
        finally:
            process.terminate()


class Processes:
    """Who takes part, by role."""

    def __init__(self, supervisor: int, origin_pid: int) -> None:
        below = process_tree.members(supervisor)
        self.web = [pid for pid in below if runs(pid, "proxy.worker")]
        writer = [pid for pid in below if runs(pid, "proxy.caches.writer")]
        self.roles = {"web": self.web, "writer": writer, "origin": [origin_pid], "client": [os.getpid()]}
        self.supervisor = supervisor

    def shares(self) -> dict[str, Shares]:
        found = {role: shares(pids) for role, pids in self.roles.items()}
        found["web's event loop"] = sum(map(main_thread, self.web), Shares())
        return found

    def codecs_ran_ms(self) -> float:
        """Of codec processes and the supervisor; those that were recycled count, which a look at the living would miss."""
        others = shares(self.web + self.roles["writer"])
        return 1000 * process_tree.cpu_s(self.supervisor) - others.ran_ms


async def ask(
    port: int, paths: Iterator[tuple[float, str]], overheads_ms: list[float], parts_ms: list[tuple[float, float]]
) -> None:
    """Ask for one of *paths* after the other, each not before its time, over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    clock = asyncio.get_running_loop().time
    for at_s, path in paths:
        await asyncio.sleep(at_s - clock())
        started_s = clock()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: image/webp,*/*\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        await reader.readexactly(int(head.partition("content-length: ")[2].split("\r\n")[0]))
        took_ms = 1000 * (clock() - started_s)
        if not head.startswith("http/1.1 200") or "fwd=miss" not in head:
            sys.exit(f"no miss:\n{head}")
        told_ms = dict(_PARTS.findall(head.partition("server-timing: ")[2].split("\r\n")[0]))
        fetch_ms = float(told_ms["fetch"])
        codec_ms = sum(float(told_ms[name]) for name in _OF_CODEC & told_ms.keys())
        overheads_ms.append(took_ms - fetch_ms - codec_ms)
        parts_ms.append((fetch_ms, codec_ms))
    writer.close()


async def measured(
    port: int, numbers: Iterator[int], requests: int, concurrency: int, processes: Processes, per_s: float = math.inf
) -> str:
    begun_s = asyncio.get_running_loop().time()
    paths = iter([(begun_s + i / per_s, f"/{next(numbers)}.jpg?{TARGET}") for i in range(requests)])
    overheads_ms: list[float] = []
    parts_ms: list[tuple[float, float]] = []
    before, codecs_ms = processes.shares(), processes.codecs_ran_ms()
    await asyncio.gather(*(ask(port, paths, overheads_ms, parts_ms) for _ in range(concurrency)))
    took_s = asyncio.get_running_loop().time() - begun_s
    each = {role: now.since(before[role], requests) for role, now in processes.shares().items()}
    codecs_ms = (processes.codecs_ran_ms() - codecs_ms) / requests
    fetch_ms, codec_ms = (statistics.median(part) for part in zip(*parts_ms, strict=True))
    tenths = statistics.quantiles(overheads_ms, n=10)
    return (
        f"{requests} misses, {concurrency} at a time, {requests / took_s:.1f} a second: "
        f"framework {statistics.median(overheads_ms):.2f} ms "
        f"(a tenth below {tenths[0]:.2f}, a tenth above {tenths[-1]:.2f}); fetch {fetch_ms:.2f}, codec with its queue {codec_ms:.2f}\n"
        f"    a miss ran (and waited for a core) ms: codecs {codecs_ms:.1f}, "
        + ", ".join(f"{role} {share.ran_ms:.2f} ({share.waited_ms:.2f})" for role, share in each.items())
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--requests", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--codecs", type=int, default=2)
    parser.add_argument("--per-s", type=float, default=math.inf, help="ask for no more than this")
    parser.add_argument("--serve-origin", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve_origin:
        picture = pyvips.Image.thumbnail(str(Path(ROOT, "photos", "canyon.jpg")), PICTURE_PX)
        asyncio.run(serve_origin(picture.jpegsave_buffer(Q=85)))
        return
    numbers = count()
    with (
        origin() as (url, origin_pid),
        server(workers=1, codecs=given.codecs, store=url, timing=True) as (address, supervisor),
    ):
        port = int(address.rpartition(":")[2])
        processes = Processes(supervisor, origin_pid)
        asyncio.run(measured(port, numbers, 50, 8, processes))  # warm
        for _ in range(given.rounds):
            for concurrency in given.concurrency:
                said = measured(port, numbers, given.requests, concurrency, processes, given.per_s)
                print(asyncio.run(said), flush=True)


if __name__ == "__main__":
    main()
