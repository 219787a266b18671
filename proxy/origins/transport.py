"""httpx's transport over a connection pool whose connections are made by ``dialer`` and watched by ``framing``.

httpx's own transport offers no way to choose the network backend of its pool; this one is that transport, reduced to
HTTP/1.1 without proxies.  Errors of httpcore pass as they are: ``http`` translates them with those of httpx.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator
from functools import cache

import httpcore
import httpx

from proxy.origins.dialer import GuardedBackend
from proxy.origins.framing import FramedStream, Unanswered
from proxy.origins.informational import listening

KEEPALIVE_S = 15.0


@cache
def tls_context() -> ssl.SSLContext:
    """What certificates are checked against: certifi's authorities and those that OpenSSL finds on the system."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


class GuardedTransport(httpx.AsyncBaseTransport):
    """A pool of checked connections."""

    def __init__(self, backend: GuardedBackend, *, max_connections: int) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls_context(),
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=KEEPALIVE_S,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* and wait for the header section of its final answer.

        The extension ``informational``, if there is one, is told of interim answers as they come.

        Raises:
            Unanswered: that answer was sent before it was asked for.
        """
        with listening(request.extensions.get("informational")):
            answer = await self._pool.handle_async_request(
                httpcore.Request(
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
            )
        connection = answer.extensions["network_stream"]
        body = _Body(answer, connection, _declared_bytes(request.method, answer))
        if not connection.head_seen:
            connection.retire()
            await body.aclose()
            raise Unanswered("an answer to no request")
        return httpx.Response(answer.status, headers=answer.headers, stream=body, extensions=answer.extensions)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    """The raw body; at its end the connection is retired if more was received than belongs to the response."""

    def __init__(self, answer: httpcore.Response, connection: FramedStream, declared_bytes: int | None) -> None:
        self._answer = answer
        self._connection = connection
        self._declared_bytes = declared_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._answer.stream, AsyncIterable)
        async for chunk in self._answer.stream:
            yield chunk
        if not self._connection.ends_with(self._declared_bytes):
            self._connection.retire()

    async def aclose(self) -> None:
        await self._answer.aclose()


def _declared_bytes(method: str, answer: httpcore.Response) -> int | None:
    """The length of the body by RFC 9112 §6.3; None if chunked, or ended by closing (then nothing is reused)."""
    if method == "HEAD" or answer.status in (204, 304):
        return 0
    fields = {name.lower(): value for name, value in answer.headers}
    if b"transfer-encoding" in fields:
        return None
    length = fields.get(b"content-length", b"")
    return int(length) if length.isdigit() else None
