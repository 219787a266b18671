"""Cache-Status (RFC 9211): our member of the field, which says how an answer came about."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.core.fields.lists import is_token

CACHE = "mogr"
FORWARD_REASONS = frozenset({"bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStatus:
    """A hit, or a reason for having gone forward; never both (§2)."""

    fwd: str | None = None
    """Why the request went forward (§2.2); None: it was a hit."""
    fwd_status: int | None = None
    """What the next hop answered, where that is not what is sent."""
    ttl_s: int | None = None
    """Freshness left; negative once stale."""
    stored: bool = False
    collapsed: bool = False
    """This request waited for another one's work."""
    detail: str | None = None
    """``memory``, ``disk`` or ``bucket`` of a hit; printable ASCII."""

    def __post_init__(self) -> None:
        if self.fwd is not None and self.fwd not in FORWARD_REASONS:
            raise ValueError(f"not a reason to forward: {self.fwd!r}")
        if self.fwd is None and (self.fwd_status is not None or self.stored or self.collapsed):
            raise ValueError("a hit was not forwarded")
        if self.detail is not None and not (self.detail.isascii() and self.detail.isprintable()):
            raise ValueError(f"not printable: {self.detail!r}")

    def format(self) -> str:
        """The member: ``mogr; hit; detail=memory``."""
        text = f"{CACHE}; hit" if self.fwd is None else f"{CACHE}; fwd={self.fwd}"
        if self.fwd_status is not None:
            text += f"; fwd-status={self.fwd_status}"
        if self.ttl_s is not None:
            text += f"; ttl={self.ttl_s}"
        if self.stored:
            text += "; stored"
        if self.collapsed:
            text += "; collapsed"
        if self.detail is not None:
            text += f"; detail={_item(self.detail)}"
        return text

    def after(self, received: str | None) -> str:
        """The whole field where caches before us have said theirs: the one nearest to the origin stands first (§2)."""
        return f"{received}, {self.format()}" if received else self.format()


def _item(text: str) -> str:
    """A structured-field token if it can be one, else a string (RFC 9651 §3.3)."""
    if is_token(text) and (text[0].isalpha() or text[0] == "*"):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
