"""Errors as CI's XML (spec 04 §1).  A COS SDK wants ``application/xml`` exactly, and a non-empty Resource."""

from __future__ import annotations

import base64
import re
from xml.sax.saxutils import escape

from proxy.core.freshness import error_cache_control
from proxy.errors import InvalidRange, MethodNotAllowed, MogrError
from proxy.web.reply import Reply

# XML 1.0 §2.2: what may not stand in a document even as a character reference
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def problem(error: MogrError, *, resource: str, request_id: str, vary: bool, error_ttl_s: float) -> Reply:
    """The answer that *error* deserves; nothing private is in it."""
    trace_id = base64.b64encode(request_id.encode()).decode()
    body = (
        "<?xml version='1.0' encoding='utf-8' ?>\n"
        "<Error>\n"
        f"\t<Code>{_text(error.code)}</Code>\n"
        f"\t<Message>{_text(error.public)}</Message>\n"
        f"\t<Resource>{_text(resource) or '/'}</Resource>\n"
        f"\t<RequestId>{_text(request_id)}</RequestId>\n"
        f"\t<TraceId>{_text(trace_id)}</TraceId>\n"
        "</Error>\n"
    ).encode()
    headers = [
        ("content-type", "application/xml"),
        ("cache-control", error_cache_control(error.status, error_ttl_s)),
        ("x-cos-trace-id", trace_id),
    ]
    if vary:
        headers.append(("vary", "Accept"))
    if error.errno is not None:
        headers.append(("x-errno", str(error.errno)))
    if error.retry_after_s is not None:
        headers.append(("retry-after", str(error.retry_after_s)))
    if isinstance(error, MethodNotAllowed):
        headers.append(("allow", ", ".join(error.allow)))
    if isinstance(error, InvalidRange):
        headers.append(("content-range", f"bytes */{error.size_bytes}"))
    return Reply(status=error.status, headers=headers, body=body)


def _text(value: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", value))
