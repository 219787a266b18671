"""The door of a bucket: who may come in, and what is left of a request once its signature has been looked at.

In this order: the client's rate, CORS preflights (which carry no signature), signatures, the referer.  What protects
originals needs the operation to be read and is in ``web.protection``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

from proxy.core.access.cos import TOKENS, Grant, Signed, is_ours, looks_signed, verify
from proxy.core.access.parameters import pieces_of, without
from proxy.core.access.rates import Rates, client_of
from proxy.core.access.refusals import RefererDenied, SignatureNeeded, TooManyRequests
from proxy.core.access.rules import Access
from proxy.core.query import asks_operation
from proxy.errors import NoSuchBucket
from proxy.ports import Clock
from proxy.service.bucket import Bucket
from proxy.web.hosts import Buckets
from proxy.web.peers import Peers
from proxy.web.reply import Reply
from proxy.web.request import EdgeRequest

_SIGNING_FIELDS = frozenset({b"authorization", *(name.encode() for name in TOKENS)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request that was let in."""

    request: EdgeRequest
    """Without its signature, which nobody else needs: neither whoever reads the operation, nor a cache, nor an origin."""
    signed: bool = False
    """Whether it was let in because it is signed: then its answer is for those who can sign."""
    response: Mapping[str, str] | None = None
    """``response-content-type`` and its like, as far as they were signed, by the field that they replace."""
    reply: Reply | None = None
    """The answer, if that is all there is to it."""


class Guard:
    """One per web worker."""

    def __init__(self, buckets: Buckets, clock: Clock, peers: Peers) -> None:
        self._clock = clock
        self._peers = peers
        self._rates = {
            name: Rates(access.rate_per_s, access.rate_burst)
            for name, bucket in buckets.by_name.items()
            if (access := bucket.rules.access).rate_per_s is not None
        }

    def is_needless(self, request: EdgeRequest, bucket: Bucket) -> bool:
        """Whether *request* would be let in as it is, unless it is a preflight; costs next to nothing.

        Raises:
            InvalidUri: the query is too long, or has too many parameters.
        """
        access = bucket.rules.access
        return access.admits_all and not (access.keys and _shows_signature(request, bucket))

    def admit(self, request: EdgeRequest, bucket: Bucket) -> Visit:
        """Let *request* in.

        Raises:
            TooManyRequests, AccessForbidden, AccessDenied: it may not come in; see ``core.access.refusals``.
            InvalidUri: the query is too long, or has too many parameters.
        """
        access = bucket.rules.access
        self._count(request, bucket)
        preflight = _preflight(request, access)
        if preflight is not None:
            return Visit(request=request, reply=preflight)
        visit = self._verified(request, bucket)
        if not visit.request.granted and not access.referers.admit(request.header("referer")):
            raise RefererDenied
        return visit

    def _count(self, request: EdgeRequest, bucket: Bucket) -> None:
        rates = self._rates.get(bucket.rules.name)
        if rates is not None:
            client = client_of(self._peers.client(request.peer, request.header("x-forwarded-for")))
            wait_s = rates.take(client, self._clock.now_s())
            if wait_s is not None:
                raise TooManyRequests(wait_s)

    def _verified(self, request: EdgeRequest, bucket: Bucket) -> Visit:
        access, now_s = bucket.rules.access, self._clock.now_s()
        if (access.needs_signature or access.keys) and _shows_signature(request, bucket):
            grant = verify(_as_signed(request), access.keys, now_s)
            if grant is not None:
                return _granted(request, grant)
        if access.url_signing is not None:
            access.url_signing.verify(request.raw_path, request.raw_query, now_s)
            raw_path, raw_query = access.url_signing.unsigned(request.raw_path, request.raw_query)
            bare = replace(
                request, raw_path=raw_path, raw_query=raw_query, operation_signed=not asks_operation(raw_query)
            )
            return Visit(request=bare, signed=True)
        if access.private:
            raise SignatureNeeded("the bucket is private and the request is not signed")
        return Visit(request=request)


def bare(request: EdgeRequest, bucket: Bucket) -> EdgeRequest:
    """*request* without what signs its URL here, whether or not that holds."""
    access, raw_path, raw_query = bucket.rules.access, request.raw_path, request.raw_query
    if access.url_signing is not None:
        raw_path, raw_query = access.url_signing.unsigned(raw_path, raw_query)
    if access.needs_signature or (access.keys and bucket.forward is None):
        raw_query = without(raw_query, is_ours)
    return replace(request, raw_path=raw_path, raw_query=raw_query)


def concealing(buckets: Buckets) -> Callable[[EdgeRequest], EdgeRequest]:
    """For logs: a request without what a log cannot know to sign its URL."""

    def conceal(request: EdgeRequest) -> EdgeRequest:
        try:
            signing = buckets.find(request.host).rules.access.url_signing
        except NoSuchBucket:
            return request
        if signing is None:
            return request
        raw_path, raw_query = signing.unsigned(request.raw_path, request.raw_query)
        return replace(request, raw_path=raw_path, raw_query=raw_query)

    return conceal


def _shows_signature(request: EdgeRequest, bucket: Bucket) -> bool:
    # What a public bucket passes through may be signed for its origin, with keys that we do not have.
    if bucket.forward is not None and not bucket.rules.access.needs_signature:
        return False
    return looks_signed(request.header("authorization"), request.raw_query)


def _as_signed(request: EdgeRequest) -> Signed:
    return Signed(method=request.method, raw_path=request.raw_path, raw_query=request.raw_query, lines=request.lines)


def _granted(request: EdgeRequest, grant: Grant) -> Visit:
    raw_query = without(request.raw_query, is_ours)
    # What a client may ask for only with a signature must be in it: without, the holder of any URL could add it.
    response = {
        name.removeprefix("response-"): value for name, value in grant.covered.items() if name.startswith("response-")
    }
    bare = replace(
        request,
        raw_query=without(raw_query, lambda name: name.startswith(b"response-")),
        lines=tuple(line for line in request.lines if line[0] not in _SIGNING_FIELDS),
        granted=True,
        operation_signed=_covers_operation(grant, raw_query),
    )
    return Visit(request=bare, signed=True, response=response)


def _covers_operation(grant: Grant, raw_query: bytes) -> bool:
    for piece in pieces_of(raw_query):
        if asks_operation(piece.raw):
            spellings = {piece.name, unquote_to_bytes(piece.raw), unquote_to_bytes(piece.raw.removesuffix(b"="))}
            if {each.lower().decode("utf-8", "replace") for each in spellings}.isdisjoint(grant.covered):
                return False
    return True


def _preflight(request: EdgeRequest, access: Access) -> Reply | None:
    """The answer to a preflight; None: *request* is none, or CORS is not used here."""
    origin, method = request.header("origin"), request.header("access-control-request-method")
    if not access.cors or request.method != "OPTIONS" or origin is None or method is None:
        return None
    fields = access.cors.preflight(origin, method, request.header("access-control-request-headers"))
    vary = ("vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
    return Reply(status=200, headers=[*fields, vary], size_bytes=0)
