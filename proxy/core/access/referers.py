"""Which pages may show the pictures of a bucket, by the Referer that browsers send (hotlink protection, COS 436/13319).

Anybody can send any Referer: this keeps other sites' pages from using a bucket, and nobody from its objects.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_REFERER = re.compile(
    r"[a-z][a-z0-9+.-]{0,31}://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?([/?#].*)?", re.IGNORECASE | re.DOTALL
)
_PATTERN = re.compile(r"(\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::(\d{1,5}))?(/[\x21-\x7e]*)?")
_MAX_CHARS: Final = 8_192
EXPECTED: Final = (
    "a host such as example.com, *.example.com or example.com:8080, which a path may follow, without scheme (non-ASCII "
    "names in their xn-- form)"
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One entry of a list: a host, or all below one; perhaps a port; perhaps how the path begins."""

    host: str
    port: str | None = None
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Raises ValueError if *text* is none."""
        found = _PATTERN.fullmatch(text)
        if found is None:
            raise ValueError(f"expected {EXPECTED}")
        return cls(found[1], found[2], found[3] or "")

    def covers(self, host: str, port: str | None, path: str) -> bool:
        # Whole labels, where COS compares beginnings: example.com must not let example.com.evil.example in.
        if self.host not in ("*", host) and not (self.host.startswith("*.") and host.endswith(self.host[1:])):
            return False
        return (self.port is None or self.port == port) and path.startswith(self.path)


@dataclass(frozen=True, slots=True)
class Referers:
    """Those of one bucket.  With neither list every page may."""

    allow: tuple[Pattern, ...] = ()
    deny: tuple[Pattern, ...] = ()
    """Stronger than ``allow``."""
    empty: bool = False
    """Whether requests without the field are let in."""

    def admit(self, referer: str | None) -> bool:
        """Whether a request that says *referer* is answered."""
        if not (self.allow or self.deny):
            return True
        if referer is None or not referer.strip():
            return self.empty
        found = _REFERER.fullmatch(referer.strip()) if len(referer) <= _MAX_CHARS else None
        if found is None:  # no page of anybody's
            return not self.allow
        place = (found[1].lower().rstrip("."), found[2], found[3] or "/")
        if any(each.covers(*place) for each in self.deny):
            return False
        return not self.allow or any(each.covers(*place) for each in self.allow)
