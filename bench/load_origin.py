"""The origin of ``bench/load.py``, a process of its own: photographs of usual sizes, objects to pass through, and faults.

    /hot/<width>/<n>.jpg  /library/<width>/<n>.jpg  /new/<width>/<n>.jpg   a photograph of that width, another ETag for each
    /film.bin                                                             1.5 MB of no known type
    /fault/<name>/<n>.jpg                                                 what the name says (``load_mix.FAULTS``)

Every tenth hot object lives for ten seconds and may be served stale meanwhile.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from multiprocessing.connection import Connection

import pyvips
import uvloop
from load_mix import FILM, FILM_BYTES, WIDTHS_PX
from running import ROOT

_PHOTOGRAPHS = ("canyon.jpg", "walrus.jpg", "mars.jpg", "bartender.jpg")
_CUT_BYTES = 20_000


def photographs() -> dict[str, list[bytes]]:
    """Some by width."""
    return {
        str(width_px): [
            pyvips.Image.new_from_file(str(ROOT / "photos" / name)).thumbnail_image(width_px).jpegsave_buffer(Q=82)
            for name in _PHOTOGRAPHS
        ]
        for width_px in WIDTHS_PX
    }


class Origin:
    def __init__(self) -> None:
        self._photographs = photographs()
        self._film = random.Random(1).randbytes(FILM_BYTES)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"), reader, writer):
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        path = head.split(" ", 2)[1].partition("?")[0]
        if path.startswith("/fault/"):
            return await self._fail(path.split("/")[2], reader, writer)
        body, kind, lifetime = self._film, "application/octet-stream", "max-age=3600"
        if path != FILM:
            _, shelf, width, name = path.split("/")
            number = int(name.partition(".")[0])
            body, kind = self._photographs[width][number % len(_PHOTOGRAPHS)], "image/jpeg"
            if shelf == "hot" and number % 10 == 9:
                lifetime = "max-age=10, stale-while-revalidate=60"
        etag = f'"{path.replace("/", "-")}"'
        common = f"ETag: {etag}\r\nCache-Control: {lifetime}\r\nLast-Modified: Sat, 21 Nov 2026 09:00:00 GMT\r\n"
        if f"if-none-match: {etag}".lower() in head.lower():
            writer.write(f"HTTP/1.1 304 Not Modified\r\n{common}\r\n".encode())
            return True
        writer.writelines(
            (f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{common}\r\n".encode(), body)
        )
        return True

    async def _fail(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        match name:
            case "500" | "503":
                text = b"<html>out of order</html>"
                writer.write(f"HTTP/1.1 {name} X\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
                return True
            case "cut":
                body = self._photographs["800"][0]
                writer.write(
                    f"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                )
                writer.write(body[:_CUT_BYTES])
                await writer.drain()
            case "reset":
                sock: socket.socket = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            case "stall":
                await reader.read()  # until the other side has had enough
        return False


async def _serve(told: Connection) -> None:
    server = await asyncio.start_server(Origin().converse, "127.0.0.1", 0, backlog=1024)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def serve(told: Connection) -> None:
    """Serve on a free port, which *told* is sent, until the process is ended."""
    uvloop.run(_serve(told))
