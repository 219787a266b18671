"""A loopback HTTP origin made of raw sockets, with every fault an origin can have.

It runs in a thread of its own, so that synchronous tests, asynchronous tests and whole server processes can use it::

    with FaultyOrigin() as origin:
        origin.put("/a.jpg", body, headers={"Cache-Control": "max-age=60"})
        origin.answer("/slow.jpg", drip(body, pause_s=0.2))
        ... origin.url("/a.jpg") ... origin.count("/a.jpg")
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import socket
import threading
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from typing import Self


@dataclass(frozen=True)
class Request:
    """What arrived; header names are lower-case."""

    method: str
    target: str
    headers: Mapping[str, str]
    lines: tuple[tuple[str, str], ...] = ()
    """The header section as it came."""
    body: bytes = b""


Behaviour = Callable[[Request, asyncio.StreamWriter], Awaitable[bool | None]]
"""Writes one answer; returning True keeps the connection open for the next request."""


def head_of(status: int, headers: Mapping[str, str | int]) -> bytes:
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def status(code: int, body: bytes = b"", **headers: str) -> Behaviour:
    """One status; header names are written with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return raw(head_of(code, {"Content-Length": len(body), **named}) + body, keep=True)


def redirect(location: str, code: int = 302) -> Behaviour:
    return status(code, Location=location)


def raw(data: bytes, *, keep: bool = False) -> Behaviour:
    """Exactly these bytes; then the connection closes unless *keep*."""

    async def behave(_: Request, writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        return keep

    return behave


def sequence(*behaviours: Behaviour) -> Behaviour:
    """One after the other, the last one for ever."""
    left = list(behaviours)

    async def behave(request: Request, writer: asyncio.StreamWriter) -> bool | None:
        return await (left.pop(0) if len(left) > 1 else left[0])(request, writer)

    return behave


def drip(body: bytes, *, pause_s: float, head_too: bool = False) -> Behaviour:
    """One byte at a time; *head_too* drips the header section as well."""

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        head = head_of(200, {"Content-Length": len(body)})
        writer.write(b"" if head_too else head)
        for byte in head + body if head_too else body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(pause_s)

    return behave


def endless(chunk: bytes = b"\0" * 65536, *, status_code: int = 200) -> Behaviour:
    """A body without a length that never ends."""

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head_of(status_code, {"Content-Type": "image/jpeg"}))
        while True:
            writer.write(chunk)
            await writer.drain()

    return behave


def informational_flood() -> Behaviour:
    """``100 Continue`` for ever."""

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
            await writer.drain()
            await asyncio.sleep(0.001)

    return behave


def stall() -> Behaviour:
    """Accept the request and never say anything."""

    async def behave(_: Request, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    return behave


def wrong_length(body: bytes, declared_bytes: int, *, keep: bool = False) -> Behaviour:
    """A Content-Length that is not the body's: shorter leaves a surplus, longer cuts the body off."""
    return raw(head_of(200, {"Content-Length": declared_bytes, "Content-Type": "image/jpeg"}) + body, keep=keep)


def chunked(*chunks: bytes, finished: bool = True, code: int = 200, **headers: str) -> Behaviour:
    """A chunked body; unless *finished* the connection closes before the last chunk."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    tail = b"0\r\n\r\n" if finished else b""
    return raw(head_of(code, {"Transfer-Encoding": "chunked", **named}) + body + tail, keep=finished)


def gzip_bomb(plain_bytes: int = 64 * 1024 * 1024) -> Behaviour:
    """A small body that says ``Content-Encoding: gzip`` and would unpack to *plain_bytes* zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"\0" * 1_048_576
    packed = b"".join(packer.compress(block) for _ in range(plain_bytes // len(block))) + packer.flush()
    return status(200, packed, Content_Encoding="gzip", Content_Type="image/svg+xml")


def big_header(size_bytes: int = 1_048_576) -> Behaviour:
    return raw(head_of(200, {"Content-Length": 2, "X-Big": "x" * size_bytes}) + b"ok")


@dataclass
class Stored:
    """An object served as RFC 9110 wants: validators, conditions, one range, HEAD."""

    body: bytes
    media_type: str = "image/jpeg"
    etag: str | None = None
    last_modified_s: int | None = 1_700_000_000
    headers: Mapping[str, str] = field(default_factory=dict)

    async def __call__(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        etag = self.etag if self.etag is not None else f'"{hashlib.md5(self.body).hexdigest()}"'
        fields: dict[str, str | int] = {"Content-Type": self.media_type, "Accept-Ranges": "bytes", **self.headers}
        fields |= {"ETag": etag} if etag else {}
        fields |= {"Last-Modified": formatdate(self.last_modified_s, usegmt=True)} if self.last_modified_s else {}
        if self._unchanged(request, etag):
            writer.write(head_of(304, fields))
            return True
        first, last, code = 0, len(self.body) - 1, 200
        if found := re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", "")):
            first = int(found[1]) if found[1] else max(0, len(self.body) - int(found[2]))
            last = min(last, int(found[2])) if found[1] and found[2] else last
            code = 206 if first <= last else 416
            fields["Content-Range"] = f"bytes {f'{first}-{last}' if code == 206 else '*'}/{len(self.body)}"
        part = self.body[first : last + 1] if code != 416 else b""
        writer.write(head_of(code, {**fields, "Content-Length": len(part)}))
        writer.write(b"" if request.method == "HEAD" else part)
        return True

    def _unchanged(self, request: Request, etag: str) -> bool:
        if "if-none-match" in request.headers:
            return bool(etag) and request.headers["if-none-match"] in (etag, "*")
        since = request.headers.get("if-modified-since")
        return bool(since and self.last_modified_s) and parsedate_to_datetime(since).timestamp() >= self.last_modified_s


class FaultyOrigin:
    """An HTTP/1.1 server on 127.0.0.1 whose every path does what it was told; other paths answer 404."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.deaf: set[str] = set()
        """Paths that do not read the body of a request."""
        self._paths: dict[str, Behaviour] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="faulty-origin", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def put(self, path: str, body: bytes, **told: object) -> None:
        """Serve *body* at *path*; *told* are the fields of ``Stored``."""
        self._paths[path] = Stored(body, **told)  # type: ignore[arg-type]

    def answer(self, path: str, behaviour: Behaviour) -> None:
        self._paths[path] = behaviour

    def soon(self, call: Callable[[], object]) -> None:
        """Do *call* on the loop of the behaviours."""
        self._loop.call_soon_threadsafe(call)

    def remove(self, path: str) -> None:
        self._paths.pop(path, None)

    def count(self, path: str | None = None, method: str | None = None) -> int:
        """How many requests arrived, in all or for one path and method."""
        return sum(path in (None, r.target) and method in (None, r.method) for r in list(self.requests))

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def _stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            keep: bool | None = True
            while keep:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = lines[0].split(" ", 2)
                fields = [
                    (name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:] if line)
                ]
                headers = {name.lower(): value for name, value in fields}
                body = b"" if target in self.deaf else await _body(reader, headers)
                request = Request(method, target, headers, tuple(fields), body)
                self.requests.append(request)
                keep = await self._paths.get(target, status(404))(request, writer)
                await writer.drain()
        writer.close()


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


@contextlib.contextmanager
def unaccepting_port() -> Iterator[int]:
    """A port whose queue of connections is full: connecting to it hangs until the client gives up."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
