"""The edge as an ASGI application: from a request to the one answer it gets, errors included."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive, Scope, Send

from proxy.errors import (
    AccessDenied,
    CodecLost,
    Fault,
    InternalError,
    InvalidRange,
    MethodNotAllowed,
    MogrError,
    NoSuchKey,
    OperationNotImplemented,
    PreconditionFailed,
)
from proxy.ports import Clock, Meter
from proxy.service.bucket import Bucket
from proxy.service.deliver import Deliver
from proxy.web.access_log import AccessLog
from proxy.web.ask import Asked, Asker
from proxy.web.hosts import Buckets
from proxy.web.image import image_reply
from proxy.web.objects import object_reply
from proxy.web.problems import problem
from proxy.web.reply import Reply
from proxy.web.request import EdgeRequest, object_key, read_request

T = TypeVar("T")

_CLIENT_GONE = 499
"""The status that logs and metrics show for a client that left before its answer (nginx's habit)."""


class _GoneError(Exception):
    """The client closed the connection."""


class Edge:
    """One per web worker."""

    def __init__(
        self,
        *,
        buckets: Buckets,
        deliver: Deliver,
        asker: Asker,
        clock: Clock,
        meter: Meter,
        log: AccessLog,
        server_timing: bool = False,
    ) -> None:
        self._buckets = buckets
        self._deliver = deliver
        self._asker = asker
        self._clock = clock
        self._meter = meter
        self._log = log
        self._server_timing = server_timing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started_s = time.perf_counter()
        request = read_request(scope)
        request_id = secrets.token_hex(12)
        head = request.method == "HEAD"
        reply, status, sent_bytes = Reply(status=_CLIENT_GONE), _CLIENT_GONE, 0
        try:
            reply = await self._answer(request, request_id, receive)
            reply.headers.append(("x-cos-request-id", request_id))
            if isinstance(reply.body, bytes):
                sent_bytes = await reply.send(send, head=head)
            else:
                sent_bytes = await _unless_gone(receive, reply.send(send, head=head))
            status = reply.status
        except _GoneError:
            pass
        except MogrError as error:
            # The origin failed after the first bytes were sent: only breaking the connection can say so.
            self._log.error(request, request_id, error)
            raise
        finally:
            seconds = time.perf_counter() - started_s
            self._meter.request(reply.kind, status, seconds, sent_bytes)
            self._log.request(request, request_id, status, sent_bytes, seconds, reply.cache)

    async def _answer(self, request: EdgeRequest, request_id: str, receive: Receive) -> Reply:
        """The reply, whatever happens; a bug of ours becomes a 500 that says nothing of itself."""
        asked, error_ttl_s = Asked(), 0.0
        try:
            if request.method not in MethodNotAllowed.allow:
                raise MethodNotAllowed
            bucket = self._buckets.find(request.host)
            error_ttl_s = bucket.rules.error_ttl_s
            if bucket.rules.private:
                raise AccessDenied("the bucket is private and the request is not signed")
            key = object_key(request.raw_path, bucket.rules.persist_prefix)
            asked = self._asker.ask(request, bucket, key)
            if not key:
                raise OperationNotImplemented(public="Listing a bucket is not implemented.")
            return await self._serve(request, bucket, key, asked, receive)
        except MogrError as error:
            known = error
        except (_GoneError, asyncio.CancelledError):
            raise
        except Exception as error:
            known = InternalError(repr(error))
            known.__cause__ = error
        if known.logged:
            self._log.error(request, request_id, known)
        resource = request.host + request.raw_path.decode("latin-1")
        return problem(known, resource=resource, request_id=request_id, vary=asked.vary, error_ttl_s=error_ttl_s)

    async def _serve(self, request: EdgeRequest, bucket: Bucket, key: str, asked: Asked, receive: Receive) -> Reply:
        lifetime_s: float | None = None
        try:
            if asked.error is not None:
                raise asked.error.again()
            if asked.question is not None:
                delivered = self._deliver.hit(bucket, asked.question)
                if delivered is None:
                    delivered = await _unless_gone(receive, self._deliver.rendition(bucket, asked.question))
                return image_reply(
                    request, delivered, vary=asked.vary, now_s=self._clock.now_s(), timing=self._server_timing
                )
        except MogrError as error:
            if not (asked.ignore_error and _original_will_do(error)):
                raise
            # What was too slow or crashed once may be judged anew soon; every other reason holds as long as the source.
            lifetime_s = bucket.rules.error_ttl_s if error.condemns else None
        reply = object_reply(request, bucket, key, vary=asked.vary, max_age_s=lifetime_s)
        return await _unless_gone(receive, reply)


def _original_will_do(error: MogrError) -> bool:
    """Whether ``ignore-error/1`` answers *error* with the original (CI: any failure of processing)."""
    if isinstance(error, (NoSuchKey, PreconditionFailed, InvalidRange, CodecLost)):
        return False
    return error.fault in (Fault.CLIENT, Fault.SOURCE)


async def _unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The result of *work*, cancelled as soon as the client closes the connection.

    Raises:
        _GoneError: the client did.
    """
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise _GoneError
    finally:
        watching.cancel()
        if not working.done():
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
