"""A body on its way from an HTTP origin, and the boundary at which the client library's errors become ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpcore
import httpx

from proxy.errors import InternalError, MogrError, OriginForbidden, OriginTimeout, OriginUnavailable
from proxy.exchanges import Tally
from proxy.ports import ObjectInfo, ObjectStream

# After its first seconds a body must arrive at least this fast on average: an origin cannot hold us with a drip, and a
# large object may still take as long as it needs.  Only time spent waiting for the origin counts.
LEAST_BYTES_PER_S = 65_536

_COUNTERPARTS: dict[type[Exception], type[MogrError]] = {
    httpx.TimeoutException: OriginTimeout,
    httpcore.TimeoutException: OriginTimeout,
    TimeoutError: OriginTimeout,
    httpx.UnsupportedProtocol: OriginForbidden,
    httpcore.UnsupportedProtocol: OriginForbidden,
    httpx.InvalidURL: OriginForbidden,
    httpx.TooManyRedirects: OriginForbidden,
    httpx.HTTPError: OriginUnavailable,
    httpcore.NetworkError: OriginUnavailable,
    httpcore.ProtocolError: OriginUnavailable,
    httpcore.ProxyError: OriginUnavailable,
    httpcore.ConnectionNotAvailable: OriginUnavailable,
    OSError: OriginUnavailable,
    # Mistakes in using the library, not answers of an origin.
    httpx.StreamError: InternalError,
    httpx.CookieConflict: InternalError,
}


def counterpart(kind: type[BaseException]) -> type[MogrError] | None:
    """Our class for an exception of httpx, httpcore or the system; None if it is not one of theirs."""
    return next((_COUNTERPARTS[base] for base in kind.__mro__ if base in _COUNTERPARTS), None)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise our error instead of the library's, with *doing* as private detail."""
    try:
        yield
    except Exception as error:
        ours = counterpart(type(error))
        if ours is None:
            raise
        raise ours(f"{doing}: {type(error).__name__}: {error}") from error


class HttpBody:
    """The body of an answer: exactly the bytes that were sent, no faster and no slower than they are read, or an error."""

    def __init__(
        self,
        response: httpx.Response,
        *,
        total_timeout_s: float,
        tally: Tally,
        expected_bytes: int | None = None,
        outcome: str = "ok",
    ) -> None:
        self._response = response
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._chunks = aiter(response.stream)
        self._waited_s = 0.0
        self._expected_bytes = expected_bytes
        self._total_timeout_s = total_timeout_s
        self._tally = tally
        self._outcome = outcome

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """The next piece of the body.

        Raises:
            OriginTimeout: nothing came for ``read_timeout_s``, or too little over ``total_timeout_s``.
            OriginUnavailable: the connection broke, or the body is shorter or longer than announced.
        """
        try:
            chunk = await self._next()
            received_bytes = self._tally.received_bytes = self._tally.received_bytes + len(chunk or b"")
            # The parser holds a body to its Content-Length; a chunked one may still differ from its Content-Range.
            if self._expected_bytes is not None and (
                received_bytes > self._expected_bytes or (chunk is None and received_bytes < self._expected_bytes)
            ):
                raise OriginUnavailable(f"received {received_bytes} of {self._expected_bytes} bytes announced")
        except BaseException as error:
            self._tally.failed(error)
            raise
        if chunk is None:
            self._tally.end(self._outcome)
            raise StopAsyncIteration
        return chunk

    async def _next(self) -> bytes | None:
        now = asyncio.get_running_loop().time
        allowed_s = self._total_timeout_s + self._tally.received_bytes / LEAST_BYTES_PER_S - self._waited_s
        started_s = now()
        try:
            with translated("reading the body"):
                async with asyncio.timeout(allowed_s):
                    return await anext(self._chunks, None)
        finally:
            self._waited_s += now() - started_s

    async def aclose(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        self._tally.end(self._outcome)
        await self._response.aclose()


class HttpStream(HttpBody, ObjectStream):
    """An object being read from an HTTP origin."""

    def __init__(
        self,
        response: httpx.Response,
        info: ObjectInfo,
        *,
        size_bytes: int | None,
        range_: tuple[int, int] | None,
        total_timeout_s: float,
        tally: Tally,
    ) -> None:
        super().__init__(
            response,
            total_timeout_s=total_timeout_s,
            tally=tally,
            expected_bytes=range_[1] - range_[0] + 1 if range_ else size_bytes,
        )
        self.info = info
        self.size_bytes = size_bytes
        self.range = range_
