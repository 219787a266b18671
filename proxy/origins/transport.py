"""httpx's transport over a ``pool`` of connections that are made by ``dialer`` and watched by ``framing``.

httpx's own transport offers no way to choose the network backend of its pool; this one is that transport, reduced to
HTTP/1.1 without proxies.  Errors of httpcore pass as they are: ``http`` translates them with those of httpx.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from functools import cache, partial

import httpcore
import httpx

from proxy.origins.dialer import GuardedBackend
from proxy.origins.framing import FramedStream, Unanswered
from proxy.origins.informational import listening
from proxy.origins.pool import ConnectionPool
from proxy.settings import Origins


@cache
def tls_context() -> ssl.SSLContext:
    """What certificates are checked against: certifi's authorities and those that OpenSSL finds on the system."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def timeouts_s(settings: Origins) -> dict[str, float]:
    """What a request's extension ``timeout`` says, which ``GuardedTransport`` asks for."""
    read_s = settings.read_timeout_s
    return {"connect": settings.connect_timeout_s, "read": read_s, "write": read_s, "pool": read_s}


class GuardedTransport(httpx.AsyncBaseTransport):
    """A pool of checked connections."""

    def __init__(self, backend: GuardedBackend, *, max_connections: int) -> None:
        self._pool = ConnectionPool(backend, tls_context(), max_connections=max_connections)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* and wait for the header section of its final answer.

        The extension ``informational``, if there is one, is told of interim answers as they come.

        Raises:
            Unanswered: that answer was sent before it was asked for.
        """
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        origin = asked.url.origin
        connection = await self._pool.take(origin, request.extensions["timeout"]["pool"])
        try:
            with listening(request.extensions.get("informational")):
                answer = await connection.handle_async_request(asked)
        except BaseException:
            await self._pool.give_back(connection, origin)
            raise
        stream: FramedStream = answer.extensions["network_stream"]
        give_back = partial(self._pool.give_back, connection, origin)
        body = _Body(answer, stream, _declared_bytes(request.method, answer), give_back)
        if not stream.head_seen:
            stream.retire()
            await body.aclose()
            raise Unanswered("an answer to no request")
        return httpx.Response(
            answer.status, headers=answer.headers, stream=body, extensions=answer.extensions, request=request
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    """The raw body; at its end the connection is retired if more was received than belongs to the response."""

    def __init__(
        self,
        answer: httpcore.Response,
        stream: FramedStream,
        declared_bytes: int | None,
        give_back: Callable[[], Awaitable[None]],
    ) -> None:
        self._answer = answer
        self._stream = stream
        self._declared_bytes = declared_bytes
        self._give_back: Callable[[], Awaitable[None]] | None = give_back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._answer.stream, AsyncIterable)
        try:
            async for chunk in self._answer.stream:
                yield chunk
        except BaseException:
            await self.aclose()
            raise
        if not self._stream.ends_with(self._declared_bytes):
            self._stream.retire()

    async def aclose(self) -> None:
        """Give the connection back, which is closed unless the body was read to its end; the first call counts."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            try:
                await self._answer.aclose()
            finally:
                await give_back()


def _declared_bytes(method: str, answer: httpcore.Response) -> int | None:
    """The length of the body by RFC 9112 §6.3; None if chunked, or ended by closing (then nothing is reused)."""
    if method == "HEAD" or answer.status in (204, 304):
        return 0
    fields = {name.lower(): value for name, value in answer.headers}
    if b"transfer-encoding" in fields:
        return None
    length = fields.get(b"content-length", b"")
    return int(length) if length.isdigit() else None
