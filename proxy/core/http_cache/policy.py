"""What an answer allows a shared cache to do with it: read once when it is stored, asked on every hit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.core.fields.cache_control import MAX_DELTA_S, ResponseDirectives
from proxy.core.fields.dates import parse_date
from proxy.core.fields.targeted import FIELD, parse_targeted
from proxy.core.freshness import explicit_lifetime_s, initial_age_s

HEURISTIC_RATIO = 0.1
"""Of the time since an answer was last modified: how long it is taken to stay so (RFC 9111 §4.2.2)."""
HEURISTIC_MAX_S = 86_400
"""No answer is believed for longer than a day because it merely is old."""

HEURISTIC_STATUSES = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
"""RFC 9110 §15.1, without 206, which is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Times are seconds, moments since the epoch."""

    directives: ResponseDirectives
    """Of CDN-Cache-Control where that counts, else of Cache-Control."""
    received_at_s: float
    initial_age_s: float
    lifetime_s: float
    explicit: bool
    """Whether the origin itself gave the lifetime."""
    etag: str | None
    last_modified: str | None
    """As received, for If-Modified-Since."""
    modified_at_s: int
    """Last-Modified, or where there is none the moment the answer was made or received (§4.3.2)."""

    def age_s(self, now_s: float) -> float:
        return self.initial_age_s + max(0.0, now_s - self.received_at_s)

    def ttl_s(self, now_s: float) -> float:
        """Seconds of freshness left; negative once stale."""
        return self.lifetime_s - self.age_s(now_s)

    @property
    def has_validator(self) -> bool:
        return self.etag is not None or self.last_modified is not None

    @property
    def never_stale(self) -> bool:
        """Whether it may not be sent stale, whatever happens (§4.2.4; s-maxage: §5.2.2.10)."""
        told = self.directives
        return told.must_revalidate or told.proxy_revalidate or told.no_cache or told.s_maxage_s is not None

    @property
    def for_authorized(self) -> bool:
        """Whether the origin says that answers to requests with Authorization may be shared (§3.5)."""
        told = self.directives
        return told.public or told.must_revalidate or told.s_maxage_s is not None


def read_policy(
    status: int,
    fields: Mapping[str, str],
    *,
    requested_at_s: float,
    received_at_s: float,
    guess_max_s: float = HEURISTIC_MAX_S,
) -> Policy:
    """The policy of an answer with *fields*: names in lower case, several lines joined by ``", "``.

    A lifetime that the origin does not give is guessed, and *guess_max_s* at most.
    """
    directives, lifetime_s, date_s = told_lifetime(fields, received_at_s)
    explicit = lifetime_s is not None
    modified_s = parse_date(fields.get("last-modified"), now_s=received_at_s)
    made_s = received_at_s if date_s is None else date_s
    if lifetime_s is None:
        guessed = modified_s is not None and (status in HEURISTIC_STATUSES or directives.public)
        unchanged_s = max(0.0, made_s - modified_s) if guessed and modified_s is not None else 0
        lifetime_s = min(guess_max_s, HEURISTIC_MAX_S, unchanged_s * HEURISTIC_RATIO)
    return Policy(
        directives=directives,
        received_at_s=received_at_s,
        initial_age_s=initial_age_s(fields, date_s, received_at_s, requested_at_s),
        lifetime_s=min(lifetime_s, MAX_DELTA_S),
        explicit=explicit,
        etag=fields.get("etag"),
        last_modified=fields.get("last-modified"),
        modified_at_s=int(made_s) if modified_s is None else modified_s,
    )


def told_lifetime(
    fields: Mapping[str, str], received_at_s: float
) -> tuple[ResponseDirectives, float | None, int | None]:
    """The directives that count, the lifetime the origin gives (None: none) and its Date (None: none that can be read)."""
    date_s = parse_date(fields.get("date"), now_s=received_at_s)
    targeted = parse_targeted(fields.get(FIELD))
    if targeted is not None:
        return targeted, explicit_lifetime_s({}, targeted, received_at_s, received_at_s), date_s
    directives = ResponseDirectives.parse(fields.get("cache-control"))
    made_s = received_at_s if date_s is None else date_s
    return directives, explicit_lifetime_s(fields, directives, made_s, received_at_s), date_s
