"""Which pages of other origins may read answers (CORS: the Fetch standard, rules as COS has them).

``*`` answers everybody alike and never with credentials.  Every other origin is repeated only if a rule names it, or the
domain that it is in, and ``Vary: Origin`` is said whenever another origin, or none, would get another answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from proxy.core.access.refusals import AccessForbidden
from proxy.core.fields.lists import is_token

Fields = list[tuple[str, str]]

ANY: Final = "*"
METHODS: Final = ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]{0,31}://(\*\.)?([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")
_MAX_CHARS: Final = 512
_MAX_NAMES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; the first that fits an origin and a method counts."""

    origins: tuple[str, ...]
    """``*``, ``https://example.com:8443``, or ``https://*.example.com`` for all below; lower case."""
    methods: tuple[str, ...] = ("GET", "HEAD")
    headers: tuple[str, ...] = ("*",)
    """Request fields that a page may send besides the harmless ones: names in lower case, or ``*``."""
    expose: tuple[str, ...] = ()
    """Answer fields that a page may read."""
    max_age_s: int = 600
    credentials: bool = False

    @property
    def for_all(self) -> bool:
        return ANY in self.origins

    def fits(self, origin: str, method: str) -> bool:
        return method in self.methods and (self.for_all or any(_covers(each, origin) for each in self.origins))

    def allowed(self, origin: str) -> Fields:
        """The fields that say that *origin* may read the answer."""
        if self.for_all:
            return [("access-control-allow-origin", ANY)]
        credentials = [("access-control-allow-credentials", "true")] if self.credentials else []
        return [("access-control-allow-origin", origin), *credentials]


@dataclass(frozen=True, slots=True)
class Cors:
    """The rules of one bucket; there are none where CORS is not used."""

    rules: tuple[Rule, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rules)

    def varies(self, method: str) -> bool:
        """Whether answers to *method* depend on Origin."""
        first = next((rule for rule in self.rules if method in rule.methods), None)
        return first is not None and not first.for_all

    def fields(self, origin: str | None, method: str) -> Fields:
        """What is added to an answer to *method*; where everybody may read it, whoever asks."""
        rule = self._rule(origin if origin and len(origin) <= _MAX_CHARS else "", method)
        if rule is None:
            return []
        expose = [("access-control-expose-headers", ", ".join(rule.expose))] if rule.expose else []
        return [*rule.allowed(origin or ""), *expose]

    def preflight(self, origin: str, method: str, headers: str | None) -> Fields:
        """The answer to a browser that asks whether it may send *method* with *headers* for a page of *origin*.

        Raises:
            AccessForbidden: it may not.
        """
        rule = self._rule(origin, method) if len(origin) <= _MAX_CHARS else None
        names = [name.strip().lower() for name in (headers or "").split(",") if name.strip()]
        if rule is None or len(names) > _MAX_NAMES or not all(_may_send(name, rule.headers) for name in names):
            raise AccessForbidden
        asked = [("access-control-allow-headers", ", ".join(names))] if names else []
        return [
            *rule.allowed(origin),
            ("access-control-allow-methods", ", ".join(rule.methods)),
            *asked,
            ("access-control-max-age", str(rule.max_age_s)),
        ]

    def _rule(self, origin: str, method: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.fits(origin, method)), None)


def is_origin(text: str) -> bool:
    """Whether *text* may stand in ``Rule.origins``."""
    return text == ANY or (len(text) <= _MAX_CHARS and _ORIGIN.fullmatch(text) is not None)


def _covers(pattern: str, origin: str) -> bool:
    if "//*." not in pattern:
        return origin == pattern
    # Labels of a host and nothing else may stand where the asterisk does.
    begin, _, end = pattern.partition("*")
    return re.fullmatch(rf"{re.escape(begin)}[a-z0-9_-]+(?:\.[a-z0-9_-]+)*{re.escape(end)}", origin) is not None


def _may_send(name: str, allowed: Iterable[str]) -> bool:
    return is_token(name) and (ANY in allowed or name in allowed)
