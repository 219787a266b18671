"""The pool of connections: kept, never more than allowed, and nobody who waits is forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import random

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.origins.pool import ConnectionPool
from proxy.origins.transport import tls_context

HERE = httpcore.Origin(b"http", b"here", 80)
THERE = httpcore.Origin(b"http", b"there", 80)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Wire(httpcore.AsyncMockStream):
    """A server that answers everything alike until it hangs up."""

    def __init__(self) -> None:
        super().__init__([])
        self.hung_up = False
        self.closed = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        await asyncio.sleep(0)
        return ANSWER

    async def aclose(self) -> None:
        self.closed = True
        await asyncio.sleep(0)

    def get_extra_info(self, info: str) -> object:
        return self.hung_up if info == "is_readable" else None


class Net(httpcore.AsyncNetworkBackend):
    def __init__(self) -> None:
        self.wires: list[Wire] = []

    async def connect_tcp(self, *_: object, **__: object) -> Wire:
        await asyncio.sleep(0)
        self.wires.append(Wire())
        return self.wires[-1]

    @property
    def open(self) -> int:
        return sum(not wire.closed for wire in self.wires)


@pytest.fixture
def net() -> Net:
    return Net()


def pool_of(net: Net, places: int) -> ConnectionPool:
    return ConnectionPool(net, tls_context(), max_connections=places)


async def use(connection: httpcore.AsyncHTTPConnection, origin: httpcore.Origin) -> None:
    """One request, its answer read to the end."""
    url = httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=b"/")
    answer = await connection.handle_async_request(httpcore.Request("GET", url, headers=[("Host", "h")]))
    await answer.aread()
    await answer.aclose()


async def fetch(pool: ConnectionPool, origin: httpcore.Origin = HERE) -> None:
    connection = await pool.take(origin, 5)
    try:
        await use(connection, origin)
    finally:
        await pool.give_back(connection, origin)


async def test_the_connection_used_last_is_used_next(net) -> None:
    pool = pool_of(net, 4)
    one, two = await pool.take(HERE, 5), await pool.take(HERE, 5)
    for each in (one, two):
        await use(each, HERE)
        await pool.give_back(each, HERE)
    assert await pool.take(HERE, 5) is two
    assert await pool.take(HERE, 5) is one
    assert len(net.wires) == 2
    await pool.aclose()
    assert net.open == 0  # those in use, too


async def test_a_connection_that_was_hung_up_is_not_used_again(net) -> None:
    pool = pool_of(net, 1)
    await fetch(pool)
    net.wires[0].hung_up = True
    await fetch(pool)
    assert [wire.closed for wire in net.wires] == [True, False]


async def test_one_that_was_not_read_to_the_end_is_closed(net) -> None:
    pool = pool_of(net, 1)
    connection = await pool.take(HERE, 5)
    url = httpcore.URL(scheme=b"http", host=b"here", port=80, target=b"/")
    answer = await connection.handle_async_request(httpcore.Request("GET", url, headers=[("Host", "h")]))
    await answer.aclose()
    await pool.give_back(connection, HERE)
    assert net.open == 0
    await fetch(pool)
    assert net.open == 1


async def test_an_idle_connection_to_elsewhere_makes_room(net) -> None:
    pool = pool_of(net, 1)
    await fetch(pool, THERE)
    await fetch(pool, HERE)
    assert [wire.closed for wire in net.wires] == [True, False]


async def test_who_makes_room_takes_what_comes_back_meanwhile(net) -> None:
    pool = pool_of(net, 2)
    held = await pool.take(HERE, 5)
    await use(held, HERE)
    await fetch(pool, THERE)
    taking = asyncio.create_task(pool.take(HERE, 5))
    await asyncio.sleep(0)  # it is closing the one to elsewhere
    await pool.take(THERE, 5)  # somebody else has that place
    await pool.give_back(held, HERE)
    assert await taking is held
    await pool.aclose()


async def test_who_waits_longest_is_served_first(net) -> None:
    pool = pool_of(net, 1)
    held = await pool.take(HERE, 5)
    served: list[int] = []

    async def wait(number: int, origin: httpcore.Origin) -> None:
        connection = await pool.take(origin, 5)
        served.append(number)
        await use(connection, origin)
        await pool.give_back(connection, origin)

    waiting = [asyncio.create_task(wait(number, THERE if number == 1 else HERE)) for number in range(4)]
    await asyncio.sleep(0)
    waiting[2].cancel()
    await use(held, HERE)
    await pool.give_back(held, HERE)
    await asyncio.gather(*waiting, return_exceptions=True)
    assert served == [0, 1, 3]
    assert net.open == 1


async def test_waiting_has_an_end(net) -> None:
    pool = pool_of(net, 1)
    held = await pool.take(HERE, 5)
    with pytest.raises(httpcore.PoolTimeout):
        await pool.take(HERE, 0)
    await pool.give_back(held, HERE)
    await fetch(pool)  # its place is nobody's


async def test_who_is_cancelled_when_just_served_passes_it_on(net) -> None:
    pool = pool_of(net, 1)
    held = await pool.take(HERE, 5)
    first, second = (asyncio.create_task(fetch(pool)) for _ in range(2))
    await asyncio.sleep(0)
    await use(held, HERE)
    await pool.give_back(held, HERE)  # to the first
    first.cancel()
    await second
    assert first.cancelled()
    await fetch(pool)


@given(st.integers(1, 3), st.integers(0, 2**32))
def test_whatever_happens_places_are_neither_exceeded_nor_lost(places: int, seed: int) -> None:
    choose = random.Random(seed)

    async def run() -> None:
        net, in_use = Net(), 0
        pool = pool_of(net, places)

        async def one() -> None:
            nonlocal in_use
            origin = choose.choice((HERE, HERE, THERE))
            for _ in range(choose.randrange(4)):
                await asyncio.sleep(0)
            connection = await pool.take(origin, 5)
            in_use += 1
            assert in_use <= places
            try:
                for _ in range(choose.randrange(3)):
                    await asyncio.sleep(0)
                match choose.randrange(4):
                    case 0:
                        pass  # given up before it was asked anything
                    case 1:
                        await use(connection, origin)
                        net.wires[-1].hung_up = True
                    case _:
                        await use(connection, origin)
            finally:
                in_use -= 1
                await pool.give_back(connection, origin)

        tasks = [asyncio.create_task(one()) for _ in range(12)]
        for _ in range(choose.randrange(30)):
            await asyncio.sleep(0)
            if choose.randrange(3) == 0:
                choose.choice(tasks).cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        # Every place is there again, and taken at once.
        for each in [await pool.take(HERE, 0) for _ in range(places)]:
            await pool.give_back(each, HERE)
        await pool.aclose()
        assert net.open == 0

    asyncio.run(run())
