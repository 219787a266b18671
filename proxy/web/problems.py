"""Errors as CI's XML (spec 04 §1).  A COS SDK wants ``application/xml`` exactly, and a non-empty Resource."""

from __future__ import annotations

import base64

from proxy.core.freshness import error_cache_control
from proxy.core.xml import HEAD, text
from proxy.errors import (
    CodecLost,
    Fault,
    InternalError,
    InvalidRange,
    MethodNotAllowed,
    MogrError,
    NoSuchKey,
    PreconditionFailed,
)
from proxy.web.reply import Reply


def problem(error: MogrError, *, resource: str, request_id: str, vary: tuple[str, ...], error_ttl_s: float) -> Reply:
    """The answer that *error* deserves; nothing private is in it."""
    trace_id = base64.b64encode(request_id.encode()).decode()
    body = (
        f"{HEAD}<Error>\n"
        f"\t<Code>{text(error.code)}</Code>\n"
        f"\t<Message>{text(error.public)}</Message>\n"
        f"\t<Resource>{text(resource) or '/'}</Resource>\n"
        f"\t<RequestId>{text(request_id)}</RequestId>\n"
        f"\t<TraceId>{text(trace_id)}</TraceId>\n"
        "</Error>\n"
    ).encode()
    headers = [
        ("content-type", "application/xml"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", error_cache_control(error.status, error_ttl_s)),
        ("x-cos-trace-id", trace_id),
    ]
    if vary:
        headers.append(("vary", ", ".join(vary)))
    if error.errno is not None:
        headers.append(("x-errno", str(error.errno)))
    if error.retry_after_s is not None:
        headers.append(("retry-after", str(error.retry_after_s)))
    if isinstance(error, MethodNotAllowed):
        headers.append(("allow", ", ".join(error.allow)))
    if error.closes:
        headers.append(("connection", "close"))
    if isinstance(error, InvalidRange):
        headers.append(("content-range", f"bytes */{error.size_bytes}"))
    return Reply(status=error.status, headers=headers, body=body)


def known_error(error: Exception) -> MogrError:
    """*error* as one of ours: a bug says nothing of itself but in the log."""
    if isinstance(error, MogrError):
        return error
    bug = InternalError(repr(error))
    bug.__cause__ = error
    return bug


def original_will_do(error: MogrError) -> bool:
    """Whether ``ignore-error/1`` answers *error* with the original (CI: any failure of processing)."""
    if isinstance(error, (NoSuchKey, PreconditionFailed, InvalidRange, CodecLost)):
        return False
    return error.fault in (Fault.CLIENT, Fault.SOURCE)
