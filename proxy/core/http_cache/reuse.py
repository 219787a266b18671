"""Whether a kept answer may be sent now (RFC 9111 §4, §5.2.1; RFC 5861)."""

from __future__ import annotations

import enum

from proxy.core.http_cache.messages import CacheRequest, Entry

STALE_ON_FAILURE_S = 86_400
"""How long after its end an answer is still sent where the origin cannot be reached and did not forbid it (§4.2.4)."""

ERROR_STATUSES = frozenset({500, 502, 503, 504})
"""What stale-if-error is about (RFC 5861 §4)."""


class Use(enum.Enum):
    FRESH = enum.auto()
    """Send it."""
    STALE = enum.auto()
    """Send it, and ask the origin meanwhile (stale-while-revalidate)."""
    VALIDATE = enum.auto()
    """Ask the origin first."""
    REFUSED = enum.auto()
    """As VALIDATE, because the request says so."""


def usable_by(entry: Entry, request: CacheRequest) -> bool:
    """Whether *request* may be answered with *entry* at all, be it fresh.

    Stricter than RFC 9111: a request with credentials gets only what the origin says such requests may share, and one
    with cookies nothing whose lifetime we guessed.
    """
    policy = entry.policy
    if "authorization" in request.fields and not policy.for_authorized:
        return False
    return policy.explicit or "cookie" not in request.fields


def judge(entry: Entry, request: CacheRequest, now_s: float) -> Use:
    """What may be done with *entry*, which was selected for *request*."""
    asked, policy = request.directives, entry.policy
    if policy.directives.no_cache:
        return Use.VALIDATE
    if asked.no_cache or asked.no_store or not usable_by(entry, request):
        return Use.REFUSED
    age_s, ttl_s = policy.age_s(now_s), policy.ttl_s(now_s)
    if ttl_s > 0:
        if asked.max_age_s is not None and age_s > asked.max_age_s:
            return Use.REFUSED
        # A request that asks for an age of nothing asks the origin, even within the second.
        if asked.max_age_s == 0 or (asked.min_fresh_s is not None and ttl_s < asked.min_fresh_s):
            return Use.REFUSED
        return Use.FRESH
    if policy.never_stale or asked.min_fresh_s is not None:
        return Use.VALIDATE
    if asked.max_age_s is not None and age_s > asked.max_age_s:
        return Use.VALIDATE
    if asked.max_stale_s is not None and -ttl_s <= asked.max_stale_s:
        return Use.FRESH
    if -ttl_s < (policy.directives.stale_while_revalidate_s or 0):
        return Use.STALE
    return Use.VALIDATE


def may_stand_in(entry: Entry, request: CacheRequest, now_s: float, *, reached: bool) -> bool:
    """Whether *entry* may be sent, stale, in place of a failure: *reached* is whether the origin answered, with an error.

    stale-if-error allows both.  Without it only an origin that gives no answer is made up for, and for a day at most.
    """
    policy, asked = entry.policy, request.directives
    if policy.never_stale or asked.no_cache or asked.no_store or not usable_by(entry, request):
        return False
    stale_s = -policy.ttl_s(now_s)
    allowed_s = policy.directives.stale_if_error_s
    if allowed_s is None:
        allowed_s = asked.stale_if_error_s
    if allowed_s is None:
        allowed_s = 0 if reached else STALE_ON_FAILURE_S
    return stale_s <= allowed_s
