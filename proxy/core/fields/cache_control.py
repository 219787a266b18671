"""Cache-Control, of requests and of responses (RFC 9111 §5.2, RFC 5861, RFC 8246), as values.

What is malformed is read on the side of caching less: a lifetime that cannot be read is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proxy.core.fields.lists import OWS, is_token, split_unquoted, unquote

MAX_DELTA_S = 2**31
"""What every larger number of seconds is read as (RFC 9111 §1.2.2)."""

_MAX_CHARS = 8_192
"""Longer fields are not read: a client's asks for nothing, an origin's forbids storing."""

_Directives = dict[str, list[str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDirectives:
    """What a client asks of caches; None where it asks nothing."""

    max_age_s: int | None = None
    max_stale_s: int | None = None
    """``MAX_DELTA_S`` for the form without a number: however stale."""
    min_fresh_s: int | None = None
    stale_if_error_s: int | None = None
    no_cache: bool = False
    no_store: bool = False
    no_transform: bool = False
    only_if_cached: bool = False

    @classmethod
    def parse(cls, text: str | None) -> RequestDirectives:
        """Read the field, several lines joined by commas; never raises."""
        found = _directives("" if _too_long(text) else text)
        any_staleness = found.get("max-stale", [""])[0] is None
        return cls(
            max_age_s=_lifetime(found, "max-age"),
            max_stale_s=MAX_DELTA_S if any_staleness else _grace(found, "max-stale"),
            min_fresh_s=_grace(found, "min-fresh"),
            stale_if_error_s=_grace(found, "stale-if-error"),
            no_cache="no-cache" in found,
            no_store="no-store" in found,
            no_transform="no-transform" in found,
            only_if_cached="only-if-cached" in found,
        )

    def format(self) -> str:
        """The field value; parsing it gives an equal value."""
        return _join(
            _flag("no-store", self.no_store),
            _flag("no-cache", self.no_cache),
            _seconds("max-age", self.max_age_s),
            _seconds("max-stale", self.max_stale_s),
            _seconds("min-fresh", self.min_fresh_s),
            _seconds("stale-if-error", self.stale_if_error_s),
            _flag("no-transform", self.no_transform),
            _flag("only-if-cached", self.only_if_cached),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseDirectives:
    """What an origin, or we, ask of caches; None where nothing is asked."""

    max_age_s: int | None = None
    s_maxage_s: int | None = None
    stale_while_revalidate_s: int | None = None
    stale_if_error_s: int | None = None
    no_cache: bool = False
    """Unqualified: not to be used without asking again."""
    no_cache_fields: frozenset[str] = frozenset()
    """``no-cache="…"``: only these fields (lower case) are not to be used without asking again."""
    private: bool = False
    """Unqualified: not for a shared cache."""
    private_fields: frozenset[str] = frozenset()
    """``private="…"``: only these fields (lower case) are not for a shared cache."""
    no_store: bool = False
    public: bool = False
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    must_understand: bool = False
    no_transform: bool = False
    immutable: bool = False

    @classmethod
    def parse(cls, text: str | None) -> ResponseDirectives:
        """Read the field, several lines joined by commas; never raises."""
        found = _directives("no-store" if _too_long(text) else text)
        no_cache, no_cache_fields = _qualified(found, "no-cache")
        private, private_fields = _qualified(found, "private")
        return cls(
            max_age_s=_lifetime(found, "max-age"),
            s_maxage_s=_lifetime(found, "s-maxage"),
            stale_while_revalidate_s=_grace(found, "stale-while-revalidate"),
            stale_if_error_s=_grace(found, "stale-if-error"),
            no_cache=no_cache,
            no_cache_fields=no_cache_fields,
            private=private,
            private_fields=private_fields,
            no_store="no-store" in found,
            public="public" in found,
            must_revalidate="must-revalidate" in found,
            proxy_revalidate="proxy-revalidate" in found,
            must_understand="must-understand" in found,
            no_transform="no-transform" in found,
            immutable="immutable" in found,
        )

    def format(self) -> str:
        """The field value; parsing it gives an equal value."""
        return _join(
            _flag("public", self.public),
            _flag("private", self.private),
            _fields("private", self.private_fields),
            _flag("no-store", self.no_store),
            _flag("no-cache", self.no_cache),
            _fields("no-cache", self.no_cache_fields),
            _seconds("max-age", self.max_age_s),
            _seconds("s-maxage", self.s_maxage_s),
            _flag("must-revalidate", self.must_revalidate),
            _flag("proxy-revalidate", self.proxy_revalidate),
            _seconds("stale-while-revalidate", self.stale_while_revalidate_s),
            _seconds("stale-if-error", self.stale_if_error_s),
            _flag("must-understand", self.must_understand),
            _flag("no-transform", self.no_transform),
            _flag("immutable", self.immutable),
        )


def parse_delta_s(text: str | None) -> int | None:
    """Delta-seconds (RFC 9111 §1.2.2), at most ``MAX_DELTA_S``; None for anything else, signs and fractions included."""
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    return MAX_DELTA_S if len(digits) > 10 else min(int(digits or "0"), MAX_DELTA_S)


def _too_long(text: str | None) -> bool:
    return text is not None and len(text) > _MAX_CHARS


def _directives(text: str | None) -> _Directives:
    """The arguments of each directive in order, by name; None for one without argument, empty for a malformed one."""
    found: _Directives = {}
    try:
        members = split_unquoted(text or "", ",")
    except ValueError:
        # An unfinished quote must not swallow a no-store behind it.
        members = (text or "").split(",")
    for member in members:
        name, equals, value = member.strip(OWS).partition("=")
        token = name.rstrip(OWS).lower()
        if not is_token(token):
            continue
        argument: str | None = None
        if equals:
            try:
                argument = unquote(value) if token == name.lower() else ""
            except ValueError:
                argument = ""
        found.setdefault(token, []).append(argument)
    return found


def _lifetime(found: _Directives, name: str) -> int | None:
    """The first occurrence counts (RFC 9111 §4.2.1); one that cannot be read is no lifetime at all."""
    return (parse_delta_s(found[name][0]) or 0) if name in found else None


def _grace(found: _Directives, name: str) -> int | None:
    return parse_delta_s(found[name][0]) if name in found else None


def _qualified(found: _Directives, name: str) -> tuple[bool, frozenset[str]]:
    """Whether *name* stands without a list of fields, and the fields of those that have one."""
    fields: set[str] = set()
    unqualified = False
    for argument in found.get(name, ()):
        names = {field.strip(OWS).lower() for field in (argument or "").split(",")} - {""}
        unqualified |= not names or not all(map(is_token, names))
        fields |= names
    return unqualified, frozenset() if unqualified else frozenset(fields)


def _flag(name: str, present: bool) -> str:
    return name if present else ""


def _seconds(name: str, value_s: int | None) -> str:
    return "" if value_s is None else f"{name}={value_s}"


def _fields(name: str, fields: Iterable[str]) -> str:
    listed = ", ".join(sorted(fields))
    return f'{name}="{listed}"' if listed else ""


def _join(*directives: str) -> str:
    return ", ".join(filter(None, directives))
