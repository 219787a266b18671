"""Requests carried to an HTTP origin as they came, and its answers carried back: a gateway's half of a message.

It goes over the pool of ``HttpOrigin``, to checked addresses only, but past httpx's client: that one follows, rewrites and
adds, and a forwarded request is none of its business.  Nothing is sent twice, whatever happens to it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import unquote_to_bytes, urlsplit

import httpx

from proxy.core.fields.forwarding import end_to_end, plain_name
from proxy.core.http_cache.ending import Ending
from proxy.errors import InvalidUri, OriginUnavailable, RequestTooSlow, UnclearBody
from proxy.exchanges import Tally
from proxy.origins import guard
from proxy.origins.framing import Unanswered
from proxy.origins.informational import Listener
from proxy.origins.stream import HttpBody, translated
from proxy.origins.transport import GuardedTransport, timeouts_s
from proxy.ports import ForwardRequest, Inform, Meter
from proxy.settings import Origins

_REPEATABLE = frozenset({"GET", "HEAD"})
"""Sent once more, without a body, where the connection ended before the first byte of an answer; nothing else ever is."""
LEAST_UPLOAD_BYTES_PER_S = 500
"""A client holds one of few connections while it sends: it must be this fast on average (Apache's mod_reqtimeout)."""
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_NOT_IN_TARGETS = re.compile(rb"[^\x21-\x7e]")
_STEPS = re.compile(rb"[/\\]")
_MAX_PATH_BYTES = 65_536
_ROUNDS = 3
"""How often a path is unescaped in search of dot segments: origins exist that do it more than once."""


class HttpForwarded(HttpBody):
    """An origin's answer on its way to the client."""

    def __init__(self, response: httpx.Response, *, head: bool, total_timeout_s: float, tally: Tally) -> None:
        super().__init__(response, total_timeout_s=total_timeout_s, tally=tally, outcome=_outcome(response.status_code))
        lines = response.headers.raw
        fields = {name.lower(): value for name, value in lines}
        length = fields.get(b"content-length", b"")
        declared = b"transfer-encoding" not in fields and length.isdigit()  # RFC 9112 §6.3: chunks overrule a length
        self.status = response.status_code
        self.lines: Sequence[tuple[bytes, bytes]]
        self.lines = _passed_on(lines)
        self.size_bytes = int(length) if declared and self.status != 204 else None
        framings = (b"transfer-encoding" in fields) + (b"content-length" in fields)
        empty = head or self.status in (204, 304)
        self.ending = Ending.TOLD if empty or framings == 1 else Ending.DOUBTFUL if framings else Ending.CLOSED
        self._head = head

    @property
    def is_empty(self) -> bool:
        """Whether no body follows (RFC 9112 §6.3)."""
        return self._head or self.status in (204, 304) or self.size_bytes == 0


class HttpForwarder:
    """Forwards below one base URL; *headers* take the place of what a client says under the same names."""

    def __init__(
        self,
        base: guard.Target,
        *,
        settings: Origins,
        headers: Mapping[str, str],
        transport: GuardedTransport,
        meter: Meter,
    ) -> None:
        self._url = httpx.URL(base.url)
        self._prefix = urlsplit(base.url).path.encode()
        own = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        self._own = own if any(name == b"host" for name, _ in own) else [(b"host", self._url.netloc), *own]
        self._overruled = frozenset(plain_name(name) for name, _ in self._own) | _FRAMING
        self._settings = settings
        self._timeouts_s = timeouts_s(settings)
        self._transport = transport
        self._meter = meter

    async def forward(self, request: ForwardRequest) -> HttpForwarded:
        """As ``ports.Forwarder.forward``."""
        target = self._target(request.raw_path, request.raw_query)
        tally = Tally(self._meter)
        upload: _Upload | None = None
        try:
            with translated(f"{request.method} {self._url.host}{target.decode()}"):
                async with asyncio.timeout(self._settings.total_timeout_s) as deadline:
                    if request.body is not None:
                        upload = _Upload(request.body, request.body_bytes, self._settings, deadline)
                    response = await self._sent(self._outgoing(request, target, upload))
                    return await self._answered(response, request.method, tally)
        except BaseException as error:
            if upload is not None and upload.broken:
                tally.end("ok")  # the client's failure says nothing of the origin
            else:
                tally.failed(error)
            raise

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._transport.handle_async_request(request)
        except Unanswered:  # a kept connection may have been closed just then (RFC 9110 §9.2.2, RFC 9112 §9.3.1)
            if request.method not in _REPEATABLE or isinstance(request.stream, _Upload):
                raise
            return await self._transport.handle_async_request(request)

    def _target(self, raw_path: bytes, raw_query: bytes) -> bytes:
        if not raw_path.startswith(b"/") or len(raw_path) > _MAX_PATH_BYTES:
            raise InvalidUri("the request target is not a path, or too long")
        if _has_dot_segments(raw_path):
            raise InvalidUri(public="The path has dot segments.")
        target = self._prefix + raw_path[1:] + (b"?" + raw_query if raw_query else b"")
        return _NOT_IN_TARGETS.sub(lambda found: b"%%%02X" % found[0][0], target)

    def _outgoing(self, request: ForwardRequest, target: bytes, upload: _Upload | None) -> httpx.Request:
        lines = [(name, value) for name, value in request.lines if plain_name(name) not in self._overruled]
        framing: list[tuple[bytes, bytes]] = []
        if request.body_bytes is not None:
            framing.append((b"content-length", b"%d" % request.body_bytes))
        elif upload is not None:
            framing.append((b"transfer-encoding", b"chunked"))
        return httpx.Request(
            request.method,
            self._url,
            headers=[*self._own, *lines, *framing],
            stream=upload or httpx.ByteStream(b""),
            extensions={
                "target": target,
                "timeout": self._timeouts_s,
                "informational": _telling(request.inform) if request.inform is not None else None,
            },
        )

    async def _answered(self, response: httpx.Response, method: str, tally: Tally) -> HttpForwarded:
        try:
            if not 200 <= response.status_code <= 599:  # 101 was not asked for, 600 has no meaning
                raise OriginUnavailable(f"the origin answered {response.status_code}")
            answer = HttpForwarded(
                response, head=method == "HEAD", total_timeout_s=self._settings.total_timeout_s, tally=tally
            )
            if answer.is_empty:  # nothing to wait for, and only a body that was read leaves its connection in the pool
                await anext(answer, None)
            return answer
        except BaseException:
            await response.aclose()
            raise


class _Upload(httpx.AsyncByteStream):
    """The client's body on its way out; the time it takes is the client's, not that of the origin."""

    def __init__(
        self, body: AsyncIterator[bytes], body_bytes: int | None, settings: Origins, deadline: asyncio.Timeout
    ) -> None:
        self._body = body
        self._body_bytes = body_bytes
        self._settings = settings
        self._deadline = deadline
        self._received_bytes = 0
        self._waited_s = 0.0
        self.broken = False
        """Whether it ended in an error of the client."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        now = asyncio.get_running_loop().time
        while True:
            self._deadline.reschedule(None)
            chunk = await self._next()
            self._deadline.reschedule(now() + self._settings.total_timeout_s)
            if chunk is None:
                return
            yield chunk

    async def _next(self) -> bytes | None:
        now = asyncio.get_running_loop().time
        started_s = now()
        total_s = self._settings.total_timeout_s + self._received_bytes / LEAST_UPLOAD_BYTES_PER_S
        try:
            async with asyncio.timeout(min(self._settings.read_timeout_s, total_s - self._waited_s)):
                chunk = await anext(self._body, None)
        except TimeoutError as error:
            self.broken = True
            raise RequestTooSlow(f"{self._received_bytes} bytes received") from error
        except BaseException:
            self.broken = True
            raise
        self._waited_s += now() - started_s
        self._received_bytes += len(chunk or b"")
        expected_bytes = self._received_bytes if self._body_bytes is None else self._body_bytes
        if self._received_bytes > expected_bytes or (chunk is None and self._received_bytes < expected_bytes):
            self.broken = True
            raise UnclearBody(f"{self._received_bytes} of {expected_bytes} bytes announced")
        return chunk


def _telling(inform: Inform) -> Listener:
    """100 Continue is nobody's: Expect is answered by our own server, and never sent on."""

    def tell(status: int, lines: Sequence[tuple[bytes, bytes]]) -> None:
        if status != 100:
            inform(status, _passed_on(lines))

    return tell


def _passed_on(lines: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in end_to_end(lines) if name != b"content-length"]


def _has_dot_segments(raw_path: bytes) -> bool:
    """Whether any reading of the path that servers are known for finds one: escaped, twice so, a backslash, ``..;x``."""
    for _ in range(_ROUNDS + 1):
        if any(step.partition(b";")[0] in (b".", b"..") for step in _STEPS.split(raw_path)):
            return True
        raw_path = unquote_to_bytes(raw_path)
    return False


def _outcome(status: int) -> str:
    match status:
        case 304:
            return "unchanged"
        case 404 | 410:
            return "missing"
        case 401 | 403:
            return "refused"
    return "failed" if status >= 500 else "ok"
