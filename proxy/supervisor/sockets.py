"""Binding the listening sockets, once, before anything else is started."""

from __future__ import annotations

import os
import socket

BACKLOG = 2048


class StartError(Exception):
    """The server cannot start; the text is one sentence for the operator."""


def listen(host: str, port: int, *, name: str) -> socket.socket:
    """A non-blocking TCP socket listening on *host* and *port* (0: any free one); "" is every address of the machine.

    One socket, inherited by every web worker: with SO_REUSEPORT a killed worker would take its accept queue with it.

    Raises:
        StartError: naming *name* (the key of the configuration), the address and what is wrong with it.
    """
    where = f"{name}: cannot listen on {address(host, port)}"
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        raise StartError(f"{where}: no such host") from None
    family, kind, protocol, _, target = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # "::" serves IPv4 too, whatever the machine's default: a container has one address to bind.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if target[0] == "::" else 1)
        sock.bind(target)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise StartError(f"{where}: {os.strerror(error.errno or 0).lower()}") from None
    return sock


def bound(sock: socket.socket) -> tuple[str, int]:
    """The address *sock* really has."""
    host, port = sock.getsockname()[:2]
    return str(host), int(port)


def address(host: str, port: int) -> str:
    """``host:port`` as a URL writes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host or '0.0.0.0'}:{port}"  # noqa: S104 - only shown
