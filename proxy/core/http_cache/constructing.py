"""What is sent of a kept answer (RFC 9111 §4.3.2, RFC 9110 §13 and §14): all of it, a part, or 304."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.core.fields.byte_range import ByteRange, select_range
from proxy.core.fields.cache_control import MAX_DELTA_S
from proxy.core.fields.conditional import Outcome, evaluate
from proxy.core.http_cache.messages import CacheRequest, Entry, Lines

_IN_304 = frozenset({
    b"cache-control", b"cdn-cache-control", b"content-location", b"date", b"etag", b"expires", b"last-modified", b"vary",
    b"set-cookie", b"cache-status", b"access-control-allow-origin", b"access-control-allow-credentials",
    b"access-control-expose-headers",
})  # fmt: skip
"""RFC 9110 §15.4.5, what is said of the answer and not of its content; and what browsers check on every answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Construction:
    status: int
    lines: list[tuple[bytes, bytes]]
    part: ByteRange | None = None
    """What of the body is sent, if not all of it."""


def construct(
    entry: Entry, request: CacheRequest, now_s: float, *, just_came: Lines | None = None, size_known: bool = True
) -> Construction:
    """The answer to *request* made from *entry*.

    *just_came* are the lines of the answer to this very request, if *entry* was made of it: all of them are sent, and
    Age is not ours to say.

    Raises:
        InvalidRange: the range lies outside.
    """
    policy = entry.policy
    if just_came is not None:
        lines = list(just_came)
    else:
        age_s = min(policy.age_s(now_s), MAX_DELTA_S)
        lines = [line for line in entry.lines if line[0] != b"age"] + [(b"age", b"%d" % age_s)]
    if entry.status != 200:
        return Construction(status=entry.status, lines=lines)
    outcome = evaluate(request.fields, etag=policy.etag, last_modified_s=policy.modified_at_s, method=request.method)
    if outcome is Outcome.NOT_MODIFIED:
        kept = [line for line in lines if line[0] in _IN_304 or line[0] == b"age"]
        return Construction(status=304, lines=kept)
    if "range" not in request.fields or not size_known:
        return Construction(status=200, lines=lines)
    part = select_range(
        request.fields,
        size_bytes=entry.size_bytes,
        etag=policy.etag,
        last_modified_s=policy.modified_at_s if policy.last_modified else None,
        method=request.method,
        now_s=now_s,
    )
    if part is None:
        return Construction(status=200, lines=lines)
    return Construction(status=206, lines=[*lines, (b"content-range", part.content_range.encode())], part=part)
