"""A server of its own for a benchmark: `mogr serve` from this checkout, on free ports, with a cache that starts empty."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
CONFIGURATION = """
[server]
port = {port}
workers = {workers}
server_timing = {timing}
[admin]
port = {admin_port}
[cache.memory]
max_bytes = {memory_bytes}
[cache.disk]
path = "cache"
max_bytes = {disk_bytes}
[codec]
workers = {codecs}
queue_s = {queue_s}
[buckets."bench-1250000000"]
default = true
store = "{store}"
allow_private = true
pass_through = {passing}
"""


@contextlib.contextmanager
def server(
    *,
    workers: int,
    codecs: int,
    memory_bytes: int = 1 << 28,
    store: str = f"file:{ROOT / 'photos'}",
    timing: bool = False,
    passing: bool = False,
    disk_bytes: int = 10 << 30,
    queue_s: float = 600,
    log: Path | None = None,
) -> Iterator[tuple[str, int]]:
    """A server with a cache of its own: its address and process id.

    *memory_bytes* and *disk_bytes*: of those tiers; *passing*: whether what is no picture operation goes to *store*;
    *log*: where what it says is left.
    """
    port, admin_port = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="mogr-bench-") as folder:
        config = Path(folder, "bench.toml")
        config.write_text(
            CONFIGURATION.format(
                port=port,
                admin_port=admin_port,
                workers=workers,
                codecs=codecs,
                store=store,
                timing=str(timing).lower(),
                passing=str(passing).lower(),
                memory_bytes=memory_bytes,
                disk_bytes=disk_bytes,
                queue_s=queue_s,
            )
        )
        log = log or Path(folder, "log")
        command = [sys.executable, "-m", "proxy", "serve", "--config", str(config)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MOGR_")}
        with (
            log.open("wb") as sink,
            subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=sink, env=environment) as process,
        ):
            try:
                wait_until_ready(f"http://127.0.0.1:{admin_port}/readyz", process, log)
                yield f"http://127.0.0.1:{port}", process.pid
            finally:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)
                process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).status_code == 200:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    sys.exit(f"the server does not come up:\n{log.read_text()}")
