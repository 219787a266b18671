"""An HTTP(S) server as an origin: one prefix of URLs, read as a well-behaved shared cache would.

The key chooses only what comes after the prefix, never the host: it is percent-encoded onto it.  Redirects are followed
here, one at a time, each checked like the first URL; connections are made by ``dialer`` to checked addresses only.
Bodies are passed on as they were sent: ``Accept-Encoding: identity`` is asked, and what is encoded all the same is not
decoded (a bomb stays the few bytes that it is on the wire).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote

import httpcore
import httpx

from proxy.core.model import Validators
from proxy.errors import InvalidRange, MogrError, NoSuchKey, OriginForbidden, OriginRefused, OriginUnavailable
from proxy.exchanges import Tally
from proxy.origins import answer, guard
from proxy.origins.dialer import GuardedBackend, Resolver, UnknownHost, system_resolver
from proxy.origins.forward import HttpForwarder
from proxy.origins.framing import Unanswered
from proxy.origins.stream import HttpStream, translated
from proxy.origins.transport import GuardedTransport, timeouts_s
from proxy.ports import Clock, Forwarded, ForwardRequest, Meter, ObjectInfo, ObjectStream, Unchanged
from proxy.settings import Origins

_OURS = {"user-agent": "mogr", "accept": "*/*", "accept-encoding": "identity", "connection": "keep-alive"}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?")
# A body this small is read to keep the connection; a longer one that nobody wants costs the connection instead.
_DRAINED_BYTES = 65_536


class HttpOrigin:
    """Reads keys below *base_url*; *headers* are sent to that scheme, host and port only, not where it redirects."""

    def __init__(
        self,
        base_url: str,
        *,
        settings: Origins,
        headers: Mapping[str, str],
        allow_private: bool,
        meter: Meter,
        clock: Clock,
        resolve: Resolver = system_resolver,
    ) -> None:
        """Nothing is connected yet.

        Raises:
            OriginForbidden: *base_url* is not a plain http(s) URL.
            ValueError: *headers* holds what is no header field.
        """
        for name, value in headers.items():
            if not _FIELD_NAME.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
                raise ValueError(f"origin_headers: {name!r} is not a valid header field")
        self._base = guard.check_url(base_url.rstrip("/") + "/")
        self._headers = {name.lower(): value for name, value in headers.items()}
        self._settings = settings
        self._meter = meter
        self._clock = clock
        transport = GuardedTransport(
            GuardedBackend(allow_private=allow_private, resolve=resolve), max_connections=settings.max_connections
        )
        self._forwarder = HttpForwarder(
            self._base, settings=settings, headers=self._headers, transport=transport, meter=meter
        )
        self._transport = transport
        self._timeouts_s = timeouts_s(settings)

    async def open(
        self, key: str, *, since: Validators | None = None, byte_range: tuple[int, int | None] | None = None
    ) -> ObjectStream | Unchanged:
        """As ``ports.Origin.open``."""
        fields = answer.conditions(since) if since else {}
        if byte_range:
            fields["range"] = answer.range_field(*byte_range)
        target, tally = self._target(key), Tally(self._meter)
        try:
            response = await self._fetch("GET", target, fields)
            try:
                return await self._opened(response, tally, since, byte_range)
            except BaseException:
                await response.aclose()
                raise
        except BaseException as error:
            tally.failed(error)
            raise

    async def head(self, key: str) -> tuple[ObjectInfo, int | None]:
        """As ``ports.Origin.head``."""
        target, tally = self._target(key), Tally(self._meter)
        try:
            response = await self._fetch("HEAD", target, {})
            await self._settle(response)
            fields = answer.read_fields(response.headers.raw)
            if response.status_code in (405, 501):  # an origin that only knows GET
                return await self._head_by_get(key)
            if response.status_code != 200:
                raise _refusal(response.status_code, fields, ranged=False)
            tally.end("ok")
        except BaseException as error:
            tally.failed(error)
            raise
        return answer.object_info(fields, self._clock.now_s()), answer.complete_length(fields)

    async def _head_by_get(self, key: str) -> tuple[ObjectInfo, int | None]:
        stream = await self.open(key)
        assert isinstance(stream, HttpStream)
        await stream.aclose()
        return stream.info, stream.size_bytes

    async def forward(self, request: ForwardRequest) -> Forwarded:
        """As ``ports.Forwarder.forward``."""
        return await self._forwarder.forward(request)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    def _target(self, key: str) -> guard.Target:
        """The URL of *key*: every byte but unreserved characters and ``/`` is escaped, so it cannot leave the prefix."""
        steps = re.split(r"[/\\]", key)  # some servers take a backslash for a slash
        if not key or any(step in (".", "..") for step in steps) or re.search(r"[\x00-\x1f\x7f]", key):
            raise NoSuchKey(f"no HTTP origin can name {key!r}")
        try:
            return guard.check_url(self._base.url + quote(key, safe="/"))
        except (UnicodeEncodeError, OriginForbidden):
            raise NoSuchKey(f"no HTTP origin can name {key!r}") from None

    async def _fetch(self, method: str, target: guard.Target, fields: Mapping[str, str]) -> httpx.Response:
        """The answer at the end of the redirects, its body unread."""
        with translated(f"{method} {target.url}"):
            async with asyncio.timeout(self._settings.total_timeout_s):
                for _ in range(self._settings.max_redirects + 1):
                    response = await self._send(method, target, fields)
                    location = answer.read_fields(response.headers.raw).get("location")
                    if response.status_code not in _REDIRECTS or not location:
                        return response
                    await self._settle(response)
                    target = guard.check_redirect(target, location)
        raise OriginForbidden(f"more than {self._settings.max_redirects} redirects, the last to {target.url}")

    async def _send(self, method: str, target: guard.Target, fields: Mapping[str, str]) -> httpx.Response:
        at_home = target.origin == self._base.origin
        headers = {**_OURS, **(self._headers if at_home else {}), **fields}
        # Past httpx's client, which would look for cookies, credentials and redirects of its own in each answer.
        request = httpx.Request(method, target.url, headers=headers, extensions={"timeout": self._timeouts_s})
        try:
            try:
                return await self._transport.handle_async_request(request)
            except UnknownHost:
                raise
            except (httpcore.ConnectError, Unanswered):  # once more, as RFC 9110 §9.2.2 allows
                return await self._transport.handle_async_request(request)
        except UnknownHost as error:
            if at_home:
                raise
            # A redirect must not tell which internal names exist: unknown and forbidden are one answer.
            raise OriginForbidden(f"a redirect to an unknown host: {error}") from None

    async def _opened(
        self,
        response: httpx.Response,
        tally: Tally,
        since: Validators | None,
        byte_range: tuple[int, int | None] | None,
    ) -> ObjectStream | Unchanged:
        fields = answer.read_fields(response.headers.raw)
        status = response.status_code
        if status == 304 and since is not None:
            await self._settle(response)
            tally.end("unchanged")
            return Unchanged(info=answer.object_info(fields, self._clock.now_s(), since))
        served = _served(fields, byte_range) if status == 206 and byte_range else None
        if status != 200 and not served:
            await self._settle(response)
            raise _refusal(status, fields, ranged=byte_range is not None)
        return HttpStream(
            response,
            answer.object_info(fields, self._clock.now_s()),
            size_bytes=answer.complete_length(fields),
            range_=served,
            total_timeout_s=self._settings.total_timeout_s,
            tally=tally,
        )

    async def _settle(self, response: httpx.Response) -> None:
        """Finish with a body nobody wants, keeping the connection if that is cheap."""
        length = answer.read_fields(response.headers.raw).get("content-length", "0")
        empty = response.status_code == 304 or response.request.method == "HEAD"
        try:
            if empty or (length.isdigit() and int(length) <= _DRAINED_BYTES):
                with suppress(MogrError), translated("draining"):
                    async with asyncio.timeout(self._settings.read_timeout_s):
                        await _drain(response)
        finally:
            await response.aclose()


async def _drain(response: httpx.Response) -> None:
    body, received_bytes = response.stream, 0
    assert isinstance(body, httpx.AsyncByteStream)
    async for chunk in body:
        received_bytes += len(chunk)
        if received_bytes > _DRAINED_BYTES:  # chunked: no length was announced
            return


def _served(fields: answer.Fields, asked: tuple[int, int | None]) -> tuple[int, int] | None:
    """The range of a 206, if it is the one that was asked for; a multipart answer has no Content-Range."""
    match answer.content_range(fields):
        case (int(first), int(last), total) if asked[0] < 0:
            return (first, last) if total is not None and first == max(0, total + asked[0]) else None
        case (int(first), int(last), _) if first == asked[0] and (asked[1] is None or last <= asked[1]):
            return first, last
    return None


def _refusal(status: int, fields: answer.Fields, *, ranged: bool) -> MogrError:
    match status:
        case 404 | 410:
            return NoSuchKey(f"the origin answered {status}")
        case 401 | 403:
            return OriginRefused(f"the origin answered {status}")
        case 416 if ranged:
            return InvalidRange(answer.complete_length(fields) or 0 if "content-range" in fields else 0)
    return OriginUnavailable(f"the origin answered {status}")
