"""Does memory stay where it is: thousands of mixed requests, and the resident size of every process on the way.

    .venv/bin/python bench/soak.py --requests 20000

Hits, new pictures of many sizes, operations and formats, reports, objects, ranges, conditions, errors, hostile queries and clients
that leave early, against a real server with a small memory tier, so that it is full early and what grows is not the cache.
Prints the resident size by kind of process (supervisor, web, codec: the largest of each) every thousandth part and, at the
end, its ratio to that after the first tenth.  Codec processes are replaced every 500 pictures, as by default.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections import Counter
from pathlib import Path

import httpx
from process_tree import members
from running import ROOT, server

NAMES = sorted(path.name for path in (ROOT / "photos").iterdir() if path.suffix in (".jpg", ".png", ".gif"))
ACCEPTS = (None, "image/avif,image/webp,*/*", "image/webp,*/*;q=0.8", "*/*", "image/png")
FORMATS = ("jpg", "webp", "png", "gif", "avif", "auto", "tiff", "bmp")
STAGES = (
    "thumbnail/{w}x", "thumbnail/x{w}", "thumbnail/{w}x{h}!", "crop/{w}x{h}/gravity/center", "cut/{w}x{h}x3x5", "rotate/90",
    "thumbnail/{w}x/blur/3x2", "thumbnail/{w}x/sharpen/70", "iradius/60", "thumbnail/{w}x/grayscale/1", "auto-orient/strip",
)  # fmt: skip


def request(rng: random.Random) -> tuple[str, str, dict[str, str]]:
    """Method, target and fields of one request."""
    name, dice = rng.choice(NAMES), rng.random()
    size = {"w": rng.randrange(16, 320), "h": rng.randrange(16, 320)}
    accept = rng.choice(ACCEPTS)
    fields = {} if accept is None else {"accept": accept}
    if dice < 0.45:  # from few enough that they repeat
        return "GET", f"/{name}?imageMogr2/thumbnail/{rng.randrange(1, 5) * 60}x/format/webp", fields
    if dice < 0.70:
        stage = rng.choice(STAGES).format(**size)
        return "GET", f"/{name}?imageMogr2/{stage}|imageMogr2/thumbnail/200x/format/{rng.choice(FORMATS)}", fields
    if dice < 0.75:
        return "GET", f"/{name}?{rng.choice(('imageInfo', 'exif', 'imageAve', 'blurhash'))}", fields
    if dice < 0.80:
        return "GET", f"/{name}", fields
    if dice < 0.85:
        return "GET", f"/{name}", {**fields, "range": f"bytes={rng.randrange(1000)}-{rng.randrange(1000, 30000)}"}
    if dice < 0.90:
        return "HEAD", f"/{name}?imageMogr2/thumbnail/{size['w']}x", fields
    if dice < 0.95:
        return "GET", f"/missing-{rng.randrange(10**6)}.jpg?imageMogr2/thumbnail/80x", fields
    return "GET", f"/{name}?imageMogr2/thumbnail/{rng.randbytes(20).hex()}/{rng.randrange(10**9)}", fields


async def soak(base: str, pid: int, *, requests: int, seed: int, connections: int) -> None:
    rng, statuses, done = random.Random(seed), Counter[int | str](), 0
    every = max(1, requests // 20)
    levels: dict[int, dict[str, int]] = {}

    async def one(client: httpx.AsyncClient) -> None:
        nonlocal done
        while done < requests:
            done += 1
            number = done
            if number % every == 0 or number == requests // 10:
                levels[number] = await asyncio.to_thread(resident_kb, pid)
                said = (f"{kind} {kb / 1024:6.1f} MB" for kind, kb in levels[number].items())
                print(f"{number:7}  {'  '.join(said)}", flush=True)
            method, target, fields = request(rng)
            impatient = rng.random() < 0.02
            try:
                async with asyncio.timeout(0.01 if impatient else 120):
                    statuses[(await client.request(method, target, headers=fields)).status_code] += 1
            except TimeoutError:
                statuses["left"] += 1

    async with httpx.AsyncClient(base_url=base, timeout=None, trust_env=False) as client:
        await asyncio.gather(*(one(client) for _ in range(connections)))
    await asyncio.sleep(1)
    first, last = levels[requests // 10], await asyncio.to_thread(resident_kb, pid)
    print(f"answers: {dict(sorted(statuses.items(), key=str))}")
    for kind, kb in last.items():
        print(
            f"{kind:10} {first[kind] / 1024:6.1f} -> {kb / 1024:6.1f} MB, {kb / first[kind]:.3f} of the level after a tenth"
        )


def resident_kb(root: int) -> dict[str, int]:
    """The largest resident size by kind of process below *root*."""
    found: dict[str, int] = {}
    for pid in members(root):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        kind = "codec" if b"proxy.codec.worker" in command else "web" if b"proxy.worker" in command else "supervisor"
        size_kb = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0)
        found[kind] = max(found.get(kind, 0), size_kb)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Mixed requests, and the memory of every process.")
    parser.add_argument("--requests", type=int, default=20_000, help="how many (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of what is asked (default %(default)s)")
    parser.add_argument("--connections", type=int, default=16, help="at once (default %(default)s)")
    given = parser.parse_args()
    with server(workers=1, codecs=2, memory_bytes=8 << 20) as (base, pid):
        asyncio.run(soak(base, pid, requests=given.requests, seed=given.seed, connections=given.connections))


if __name__ == "__main__":
    main()
