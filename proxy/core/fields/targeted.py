"""CDN-Cache-Control (RFC 9213): Cache-Control for caches like us, which goes before what the origin tells everybody."""

from __future__ import annotations

from proxy.core.fields.cache_control import ResponseDirectives
from proxy.core.fields.structured import Opaque, StructuredFieldError, Token, parse_dictionary

FIELD = "cdn-cache-control"

_SECONDS = frozenset({"max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"})
_QUALIFIED = frozenset({"no-cache", "private"})
_FLAGS = frozenset({
    "no-store", "public", "must-revalidate", "proxy-revalidate", "must-understand", "no-transform", "immutable",
})  # fmt: skip


def parse_targeted(text: str | None) -> ResponseDirectives | None:
    """What the field says, in place of Cache-Control and Expires; None: it is absent, empty or broken, so they hold.

    A directive of another type than its own is an error like any other (§2.1): the field is void, not half read.
    """
    if text is None:
        return None
    try:
        members = parse_dictionary(text)
    except StructuredFieldError:
        return None
    directives = []
    for name, value in members.items():
        if value is False:
            continue
        if name in _SECONDS:
            if type(value) is not int:
                return None
            directives.append(f"{name}={value}")
        elif name in _QUALIFIED and isinstance(value, str) and not isinstance(value, (Token, Opaque)):
            directives.append(f'{name}="{value}"')
        elif name in _FLAGS or name in _QUALIFIED:
            if value is not True:
                return None
            directives.append(name)
    return ResponseDirectives.parse(", ".join(directives)) if members else None
