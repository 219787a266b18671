"""How long answers live: read from an origin's header fields (RFC 9111 §4.2), and said to caches after us."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.core.fields.cache_control import MAX_DELTA_S, ResponseDirectives, parse_delta_s
from proxy.core.fields.dates import parse_date
from proxy.core.fields.lists import OWS
from proxy.core.model import Freshness

_PERSONAL = frozenset({"*", "cookie", "authorization"})
"""Members of Vary that make an answer somebody's own; ``*`` matches no later request at all."""
_NOT_FOR_CACHES = frozenset({401, 403, 408, 412, 416, 429, 500, 503, 508})
"""Depends on the request's own fields, or on a moment: no other request may be answered with it."""


def response_freshness(
    headers: Mapping[str, str], *, now_s: float, default_ttl_s: float, requested_at_s: float | None = None
) -> Freshness:
    """The freshness, in a shared cache, of a successful answer received at *now_s*.

    *headers* have lower-case names, several lines joined by ``", "``.  Where the origin gives no lifetime the answer
    lives *default_ttl_s* from now on, whatever age it had.  After a 304 pass the stored fields updated by the new ones.
    """
    directives = ResponseDirectives.parse(headers.get("cache-control"))
    if not _storable(headers, directives):
        return Freshness(fetched_at_s=now_s, lifetime_s=0, must_revalidate=True, storable=False)
    date_s = parse_date(headers.get("date"), now_s=now_s)
    lifetime_s = explicit_lifetime_s(headers, directives, now_s if date_s is None else date_s, now_s)
    if directives.no_cache:
        lifetime_s = 0
    return Freshness(
        fetched_at_s=now_s,
        lifetime_s=default_ttl_s if lifetime_s is None else lifetime_s,
        initial_age_s=0 if lifetime_s is None else initial_age_s(headers, date_s, now_s, requested_at_s),
        # s-maxage brings the semantics of proxy-revalidate with it (§5.2.2.10).
        must_revalidate=directives.no_cache
        or directives.must_revalidate
        or directives.proxy_revalidate
        or directives.s_maxage_s is not None,
    )


def cache_control_for(freshness: Freshness, now_s: float, *, received: str | None = None) -> str:
    """The Cache-Control of a rendition or an object whose source has *freshness*; send ``age_for`` beside it.

    *received* is the source's own Cache-Control, if it has one: then browsers keep its max-age where it gives shared
    caches another lifetime, and its stale-while-revalidate, stale-if-error and immutable are passed on.
    """
    if not freshness.storable:
        return "private, no-store"
    if not freshness.is_fresh(now_s):
        # Age says the same, but not every CDN reads it: some would start a whole lifetime from here.
        stale = ResponseDirectives(public=True, max_age_s=0, must_revalidate=freshness.must_revalidate)
        return stale.format()
    theirs = ResponseDirectives.parse(received)
    lifetime_s = int(min(freshness.lifetime_s, MAX_DELTA_S))
    shared = theirs.s_maxage_s is not None and theirs.max_age_s is not None
    return ResponseDirectives(
        public=True,
        max_age_s=theirs.max_age_s if shared else lifetime_s,
        s_maxage_s=lifetime_s if shared else None,
        must_revalidate=theirs.must_revalidate if shared else freshness.must_revalidate,
        stale_while_revalidate_s=theirs.stale_while_revalidate_s,
        stale_if_error_s=theirs.stale_if_error_s,
        immutable=theirs.immutable,
    ).format()


def may_be_stale(freshness: Freshness, now_s: float, *, received: str | None, failed: bool) -> bool:
    """Whether what went stale may be served while it is asked about, or because that *failed* (RFC 5861 §3, §4).

    *received* is the source's own Cache-Control; nothing else allows it.
    """
    if freshness.must_revalidate or not freshness.storable:
        return False
    theirs = ResponseDirectives.parse(received)
    allowed_s = theirs.stale_if_error_s if failed else theirs.stale_while_revalidate_s
    return freshness.age_s(now_s) - freshness.lifetime_s < (allowed_s or 0)


def age_for(freshness: Freshness, now_s: float) -> str:
    """The Age field of an answer from a cache of ours: whole seconds since its source was made or confirmed."""
    return str(int(min(freshness.age_s(now_s), MAX_DELTA_S)))


def error_cache_control(status: int, error_ttl_s: float) -> str:
    """The Cache-Control of an error: explicit, because CDNs give errors without one minutes of their own."""
    if status in _NOT_FOR_CACHES:
        return "no-store"
    if status in (502, 504):  # an origin's failure: to be asked again, and never to replace what is held stale
        return "public, max-age=0"
    return f"public, max-age={int(min(error_ttl_s, MAX_DELTA_S))}"


def _storable(headers: Mapping[str, str], directives: ResponseDirectives) -> bool:
    # private="field" allows storing the rest (§5.2.2.7); an origin that says it at all is taken at the whole of its word.
    if directives.no_store or directives.private or directives.private_fields or "set-cookie" in headers:
        return False
    named = {name.strip(OWS).lower() for name in headers.get("vary", "").split(",")}
    return named.isdisjoint(_PERSONAL)


def explicit_lifetime_s(
    headers: Mapping[str, str], directives: ResponseDirectives, date_s: float, now_s: float
) -> float | None:
    """s-maxage, else max-age, else Expires less Date (§4.2.1); None if the origin gives none of them."""
    if directives.s_maxage_s is not None:
        return directives.s_maxage_s
    if directives.max_age_s is not None:
        return directives.max_age_s
    if "expires" not in headers:
        return None
    expires_s = parse_date(headers["expires"], now_s=now_s)
    if expires_s is None:  # an invalid date, above all "0", lies in the past (§5.3)
        return 0
    return min(max(0, expires_s - date_s), MAX_DELTA_S)


def initial_age_s(
    headers: Mapping[str, str], date_s: float | None, now_s: float, requested_at_s: float | None
) -> float:
    """The corrected initial age (§4.2.3); of several Age values the first counts, and one that is no number does not."""
    age_s = parse_delta_s(headers.get("age", "").partition(",")[0].strip(OWS)) or 0
    delay_s = 0.0 if requested_at_s is None else max(0.0, now_s - requested_at_s)
    apparent_s = 0.0 if date_s is None else max(0.0, now_s - date_s)
    return max(apparent_s, age_s + delay_s)
