"""What is no picture operation, in a bucket that says so: carried to its origin, by way of a shared HTTP cache.

Here a request is read and an answer written; which of them come from the cache, ``service.shared_cache`` decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

from starlette.types import Receive

from proxy.core.fields.forwarding import has_passed_us, request_lines, site_of, steers_the_origin
from proxy.core.http_cache.messages import CacheRequest
from proxy.core.query import asks_operation
from proxy.errors import LoopDetected, MethodNotAllowed, UnclearBody, UnknownCoding
from proxy.ports import Forwarder, ForwardRequest
from proxy.service.asking import Ask
from proxy.service.bucket import Bucket
from proxy.service.pages import Url
from proxy.service.shared_cache import SharedCache
from proxy.web.ask import is_picture_name
from proxy.web.peers import Peers
from proxy.web.presence import ClientGoneError, unless_gone
from proxy.web.ready_passed import ReadyingPassed, passed_reply
from proxy.web.reply import Reply
from proxy.web.request import EdgeRequest, refuse_hidden

# TRACE would show the client what we add for the origin alone (RFC 9110 §9.3.8); CONNECT is for tunnels.
_NEVER = frozenset({"TRACE", "CONNECT"})
_AROUND = frozenset({"if-match", "if-unmodified-since"})
"""For the origin to judge (RFC 9111 §4.3.2)."""


def goes_through(request: EdgeRequest, bucket: Bucket) -> Forwarder | None:
    """Where *request* is carried to; None: it is for us to answer."""
    if bucket.forward is None or asks_operation(request.raw_query):
        return None
    rules, key = bucket.rules, unquote(request.raw_path[1:])
    becomes_picture = rules.auto_format and request.method in MethodNotAllowed.allow and is_picture_name(key)
    return None if becomes_picture or rules.styles.asked_by(key, request.raw_query) else bucket.forward


async def forwarded_reply(
    request: EdgeRequest,
    bucket: Bucket,
    forwarder: Forwarder,
    cache: SharedCache,
    peers: Peers,
    receive: Receive,
    readying: ReadyingPassed | None = None,
) -> Reply:
    """The answer of the cache or the origin; its body may be read as it is sent.

    Raises:
        NoSuchKey: the path lies where renditions are kept.
        MethodNotAllowed, LoopDetected, UnclearBody, UnknownCoding: it cannot or may not be forwarded.
        InvalidUri, RequestTooSlow, OriginForbidden, OriginUnavailable, OriginTimeout: as ``Forwarder.forward``.
        InvalidRange, NotInCache: as ``SharedCache.answer``.
        ClientGoneError: the client closed the connection.
    """
    refuse_hidden(request.raw_path, bucket.rules.persist_prefix)
    if request.method in _NEVER:
        raise MethodNotAllowed
    lines = request.lines
    if has_passed_us(lines):
        raise LoopDetected
    sent = request_lines(
        lines,
        peer=request.peer,
        peer_is_trusted=peers.trusts(request.peer),
        scheme=request.scheme,
        http_version=request.http_version,
    )
    if request.method == "OPTIONS":
        hops = _hops_left(sent)
        if hops == 0:
            return Reply(status=204, headers=[("allow", "OPTIONS, GET, HEAD")], kind="object")
        if hops is not None:
            sent = [(n, v if n != b"max-forwards" else b"%d" % (hops - 1)) for n, v in sent]
    has_body, body_bytes = _framing(lines)
    body = _Body(receive, ended=not has_body)
    view = CacheRequest.of(request.method, sent, site=site_of(sent), guess_max_s=bucket.rules.ttl_s)
    ask = Ask(
        url=Url(bucket.rules.name, request.raw_path, request.raw_query),
        forwarder=forwarder,
        request=ForwardRequest(
            method=request.method,
            raw_path=request.raw_path,
            raw_query=request.raw_query,
            lines=sent,
            body=body.chunks() if has_body else None,
            body_bytes=body_bytes,
            inform=request.inform,
        ),
        view=view,
        host=_authority(lines),
        scheme=request.scheme,
        around=(
            request.method not in ("GET", "HEAD")
            or has_body
            or not _AROUND.isdisjoint(view.fields)
            or _upgrades(lines)
            or steers_the_origin(sent)
        ),
    )
    hit = cache.hit(ask)
    if hit is not None and readying is not None and request.target is not None:
        readying.hit(request.target, request.peer, ask, bucket.rules.access.cors)
    return passed_reply(hit if hit is not None else await unless_gone(body.receive_after, cache.answer(ask)))


class _Body:
    """The request's body, and what comes after it: one connection can be read by one reader at a time."""

    def __init__(self, receive: Receive, *, ended: bool) -> None:
        self._receive = receive
        self._ended = asyncio.Event()
        if ended:
            self._ended.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives.

        Raises:
            ClientGoneError: the connection was closed before its end.
        """
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            more = message.get("more_body", False)
            if not more:
                self._ended.set()
            if chunk := message.get("body", b""):
                yield chunk

    async def receive_after(self) -> Any:
        """The next ASGI event once the body is over."""
        await self._ended.wait()
        return await self._receive()


def _framing(lines: tuple[tuple[bytes, bytes], ...]) -> tuple[bool, int | None]:
    """Whether there is a body, and its length if that is said (RFC 9112 §6.3); whatever is doubtful is refused."""
    if _upgrades(lines):  # our server takes what follows for the other protocol's
        if any(name in (b"transfer-encoding", b"content-length") and value != b"0" for name, value in lines):
            raise UnclearBody(public="A request with a body and Upgrade is not accepted.")
        return False, None
    codings = [value.strip(b" \t").lower() for name, value in lines if name == b"transfer-encoding"]
    lengths = [value for name, value in lines if name == b"content-length"]
    if codings:
        if lengths or len(codings) > 1:
            raise UnclearBody("more than one framing of the body")
        if codings != [b"chunked"]:  # others are not undone by our server, and mean nothing to the next one
            raise UnknownCoding
        return True, None
    if not lengths:
        return False, None
    if len(lengths) > 1 or not lengths[0].isdigit():
        raise UnclearBody("more than one length of the body, or none that is a number")
    return int(lengths[0]) > 0, int(lengths[0])


def _authority(lines: tuple[tuple[bytes, bytes], ...]) -> str:
    return next((value.decode("latin-1") for name, value in lines if name == b"host"), "")


def _upgrades(lines: tuple[tuple[bytes, bytes], ...]) -> bool:
    options = b",".join(value for name, value in lines if name == b"connection").lower().split(b",")
    return b"upgrade" in [option.strip() for option in options] and any(name == b"upgrade" for name, _ in lines)


def _hops_left(lines: list[tuple[bytes, bytes]]) -> int | None:
    """Max-Forwards, which counts for OPTIONS (RFC 9110 §7.6.2); None if it is not said."""
    values = [value.strip() for name, value in lines if name == b"max-forwards"]
    return int(values[0]) if len(values) == 1 and values[0].isdigit() and len(values[0]) < 10 else None
