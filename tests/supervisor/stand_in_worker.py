"""A web worker as small as can be: the real control protocol, a toy HTTP server, no pictures.

It says in each answer who it is, can be slow, can crash, and obeys a few wishes in ``settings`` (see ``node_program``).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sys

from proxy.metrics import CountingMeter
from proxy.supervisor.control import ControlClient


async def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("edge", "control", "board", "epochs", "presence", "queue", "recent", "start", "writer"):
        parser.add_argument(f"--{name}-fd", type=int)
    parser.add_argument("--slot", type=int)
    told = parser.parse_args()
    with os.fdopen(told.start_fd, "rb") as start:
        settings = json.loads(start.read())["settings"]
    for fd in (told.board_fd, told.epochs_fd, told.presence_fd, told.queue_fd, told.recent_fd, told.writer_fd):
        os.fstat(fd)
    secret_id = settings["credentials"][0]["secret_id"] if settings["credentials"] else ""
    if secret_id == "crash at start":
        sys.exit(7)
    meter = CountingMeter()
    ending = asyncio.Event()
    open_requests: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_requests.add(asyncio.current_task())
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            path = request.split()[1].decode()
            if path == "/slow":
                await asyncio.sleep(0.6)
            if path == "/never":
                await asyncio.sleep(3600)
            body = json.dumps({"pid": os.getpid(), "slot": told.slot, "marker": secret_id}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            meter.request("object", 200, 0.001, len(body))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            open_requests.discard(asyncio.current_task())
            writer.close()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    edge = socket.socket(fileno=told.edge_fd)
    server = await asyncio.start_server(handle, sock=edge)
    control = ControlClient(told.control_fd, meter.snapshot)
    await control.ready()
    await ending.wait()
    # asyncio drops a connection that it accepted but has not yet handed over when its server closes: stop accepting first.
    asyncio.get_running_loop().remove_reader(edge)
    await asyncio.sleep(0.25)  # as long as proxy.worker: connections just accepted get their handlers
    server.close()
    if open_requests:
        await asyncio.wait(open_requests)
    await control.finish()


asyncio.run(main())
