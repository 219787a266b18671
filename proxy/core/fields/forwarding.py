"""What a gateway does to the header section of a message that it forwards (RFC 9110 §7.6).

Header sections are lines here, name and value as bytes: their order, their repetition (Set-Cookie) and bytes above
ASCII reach the other side as they were.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Lines = Sequence[tuple[bytes, bytes]]

TOKEN = b"mogr"
"""The pseudonym under which we stand in Via."""

_HOP_BY_HOP = frozenset({
    b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authentication-info",
    b"proxy-authorization", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings",
})  # fmt: skip
# Answered here (Expect), said anew by whoever opens the connection (the rest), or read by CGI as its own proxy (Proxy).
_OF_THIS_HOP = frozenset({b"host", b"content-length", b"expect", b"proxy"})
_COMMENT = re.compile(rb"\([^()]*\)")


def plain_name(name: bytes) -> bytes:
    """*name* as the origin's application may see it: CGI and its heirs read ``X_Forwarded_For`` as ``X-Forwarded-For``."""
    return name.lower().replace(b"_", b"-")


def end_to_end(lines: Lines) -> list[tuple[bytes, bytes]]:
    """The lines that are for the other side and not for this connection (§7.6.1); names in lower case."""
    named = {
        plain_name(option.strip(b" \t"))
        for name, value in lines
        if name.lower() == b"connection"
        for option in value.split(b",")
    }
    dropped = _HOP_BY_HOP | named
    return [(name.lower(), value) for name, value in lines if plain_name(name) not in dropped]


def has_passed_us(lines: Lines) -> bool:
    """Whether Via says that this message was here before (§7.6.3)."""
    for name, value in lines:
        if name.lower() == b"via":
            for member in _COMMENT.sub(b"", value).split(b","):
                if TOKEN in [word.lower() for word in member.split()[1:2]]:
                    return True
    return False


def request_lines(
    lines: Lines, *, peer: str, peer_is_trusted: bool, scheme: str, http_version: str
) -> list[tuple[bytes, bytes]]:
    """What an origin is sent of a request that came from *peer* over *scheme*.

    Only a trusted peer is believed what it says of those before it; whatever anybody else says of that is dropped, in
    every field that applications are known to read it from.
    """
    host = b", ".join(value for name, value in lines if name.lower() == b"host")
    kept: list[tuple[bytes, bytes]] = []
    told: dict[bytes, bytes] = {}
    for name, value in end_to_end(lines):
        plain = plain_name(name)
        if plain in _OF_THIS_HOP:
            continue
        if plain.startswith(b"x-forwarded-") or plain in (b"forwarded", b"x-real-ip"):
            if not peer_is_trusted or plain != name:
                continue
            if name in (b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"):
                told[name] = told[name] + b", " + value if name in told else value
                continue
        kept.append((name, value))
    chain = b", ".join(filter(None, (told.get(b"x-forwarded-for"), peer.encode("latin-1"))))
    ours = {
        b"x-forwarded-for": chain,
        b"x-forwarded-host": told.get(b"x-forwarded-host", host),
        b"x-forwarded-proto": told.get(b"x-forwarded-proto", scheme.encode("latin-1")),
        b"via": http_version.encode("latin-1") + b" " + TOKEN,
    }
    return [*kept, *((name, value) for name, value in ours.items() if value)]


_CLIENTS = frozenset({b"x-forwarded-for", b"x-forwarded-client-cert"})
_STEERING = frozenset({
    b"x-original-url", b"x-rewrite-url", b"x-original-host", b"x-host", b"x-http-method", b"x-http-method-override",
    b"x-method-override", b"x-http-host-override", b"x-original-uri", b"x-override-url", b"x-real-host",
})  # fmt: skip


def site_of(lines: Lines) -> str:
    """What the forwarded *lines* tell the origin of the URL beyond path and query: host, scheme, port, prefix.

    Applications build links and redirects from it without ever saying ``Vary``: whoever asked for another host must not
    be able to choose what this one's visitors get.
    """
    told = []
    for name, value in lines:
        plain = plain_name(name)
        if plain == b"forwarded":
            pairs = [pair.strip(b" \t") for member in value.split(b",") for pair in member.split(b";")]
            value = b";".join(pair for pair in pairs if not pair.lower().startswith((b"for=", b"by=")))
        elif not plain.startswith(b"x-forwarded-") or plain in _CLIENTS:
            continue
        told.append(f"{plain.decode('latin-1')}: {value.decode('latin-1').strip().lower()}")
    return "\n".join(sorted(told))


def is_about_the_way(name: bytes) -> bool:
    """Whether the field *name*, in lower case, is read by ``has_passed_us``, ``site_of`` or ``steers_the_origin``."""
    plain = plain_name(name)
    if plain.startswith(b"x-forwarded-"):
        return plain not in _CLIENTS
    return plain in (b"via", b"forwarded") or plain in _STEERING


def steers_the_origin(lines: Lines) -> bool:
    """Whether a field is there by which frameworks let a request name another URL, host or method than its own."""
    return any(plain_name(name) in _STEERING for name, _ in lines)
