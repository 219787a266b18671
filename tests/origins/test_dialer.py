"""Connections go to checked addresses only (security test T3)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import httpcore
import pytest

from proxy.errors import OriginForbidden
from proxy.origins.dialer import GuardedBackend, UnknownHost, system_resolver


class Stream(httpcore.AsyncNetworkStream):
    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.closed = False

    def get_extra_info(self, info: str):
        return (self.peer, 80) if info == "server_addr" else None

    async def aclose(self) -> None:
        self.closed = True


class Network(httpcore.AsyncNetworkBackend):
    """Remembers what was dialled; addresses in *down* refuse, those in *deaf* time out."""

    def __init__(self, *, down: Sequence[str] = (), deaf: Sequence[str] = (), lies: str | None = None) -> None:
        self.dialled: list[str] = []
        self.timeouts: list[float | None] = []
        self.streams: list[Stream] = []
        self._down, self._deaf, self._lies = down, deaf, lies

    async def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        self.dialled.append(host)
        self.timeouts.append(timeout)
        if host in self._down:
            raise httpcore.ConnectError(host)
        if host in self._deaf:
            raise httpcore.ConnectTimeout(host)
        self.streams.append(Stream(self._lies or host))
        return self.streams[-1]


def answering(*rounds: Sequence[str]):
    """A resolver that gives another answer each time."""
    left = list(rounds)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def backend(network: Network, *rounds: Sequence[str], allow_private: bool = False) -> GuardedBackend:
    return GuardedBackend(allow_private=allow_private, resolve=answering(*rounds), backend=network)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1%2", "::ffff:8.8.8.8"])
async def test_a_name_with_a_forbidden_address_is_not_called(address):
    network = Network()
    with pytest.raises(OriginForbidden):
        await backend(network, [address]).connect_tcp("name", 80)
    assert network.dialled == []


async def test_only_the_allowed_addresses_of_a_name_are_called():
    network = Network()
    await backend(network, ["10.0.0.1", "8.8.8.8", "::1"]).connect_tcp("name", 80)
    assert network.dialled == ["8.8.8.8"]


async def test_private_addresses_are_called_where_allowed_but_never_metadata():
    network = Network()
    await backend(network, ["169.254.169.254", "10.0.0.1"], allow_private=True).connect_tcp("name", 80)
    assert network.dialled == ["10.0.0.1"]


async def test_what_was_checked_is_what_is_dialled_even_if_the_name_changes_its_mind():
    network = Network()
    guarded = backend(network, ["8.8.8.8"], ["127.0.0.1"])
    await guarded.connect_tcp("rebinding", 80)
    with pytest.raises(OriginForbidden):
        await guarded.connect_tcp("rebinding", 80)
    assert network.dialled == ["8.8.8.8"]


async def test_a_connection_that_reached_another_peer_is_closed():
    network = Network(lies="10.0.0.1")
    with pytest.raises(OriginForbidden):
        await backend(network, ["8.8.8.8"]).connect_tcp("name", 80)
    assert network.streams[0].closed


async def test_the_next_address_is_tried_and_has_time_left():
    network = Network(down=["8.8.8.8"], deaf=["8.8.4.4"])
    await backend(network, ["8.8.8.8", "8.8.4.4", "1.1.1.1"]).connect_tcp("name", 80, timeout=3.0)
    assert network.dialled == ["8.8.8.8", "8.8.4.4", "1.1.1.1"]
    assert network.timeouts[0] == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(
    ("network", "error"),
    [(Network(down=["8.8.8.8"]), httpcore.ConnectError), (Network(deaf=["8.8.8.8"]), httpcore.ConnectTimeout)],
)
async def test_when_none_answers_the_last_failure_is_told(network, error):
    with pytest.raises(error):
        await backend(network, ["8.8.8.8"]).connect_tcp("name", 80)


@pytest.mark.parametrize("failure", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
async def test_a_name_that_does_not_resolve_is_an_unknown_host(failure):
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise failure

    with pytest.raises(UnknownHost):
        await GuardedBackend(allow_private=False, resolve=resolve, backend=Network()).connect_tcp("name", 80)


async def test_a_name_without_addresses_is_an_unknown_host():
    with pytest.raises(UnknownHost):
        await backend(Network(), []).connect_tcp("name", 80)


async def test_resolving_counts_towards_the_time_to_connect():
    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(httpcore.ConnectTimeout):
        await GuardedBackend(allow_private=False, resolve=resolve, backend=Network()).connect_tcp("n", 80, timeout=0.01)


@pytest.mark.parametrize("name", ["2130706433", "0x7f.1", "0177.1", "127.1", "localhost", "127.0.0.1", "0", "::1"])
async def test_odd_names_of_this_machine_resolve_to_what_is_then_refused(name):
    network = Network()
    with pytest.raises((OriginForbidden, UnknownHost)):
        await GuardedBackend(allow_private=False, resolve=system_resolver, backend=network).connect_tcp(name, 80)
    assert network.dialled == []
