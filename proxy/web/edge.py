"""The edge as an ASGI application: from a request to the one answer it gets, errors included."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from dataclasses import replace
from functools import partial

from starlette.types import Receive, Scope, Send

from proxy.core.access.refusals import StylesOnly
from proxy.core.fields.dates import format_date
from proxy.core.model import Source
from proxy.errors import (
    Blocked,
    CodecDeadline,
    InvalidMark,
    MethodNotAllowed,
    MogrError,
    NoSuchKey,
    OperationNotImplemented,
    ShuttingDown,
)
from proxy.ports import Clock, Meter
from proxy.service.bucket import Bucket
from proxy.service.deliver import Deliver
from proxy.service.drawing import Drawing
from proxy.service.literals import Literals
from proxy.service.pages import key_of
from proxy.service.shared_cache import SharedCache
from proxy.web.access_log import AccessLog
from proxy.web.ask import Asked, Asker, Styled, asks_style
from proxy.web.code import code_reply
from proxy.web.default_image import instead_of
from proxy.web.dress import keep_private, open_to_pages
from proxy.web.guard import Guard
from proxy.web.hosts import Buckets
from proxy.web.image import SLIM_FLAG, image_reply, tags_of
from proxy.web.objects import object_reply
from proxy.web.pass_through import forwarded_reply, goes_through
from proxy.web.peers import Peers
from proxy.web.presence import ClientGoneError, unless_gone
from proxy.web.problems import known_error, original_will_do, problem
from proxy.web.protection import is_protected, only_styles
from proxy.web.ready import Readying
from proxy.web.ready_passed import ReadyingPassed
from proxy.web.reply import Reply
from proxy.web.request import EdgeRequest, as_told, object_key, read_request

_CLIENT_GONE = 499
"""The status that logs and metrics show for a client that left before its answer (nginx's habit)."""


class Edge:
    """One per web worker."""

    def __init__(
        self,
        *,
        buckets: Buckets,
        deliver: Deliver,
        drawing: Drawing,
        literals: Literals,
        asker: Asker,
        clock: Clock,
        meter: Meter,
        log: AccessLog,
        shared_cache: SharedCache,
        peers: Peers | None = None,
        guard: Guard | None = None,
        server_timing: bool = False,
        readying: Readying | None = None,
        readying_passed: ReadyingPassed | None = None,
    ) -> None:
        self._buckets = buckets
        self._deliver = deliver
        self._drawing = drawing
        self._literals = literals
        self._asker = asker
        self._clock = clock
        self._meter = meter
        self._log = log
        self._shared_cache = shared_cache
        self._peers = peers or Peers()
        self._guard = guard or Guard(buckets, clock, self._peers)
        self._server_timing = server_timing
        self._readying = readying
        self._readying_passed = readying_passed
        self._date = 0, format_date(0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started_s = time.perf_counter()
        request = read_request(scope)
        if self._peers.trusts(request.peer):
            request = as_told(request)
        request_id = secrets.token_hex(12)
        head = request.method == "HEAD"
        reply, status, sent_bytes = Reply(status=_CLIENT_GONE), _CLIENT_GONE, 0
        try:
            reply = await self._answer(request, request_id, receive)
            self._complete(reply, request, request_id)
            if isinstance(reply.body, bytes):
                sent_bytes = await reply.send(send, head=head)
            else:
                sent_bytes = await unless_gone(receive, reply.send(send, head=head))
            status = reply.status
        except ClientGoneError:
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
        """The reply, whatever happens."""
        try:
            bucket = self._buckets.find(request.host)
            access, visit = bucket.rules.access, None
            if not self._guard.is_needless(request, bucket):
                request = replace(request, target=None)  # who may have it is to be asked each time
            elif not access.cors:
                return await self._reply(request, bucket, request_id, receive)
        except MogrError as error:
            return self._problem(error, request, request_id)
        try:
            visit = self._guard.admit(request, bucket)
        except Exception as error:
            reply = await self._refusal(known_error(error), request, bucket, request_id, receive)
        else:
            reply = visit.reply or await self._reply(visit.request, bucket, request_id, receive)
        if access.cors:
            open_to_pages(reply, access.cors, request.header("origin"), request.method)
        if visit is not None and visit.signed:
            keep_private(reply, visit.response)
        return reply

    async def _reply(self, request: EdgeRequest, bucket: Bucket, request_id: str, receive: Receive) -> Reply:
        """What *request*, which was let in, gets; a bug of ours becomes a 500 that says nothing of itself."""
        asked, error_ttl_s = Asked(), 0.0
        try:
            rules, protected = bucket.rules, is_protected(request, bucket)
            forwarder = goes_through(request, bucket)
            if forwarder is not None and asks_style(request, rules):
                forwarder = None
            if forwarder is None:
                # An error about what is forwarded depends on more of the request than caches after us look at.
                error_ttl_s = rules.error_ttl_s
                if request.method not in MethodNotAllowed.allow:
                    raise MethodNotAllowed
            if rules.blocked and rules.blocked.covers(key_of(request.raw_path)):
                raise Blocked
            if forwarder is not None:
                if protected:
                    raise StylesOnly
                return await forwarded_reply(
                    request, bucket, forwarder, self._shared_cache, self._peers, receive, self._readying_passed
                )
            key = object_key(request.raw_path, rules.persist_prefix)
            asked = self._asker.ask(request, bucket, key)
            if protected:
                key, asked = only_styles(request, rules, key, asked)
            if asked.code is not None:
                drawn = self._drawing.png(asked.code, rules.limits, bucket=rules.name)
                png = await unless_gone(receive, drawn)
                return code_reply(request, bucket, png)
            if not key:
                raise OperationNotImplemented(public="Listing a bucket is not implemented.")
            if asked.styled is not None:
                return await self._either(request, bucket, key, asked, asked.styled, receive)
            return await self._serve(request, bucket, key, asked, receive)
        except ClientGoneError:
            raise
        except asyncio.CancelledError:  # by our server, whose time to stop has run out; by nobody else
            return await self._refusal(ShuttingDown(), request, bucket, request_id, receive, asked.varies, error_ttl_s)
        except Exception as error:
            return await self._refusal(
                known_error(error), request, bucket, request_id, receive, asked.varies, error_ttl_s
            )

    async def _refusal(
        self, known: MogrError, request: EdgeRequest, bucket: Bucket, request_id: str, receive: Receive,
        vary: tuple[str, ...] = (), ttl_s: float = 0.0,
    ) -> Reply:  # fmt: skip
        """The bucket's default image, or what *known* says.

        Whoever caught that gives it no name of its own: its traceback has the frame, and the two would wait for the garbage collector.
        """
        instead = await self._instead(known, request, bucket, receive)
        return instead or self._problem(known, request, request_id, vary, ttl_s)

    async def _instead(self, error: MogrError, request: EdgeRequest, bucket: Bucket, receive: Receive) -> Reply | None:
        """The bucket's default image; None: it has none for *error*, or cannot make it."""
        if bucket.rules.access.default_image is None:
            return None

        async def serve(own: EdgeRequest, bucket: Bucket, key: str, asked: Asked) -> Reply:
            return await self._serve(own, bucket, key, asked, receive)

        try:
            request = replace(request, target=None)  # no answer to what was asked
            return await instead_of(error, request, bucket, self._asker, serve, bucket.rules.error_ttl_s)
        except ClientGoneError:
            raise
        except Exception as bug:
            self._log.error(request, "", known_error(bug))
            return None

    def _problem(
        self, known: MogrError, request: EdgeRequest, request_id: str, vary: tuple[str, ...] = (), ttl_s: float = 0.0
    ) -> Reply:
        if known.logged:
            self._log.error(request, request_id, known)
        resource = request.host + request.raw_path.decode("latin-1")
        return problem(known, resource=resource, request_id=request_id, vary=vary, error_ttl_s=ttl_s)

    def _complete(self, reply: Reply, request: EdgeRequest, request_id: str) -> None:
        """Add the fields of every answer, where an origin's own do not stand already."""
        present = {name for name, _ in reply.headers}
        now_s = int(self._clock.now_s())
        if self._date[0] != now_s:
            self._date = now_s, format_date(now_s)
        for name, value in (("date", self._date[1]), ("x-cos-request-id", request_id)):
            if name not in present:
                reply.headers.append((name, value))
        if reply.status == 304 and request.is_signed_as_cos and "content-length" not in present:
            # COS says so, and its Python SDK fails without; RFC 9110 §8.6 would have none, as everybody else gets.
            reply.headers.append(("content-length", "0"))

    async def _either(
        self, request: EdgeRequest, bucket: Bucket, key: str, asked: Asked, styled: Styled, receive: Receive
    ) -> Reply:
        """What the object of that very key answers, or else the style that its end names."""
        literal = Source(bucket.rules.name, key)
        stands = self._literals.known(literal)
        if stands is None:
            stands = await unless_gone(receive, self._literals.stands(bucket, literal))
        until_s = self._literals.known_until_s(literal)
        if stands:
            try:
                return await self._serve(request, bucket, key, asked, receive, until_s=until_s)
            except NoSuchKey:  # deleted since
                self._literals.forget(literal)
                until_s = 0.0
        try:
            return await self._serve(request, bucket, styled.key, styled.asked, receive, until_s=until_s)
        except NoSuchKey:  # nothing under either key: what is said now may be remembered for less time than that
            self._literals.forget(literal)
            raise

    async def _serve(
        self, request: EdgeRequest, bucket: Bucket, key: str, asked: Asked, receive: Receive, until_s: float = math.inf
    ) -> Reply:
        """*until_s*: how long it is known that *key* is what is asked for."""
        if bucket.rules.blocked.covers(key):  # what a style is of, too
            raise Blocked
        lifetime_s: float | None = None
        protected = is_protected(request, bucket)
        if protected and asked.question is None and asked.error is None:  # the original, by whatever way
            raise StylesOnly
        slim = asked.question is not None and asked.question.plan.only_slim
        try:
            if asked.error is not None:
                raise asked.error.again()
            if asked.question is not None:
                delivered = self._deliver.hit(bucket, asked.question)
                if delivered is None:
                    delivered = await unless_gone(receive, self._deliver.rendition(bucket, asked.question))
                reply = image_reply(
                    request, delivered, vary=asked.vary, now_s=self._clock.now_s(), timing=self._server_timing,
                    slim=asked.question.plan.slim, tags=tags_of(bucket, asked.question.source, delivered),
                )  # fmt: skip
                if self._readying is not None:
                    ready = self._readying.answered  # takes longer than a hit
                    reply.sent = partial(ready, request, bucket, asked.question, vary=asked.vary, until_s=until_s)
                return reply
        except MogrError as error:
            if protected or not ((asked.ignore_error or slim) and original_will_do(error)):
                raise
            # What was too slow or crashed once may be judged anew soon, and a mark may come to be at any time; every other
            # reason holds as long as the source.
            passing = error.condemns or isinstance(error, (CodecDeadline, InvalidMark))
            lifetime_s = bucket.rules.error_ttl_s if passing else None
        original = object_reply(request, bucket, key, vary=asked.vary, max_age_s=lifetime_s)
        reply = await unless_gone(receive, original)
        if slim:
            reply.headers.append((SLIM_FLAG, "0"))
        return reply
