"""Whether the client is still there: work that only it wanted is cancelled when it closes the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

T = TypeVar("T")


class ClientGoneError(Exception):
    """The client closed the connection."""


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The result of *work*, cancelled as soon as the client closes the connection.

    Raises:
        ClientGoneError: the client did.
    """
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientGoneError
    finally:
        watching.cancel()
        if not working.done():
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        del working  # has what it raised, and that has this frame: parting them would take the garbage collector


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
