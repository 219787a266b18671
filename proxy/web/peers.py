"""Who connects to us, and whom we believe about those who connected to them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Peers:
    """The networks of ``server.trusted_proxies``."""

    def __init__(self, trusted: Iterable[Network] = ()) -> None:
        self._trusted = tuple(trusted)
        self.trusts_some = bool(self._trusted)
        self.trusts: Callable[[str], bool] = lru_cache(4_096)(self._trusts)
        """Whether what an address says of the clients before it is believed."""

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)

    def client(self, peer: str, forwarded_for: str | None) -> str:
        """The client's address: X-Forwarded-For is believed only as far as trusted proxies wrote it."""
        address = peer
        for hop in reversed([hop.strip() for hop in (forwarded_for or "").split(",")]):
            if not hop or not self.trusts(address):
                break
            address = hop
        return address
