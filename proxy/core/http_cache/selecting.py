"""Which of the answers kept for a URL a request gets (RFC 9111 §4.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proxy.core.fields.lists import OWS, is_token, split_unquoted
from proxy.core.http_cache.messages import CacheRequest, Entry, Selection

MAX_NAMES = 16
"""An answer that depends on more fields is not kept."""

_EXACT = frozenset({"cookie", "authorization", "proxy-authorization"})
"""No list, and nobody's second spelling may open another one's answer."""
_WEIGHTED = frozenset({"accept", "accept-charset", "accept-encoding", "accept-language"})
"""Lists whose members have weights, no order, and no case (RFC 9110 §12.5)."""
_MAX_CHARS = 4_096


def vary_names(fields: Mapping[str, str]) -> tuple[str, ...] | None:
    """What an answer says it depends on, sorted; None: on more than a request says (``*``), or on too much."""
    members = {member.strip(OWS).lower() for member in fields.get("vary", "").split(",")} - {""}
    if len(members) > MAX_NAMES or "*" in members or not all(map(is_token, members)):
        return None
    return tuple(sorted(members))


def selection_of(names: Iterable[str], request: CacheRequest) -> Selection:
    """The selecting fields *names* as *request* has them."""
    return tuple((name, _normal(name, request.fields.get(name))) for name in names)


def select(entries: Iterable[Entry], request: CacheRequest) -> Entry | None:
    """The answer kept for *request*: of several the one received last, as ``Date`` would say (§4.1)."""
    found: Entry | None = None
    for entry in entries:
        if (
            entry.site == request.site
            and matches(entry, request)
            and (found is None or entry.received_at_s >= found.received_at_s)
        ):
            found = entry
    return found


def matches(entry: Entry, request: CacheRequest) -> bool:
    """Whether *request* has the selecting fields of the one that *entry* answered, and is of the same site."""
    return entry.site == request.site and all(
        _normal(name, request.fields.get(name)) == value for name, value in entry.selection
    )


def _normal(name: str, value: str | None) -> str | None:
    """*value* in the one spelling of all that mean the same."""
    if value is None or name in _EXACT or len(value) > _MAX_CHARS:
        return value
    try:
        members = [member.strip(OWS) for member in split_unquoted(value, ",")]
    except ValueError:
        return value
    members = [member for member in members if member]
    if name in _WEIGHTED:
        members = sorted({_weighted(member) for member in members})
    return ",".join(members)


def _weighted(member: str) -> str:
    parts = [part.strip(OWS).lower() for part in member.split(";")]
    return ";".join(part for part in parts if part not in ("", "q=1", "q=1.0", "q=1.00", "q=1.000"))
