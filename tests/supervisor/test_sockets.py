"""Listening sockets, and what is said when one cannot be had."""

from __future__ import annotations

import socket

import pytest

from proxy.supervisor.sockets import StartError, address, bound, listen


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


IPV6 = pytest.mark.skipif(not has_ipv6(), reason="needs IPv6 on loopback")


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("localhost", ["localhost"]),
        ("0.0.0.0", ["127.0.0.1"]),
        ("", ["127.0.0.1"]),
        pytest.param("::1", ["::1"], marks=IPV6),
        pytest.param("::", ["::1", "127.0.0.1"], marks=IPV6),
    ],
)
def test_a_host_is_listened_on_at_a_free_port(host, reached):
    with listen(host, 0, name="server") as sock:
        port = bound(sock)[1]
        assert port > 0
        assert not sock.getblocking()
        assert not sock.get_inheritable()
        for target in reached:
            socket.create_connection((target, port), timeout=5).close()


def test_a_port_that_was_just_used_can_be_used_again():
    with listen("127.0.0.1", 0, name="server") as sock:
        port = bound(sock)[1]
        client = socket.create_connection(("127.0.0.1", port), timeout=5)
        sock.setblocking(True)
        sock.accept()[0].close()
        client.close()
    listen("127.0.0.1", port, name="server").close()


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("127.0.0.1", "admin: cannot listen on 127.0.0.1:{port}: address already in use"),
        ("192.0.2.1", "admin: cannot listen on 192.0.2.1:{port}: cannot assign requested address"),
        ("no-such-host.invalid", "admin: cannot listen on no-such-host.invalid:{port}: no such host"),
        ("a" * 70, "admin: cannot listen on " + "a" * 70 + ":{port}: no such host"),
    ],
)
def test_what_cannot_be_listened_on_is_said_in_one_sentence(host, sentence):
    with listen("127.0.0.1", 0, name="server") as taken:
        port = bound(taken)[1]
        with pytest.raises(StartError) as caught:
            listen(host, port, name="admin")
    assert str(caught.value) == sentence.format(port=port)


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("", "0.0.0.0:80"), ("a.example", "a.example:80")],
)
def test_an_address_is_written_as_in_a_url(host, shown):
    assert address(host, 80) == shown
