"""Which URLs and addresses an origin may be called at: pure rules against server-side request forgery.

The rule is about addresses, not names: a name is checked by what it resolves to, at the moment of connecting
(``dialer``).  Everything is denied that the IANA special-purpose registries do not call globally reachable, and with it
every IPv6 form that carries an IPv4 address inside.  Nothing here opens a socket or resolves a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urljoin

from proxy.errors import OriginForbidden

Address = IPv4Address | IPv6Address


def _v4(networks: Iterable[str]) -> tuple[IPv4Network, ...]:
    return tuple(map(IPv4Network, networks))


def _v6(networks: Iterable[str]) -> tuple[IPv6Network, ...]:
    return tuple(map(IPv6Network, networks))


# Written out, because ``ipaddress.is_global`` answers differently between patch releases (CVE-2024-4032).
_NOT_GLOBAL_V4 = _v4((
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4",
))  # fmt: skip
# Only 2000::/3 is allocated as global unicast; inside it: IETF assignments with Teredo, documentation, 6to4.
_GLOBAL_V6 = IPv6Network("2000::/3")
_NOT_GLOBAL_V6 = _v6(("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
# What ``allow_private`` opens.  Link-local is not in it: that is where cloud metadata lives.
_PRIVATE_V4 = _v4((
    "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15",
))  # fmt: skip
_PRIVATE_V6 = _v6(("::1/128", "fc00::/7"))
# Metadata services at addresses that look global (Azure's wire server) or private (Alibaba, AWS, Google over IPv6).
_METADATA: frozenset[Address] = frozenset(
    map(ip_address, ("168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254", "fd00:42::42"))
)
# RFC 5214 §6.1: 00-00-5E-FE (or 02-00-5E-FE) and an IPv4 address make an ISATAP interface identifier under any prefix.
_ISATAP = (0x00005EFE, 0x02005EFE)


def is_global(address: str | Address) -> bool:
    """Whether *address* is one that anyone on the public Internet could call; False for what is no address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if ip in _METADATA:
        return False
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _NOT_GLOBAL_V4)
    if ip.scope_id is not None or ip not in _GLOBAL_V6 or any(ip in network for network in _NOT_GLOBAL_V6):
        return False
    interface = int(ip) & 0xFFFF_FFFF_FFFF_FFFF
    return interface >> 32 not in _ISATAP or is_global(IPv4Address(interface & 0xFFFF_FFFF))


def may_call(address: str | Address, *, allow_private: bool = False) -> bool:
    """Whether an origin may be called at *address*; *allow_private* adds private networks and loopback, no more."""
    if is_global(address):
        return True
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if not allow_private or ip in _METADATA:
        return False
    if isinstance(ip, IPv4Address):
        return any(ip in network for network in _PRIVATE_V4)
    return ip.scope_id is None and any(ip in network for network in _PRIVATE_V6)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be requested, as far as its text can tell."""

    url: str
    scheme: str
    host: str
    port: int

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port (RFC 9110 §4.3.1): credentials are sent within one origin only."""
        return self.scheme, self.host, self.port


_URL = re.compile(r"(?i)https?://(?P<authority>[^/?#]+)(?:[/?#]|\Z)")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(?::(?P<port>[0-9]{1,5}))?")
_NOT_IN_URLS = re.compile(r"[^\x21-\x7e]|[\\\"<>^`{|}]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PORTS = {"http": 80, "https": 443}


def check_url(url: str) -> Target:
    """Read an absolute URL strictly, so that no two parsers can disagree about its host.

    Raises:
        OriginForbidden: another scheme, user information, control characters, backslashes, or no proper host and port.
    """
    if len(url) > 8192 or _NOT_IN_URLS.search(url):
        raise OriginForbidden(f"characters not allowed in a URL: {url[:200]!r}")
    found = _URL.match(url)
    authority = _AUTHORITY.fullmatch(found["authority"]) if found else None
    if found is None or authority is None:
        raise OriginForbidden(f"not an http(s) URL with a plain host: {url[:200]!r}")
    scheme = url.partition(":")[0].lower()
    host = authority["host"].lower()
    port = int(authority["port"] or _PORTS[scheme])
    if not 1 <= port <= 65535 or (host.startswith("[") and not _is_address(host[1:-1])):
        raise OriginForbidden(f"no such host or port: {url[:200]!r}")
    return Target(url, scheme, host, port)


def check_redirect(base: Target, location: str) -> Target:
    """Where a redirect from *base* leads; a relative *location* is resolved against it (RFC 9110 §10.2.2).

    Raises:
        OriginForbidden: as ``check_url``.
    """
    # Servers write these bytes (fields are read as Latin-1) although a URL may not; browsers escape them and so do we.
    # A host that holds one is refused below; so is a backslash, which parsers disagree about.
    text = re.sub(r"[\x20\x80-\xff\"<>^`{|}]", lambda found: f"%{ord(found[0]):02X}", location)
    if _NOT_IN_URLS.search(text):
        raise OriginForbidden(f"characters not allowed in a redirect: {location[:200]!r}")
    text = text.partition("#")[0]
    if _SCHEME.match(text):
        return check_url(text)
    if text.startswith("//"):  # checked as it stands: urljoin would overlook an empty host
        return check_url(f"{base.scheme}:{text}")
    return check_url(urljoin(base.url, text))


def _is_address(text: str) -> bool:
    try:
        return isinstance(ip_address(text), IPv6Address)
    except ValueError:
        return False
