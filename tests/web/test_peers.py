"""Whom we believe about the clients behind them."""

from __future__ import annotations

import ipaddress

import pytest

from proxy.web.peers import Peers

NETWORKS = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # not from a proxy of ours: a claim
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),  # what the client wrote itself stands left
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "junk", "junk"),
        ("2001:db8::1", "198.51.100.7", "198.51.100.7"),
    ],
)
def test_forwarded_addresses_are_believed_as_far_as_proxies_are_trusted(peer: str, forwarded: str, client: str) -> None:
    assert Peers(NETWORKS).client(peer, forwarded) == client


@pytest.mark.parametrize(
    ("peer", "trusted"), [("10.1.2.3", True), ("2001:db8::9", True), ("11.0.0.1", False), ("", False), ("junk", False)]
)
def test_only_addresses_of_the_networks_are_trusted(peer: str, trusted: bool) -> None:
    assert Peers(NETWORKS).trusts(peer) is trusted
    assert not Peers().trusts(peer)
