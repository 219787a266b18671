"""Preconditions and ranges of a request against the representation at hand (RFC 9110 §13, §14)."""

from __future__ import annotations

from proxy.core.fields.byte_range import ByteRange, parse_range, select_range
from proxy.core.fields.conditional import Outcome, evaluate
from proxy.errors import PreconditionFailed
from proxy.web.request import EdgeRequest

_PRECONDITIONS = {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since"}


def not_modified(request: EdgeRequest, *, etag: str | None, last_modified_s: int | None) -> bool:
    """Whether the answer is 304.

    Raises:
        PreconditionFailed: If-Match or If-Unmodified-Since does not hold.
    """
    if _PRECONDITIONS.isdisjoint(request.headers):
        return False
    outcome = evaluate(request.headers, etag=etag, last_modified_s=last_modified_s, method=request.method)
    if outcome is Outcome.PRECONDITION_FAILED:
        raise PreconditionFailed
    return outcome is Outcome.NOT_MODIFIED


def wanted_range(
    request: EdgeRequest, *, size_bytes: int, etag: str | None, last_modified_s: int | None
) -> ByteRange | None:
    """The part to send, or None for the whole; a HEAD has no range (RFC 9110 §14.2).

    Raises:
        InvalidRange: the range is well formed and lies outside.
    """
    if "range" not in request.headers:
        return None
    return select_range(
        request.headers, size_bytes=size_bytes, etag=etag, last_modified_s=last_modified_s, method=request.method
    )


def first_asked(request: EdgeRequest) -> tuple[int, int | None] | None:
    """The range to ask an origin for, in the form of ``ports.Origin.open``; None: everything."""
    spec = parse_range(request.header("range")) if request.method == "GET" else None
    return spec.origin_range if spec is not None else None
