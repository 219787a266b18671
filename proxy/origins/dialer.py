"""Opening connections to checked addresses only: httpcore's network backend, with the name resolved by us.

The check is made on the address that is connected to, after resolving and before a byte is sent.  So a name that answers
differently a second time (DNS rebinding) gains nothing, and a pooled connection is one that was checked when it was made.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address

import httpcore

from proxy.errors import OriginForbidden
from proxy.origins import guard
from proxy.origins.framing import FramedStream

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""From host and port to addresses, best first; raises OSError if there is none."""


class UnknownHost(httpcore.ConnectError):
    """The name does not resolve."""


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses the system's resolver gives, in its order (RFC 6724), zone identifiers kept."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(_text(sockaddr) for *_, sockaddr in found))


def _text(sockaddr: tuple[object, ...]) -> str:
    address = str(sockaddr[0])
    zone = sockaddr[3] if len(sockaddr) == 4 else 0
    return f"{address}%{zone}" if zone and "%" not in address else address


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, drops every address that may not be called, and connects to one of the rest by its number."""

    def __init__(
        self,
        *,
        allow_private: bool,
        resolve: Resolver = system_resolver,
        backend: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._backend = backend or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first allowed address that answers; *timeout* is for resolving and all attempts together.

        Raises:
            OriginForbidden: no address of the name may be called.
            httpcore.ConnectError, httpcore.ConnectTimeout: none answered; ``UnknownHost`` if there was none.
        """
        now = asyncio.get_running_loop().time
        deadline_s = None if timeout is None else now() + timeout
        addresses = await self._allowed(host, port, timeout)
        failure: httpcore.NetworkError | httpcore.TimeoutException | None = None
        for index, address in enumerate(addresses):
            # An address that swallows packets may use up its share of the time, not that of the others.
            share_s = None if deadline_s is None else max(0.01, (deadline_s - now()) / (len(addresses) - index))
            try:
                stream = await self._backend.connect_tcp(address, port, share_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            peer = stream.get_extra_info("server_addr")
            if not peer or ip_address(peer[0]) != ip_address(address):
                await stream.aclose()
                raise OriginForbidden(f"{host} connected to {peer!r} instead of {address}")
            return FramedStream(stream)
        raise failure or UnknownHost(host)

    async def sleep(self, seconds: float) -> None:
        """Wait, as httpcore asks between its attempts."""
        await asyncio.sleep(seconds)

    async def _allowed(self, host: str, port: int, timeout_s: float | None) -> Sequence[str]:
        try:
            async with asyncio.timeout(timeout_s):
                found = await self._resolve(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"resolving {host}") from None
        except (OSError, UnicodeError) as error:
            raise UnknownHost(f"{host}: {error}") from error
        allowed = [address for address in found if guard.may_call(address, allow_private=self._allow_private)]
        if found and not allowed:
            raise OriginForbidden(f"{host} is at {', '.join(found)}, which may not be called")
        return allowed
