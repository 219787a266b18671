"""Whether a shared cache may keep an answer (RFC 9111 §3), and what of it (§3.1)."""

from __future__ import annotations

from proxy.core.fields.dates import format_date
from proxy.core.http_cache.ending import Ending
from proxy.core.http_cache.messages import CacheRequest, Lines, combined
from proxy.core.http_cache.policy import read_policy
from proxy.core.http_cache.selecting import vary_names

MAX_HEADER_BYTES = 32_768
"""Answers with a longer header section are passed on and not kept."""
MAX_LINES = 200

UNDERSTOOD = frozenset({
    200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410,
    411, 412, 413, 414, 415, 416, 417, 421, 422, 426, 500, 501, 502, 503, 504, 505,
})  # fmt: skip
"""Final statuses of RFC 9110 §15 whose caching requirements are met here: all but 206 and 304."""


NEVER = frozenset({206, 304, 412, 416, 428, 429, 431, 511})
"""Parts, and what fields of one request or the sender's own behaviour brought about (RFC 6585 forbids the last four)."""


def may_store(
    request: CacheRequest,
    status: int,
    lines: Lines,
    *,
    requested_at_s: float,
    received_at_s: float,
    ending: Ending = Ending.TOLD,
) -> bool:
    """Whether the answer to *request* may be kept and used for others; its body must be complete besides.

    One that ends with its connection counts as complete (RFC 9112 §8), but we do not guess about it.
    """
    if request.method != "GET" or request.directives.no_store or status in NEVER or not 200 <= status <= 599:
        return False
    if ending is Ending.DOUBTFUL:
        return False
    if len(lines) > MAX_LINES or sum(len(name) + len(value) + 4 for name, value in lines) > MAX_HEADER_BYTES:
        return False
    fields = combined(lines)
    policy = read_policy(
        status,
        fields,
        requested_at_s=requested_at_s,
        received_at_s=received_at_s,
        guess_max_s=request.guess_max_s,
    )
    told = policy.directives
    if told.must_understand:  # then no-store is for those who do not understand (§5.2.2.3)
        if status not in UNDERSTOOD:
            return False
    elif told.no_store:
        return False
    if told.private or vary_names(fields) is None:
        return False
    if "authorization" in request.fields and not policy.for_authorized:
        return False
    if not policy.explicit:
        # Here nobody said that others may have it.  What a session took part in is then likely somebody's own.
        if "set-cookie" in fields or "cookie" in request.fields:
            return False
        if ending is Ending.CLOSED or not policy.has_validator:
            return False
    if status not in UNDERSTOOD and not policy.explicit and not told.public:
        return False
    return policy.lifetime_s > 0 or policy.has_validator


def kept_lines(lines: Lines, *, received_at_s: float) -> tuple[tuple[bytes, bytes], ...]:
    """The end-to-end *lines* without what may be sent only once, and with a Date (RFC 9110 §6.6.1)."""
    fields = combined(lines)
    told = read_policy(200, fields, requested_at_s=received_at_s, received_at_s=received_at_s).directives
    dropped = {name.encode() for name in (*told.no_cache_fields, *told.private_fields)} | {b"content-length"}
    kept = tuple(line for line in lines if line[0] not in dropped)
    return kept if "date" in fields else (*kept, (b"date", format_date(received_at_s).encode()))
