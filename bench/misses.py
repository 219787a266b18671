"""What mogr itself adds to a picture made anew: the time of a request, less that of the fetch and of the codec.

    .venv/bin/python bench/misses.py
    .venv/bin/python bench/misses.py --concurrency 16 --requests 800 --rounds 3

Every request is for another object of an HTTP origin (a process of its own, on loopback) and so costs a fetch, a decoding and
an encoding.  Fetch, waiting for a codec process and its work are what ``Server-Timing`` says; the rest is the framework: reading the request,
negotiation, passing bytes on to a codec process and back, the answer, and the client's own part of it.  With as many requests at
a time as cores and more, that rest includes waiting for a core; ``--concurrency 1`` shows it without.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pyvips
from running import ROOT, server

PICTURE_PX = 800
TARGET = "imageMogr2/thumbnail/400x/format/webp"
_PARTS = re.compile(r"(\w+);dur=([0-9.]+)")
_OF_CODEC = frozenset({"queue", "decode", "paint", "encode"})


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
def origin() -> Iterator[str]:
    """Its URL."""
    with subprocess.Popen([sys.executable, __file__, "--serve-origin"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.terminate()


async def ask(port: int, paths: Iterator[str], overheads_ms: list[float], parts_ms: list[tuple[float, float]]) -> None:
    """Ask for one of *paths* after the other, over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    clock = asyncio.get_running_loop().time
    for path in paths:
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


async def measured(port: int, numbers: Iterator[int], requests: int, concurrency: int) -> str:
    paths = iter([f"/{next(numbers)}.jpg?{TARGET}" for _ in range(requests)])
    overheads_ms: list[float] = []
    parts_ms: list[tuple[float, float]] = []
    await asyncio.gather(*(ask(port, paths, overheads_ms, parts_ms) for _ in range(concurrency)))
    fetch_ms, codec_ms = (statistics.median(each) for each in zip(*parts_ms, strict=True))
    tenths = statistics.quantiles(overheads_ms, n=10)
    return (
        f"{requests} misses, {concurrency} at a time: framework {statistics.median(overheads_ms):.2f} ms "
        f"(a tenth below {tenths[0]:.2f}, a tenth above {tenths[-1]:.2f}); fetch {fetch_ms:.2f}, codec with its queue {codec_ms:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--requests", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--codecs", type=int, default=2)
    parser.add_argument("--serve-origin", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve_origin:
        picture = pyvips.Image.thumbnail(str(Path(ROOT, "photos", "canyon.jpg")), PICTURE_PX)
        asyncio.run(serve_origin(picture.jpegsave_buffer(Q=85)))
        return
    numbers = count()
    with origin() as url, server(workers=1, codecs=given.codecs, store=url, timing=True) as (address, _):
        port = int(address.rpartition(":")[2])
        asyncio.run(measured(port, numbers, 50, given.concurrency))  # warm
        for _ in range(given.rounds):
            for concurrency in dict.fromkeys((1, given.concurrency)):
                print(asyncio.run(measured(port, numbers, given.requests, concurrency)), flush=True)


if __name__ == "__main__":
    main()
