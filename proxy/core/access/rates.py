"""How often a client may ask: a token bucket for each address, in bounded memory (the generic cell rate algorithm)."""

from __future__ import annotations

import ipaddress
import math
import re
from collections import OrderedDict
from functools import lru_cache
from typing import Final

MAX_CLIENTS: Final = 65_536
"""Remembered at a time; with more, whoever asked longest ago is forgotten, and may begin anew."""
_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d+|\[([^\]]+)\](?::\d+)?")
_MAX_CHARS: Final = 64


@lru_cache(maxsize=4_096)
def client_of(address: str) -> str:
    """Whom *address* counts as: an IPv4 address, or the /64 of an IPv6 one, which is what a subscriber is given."""
    with_port = _PORT.fullmatch(address)
    text = (with_port[1] or with_port[2]) if with_port else address
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text[:_MAX_CHARS]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return f"{parsed.exploded[:19]}::/64"
    return str(parsed)


class Rates:
    """The clients of one bucket, seen by one web worker.

    For each only the time is kept at which its tokens would be all there again.
    """

    def __init__(self, per_s: float, burst: int, *, max_clients: int = MAX_CLIENTS) -> None:
        """*per_s* requests a second on average, *burst* at once."""
        self._interval_s = 1 / per_s
        self._allowance_s = burst / per_s
        self._max_clients = max_clients
        self._full_at_s: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at_s)

    def take(self, client: str, now_s: float) -> int | None:
        """Take a token; None if there was one, else the whole seconds until there is.

        A clock that is set back costs a client no more than its burst.
        """
        full_at_s = max(now_s, min(self._full_at_s.get(client, 0.0), now_s + self._allowance_s))
        after_s = full_at_s + self._interval_s
        wait_s = after_s - now_s - self._allowance_s
        if wait_s > 1e-9:  # as much as floats lose
            self._remember(client, full_at_s)
            return max(1, math.ceil(wait_s))
        self._remember(client, after_s)
        return None

    def _remember(self, client: str, full_at_s: float) -> None:
        self._full_at_s[client] = full_at_s
        self._full_at_s.move_to_end(client)
        if len(self._full_at_s) > self._max_clients:
            self._full_at_s.popitem(last=False)
