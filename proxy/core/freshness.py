"""How long answers live: read from an origin's header fields (RFC 9111 §4.2), and said to caches after us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from proxy.core.fields.cache_control import MAX_DELTA_S, ResponseDirectives, parse_delta_s
from proxy.core.fields.dates import parse_date
from proxy.core.fields.lists import OWS
from proxy.core.fields.targeted import FIELD, parse_targeted
from proxy.core.model import Freshness

_PERSONAL = frozenset({"*", "cookie", "authorization"})
"""Members of Vary that make an answer somebody's own; ``*`` matches no later request at all."""
_NOT_FOR_CACHES = frozenset({401, 403, 408, 412, 416, 429, 500, 503, 508})
"""Depends on the request's own fields, or on a moment: no other request may be answered with it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a source's origin, or a bucket for it, says of its lifetime, as it was written; None: nothing."""

    cache_control: str | None = None
    targeted: str | None = None
    """CDN-Cache-Control, which caches like us heed in place of the other (RFC 9213)."""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Said:
        return cls(headers.get("cache-control"), headers.get(FIELD))

    def to_caches(self) -> ResponseDirectives:
        """Those that count for a shared cache."""
        return parse_targeted(self.targeted) or ResponseDirectives.parse(self.cache_control)


def response_freshness(
    headers: Mapping[str, str], *, now_s: float, default_ttl_s: float, requested_at_s: float | None = None
) -> Freshness:
    """The freshness, in a shared cache, of a successful answer received at *now_s*.

    *headers* have lower-case names, several lines joined by ``", "``.  Where the origin gives no lifetime the answer
    lives *default_ttl_s* from now on, whatever age it had.  After a 304 pass the stored fields updated by the new ones.
    CDN-Cache-Control counts in place of Cache-Control and Expires (RFC 9213 §2.2).
    """
    targeted = parse_targeted(headers.get(FIELD))
    if targeted is not None:
        headers = {name: value for name, value in headers.items() if name != "expires"}
    directives = targeted or ResponseDirectives.parse(headers.get("cache-control"))
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


def cache_fields_for(freshness: Freshness, now_s: float, said: Said) -> list[tuple[str, str]]:
    """Cache-Control, and where *said* has it CDN-Cache-Control, of what has *freshness*; send ``age_for`` beside them.

    Browsers keep the max-age of *said* where it gives shared caches another lifetime, and its stale-while-revalidate,
    stale-if-error and immutable are passed on.
    """
    if not freshness.storable:
        return [("cache-control", "private, no-store")]
    if not freshness.is_fresh(now_s):
        # Age says the same, but not every CDN reads it: some would start a whole lifetime from here.
        stale = ResponseDirectives(public=True, max_age_s=0, must_revalidate=freshness.must_revalidate)
        return [("cache-control", stale.format())]
    lifetime_s = int(min(freshness.lifetime_s, MAX_DELTA_S))
    targeted = parse_targeted(said.targeted)
    if targeted is not None:
        # What is only said to CDNs is nothing for browsers to keep: nobody could purge it there.
        browsers = "public, max-age=0" if said.cache_control is None else said.cache_control
        told = ResponseDirectives.parse(browsers).format()
        return [("cache-control", told), (FIELD, replace(targeted, max_age_s=lifetime_s, s_maxage_s=None).format())]
    return [("cache-control", _for_everybody(freshness, said, lifetime_s))]


def _for_everybody(freshness: Freshness, said: Said, lifetime_s: int) -> str:
    theirs = ResponseDirectives.parse(said.cache_control)
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


def may_be_stale(freshness: Freshness, now_s: float, *, said: Said, failed: bool) -> bool:
    """Whether what went stale may be served while it is asked about, or because that *failed* (RFC 5861 §3, §4).

    Nothing but what is *said* allows it.
    """
    if freshness.must_revalidate or not freshness.storable:
        return False
    theirs = said.to_caches()
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
