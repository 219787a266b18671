"""What replicas tell each other, where something is configured that carries it.

No method raises for what that something does: it may be away, slow or silent, and then nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is to do a piece of work."""

    state: Literal["ours", "theirs", "done", "unknown"]
    """``done``: somebody else has lately finished it; ``unknown``: nobody says."""
    mark: str = ""
    """Of ``done``: names that end of the work, see ``Leases.take``."""


class Leases(Protocol):
    """Who does a piece of work, of all replicas and their web workers."""

    async def take(self, name: str, token: str, ttl_s: float, *, past: str = "") -> Turn:
        """Make *name* ours for *ttl_s* under *token*, unless it is somebody's or done.

        *past*: the ``mark`` of an end that turned out to be of no use to us; only a later one counts.
        """
        ...

    async def renew(self, name: str, token: str, ttl_s: float) -> None:
        """Keep *name* for *ttl_s* from now on, if it is still ours."""
        ...

    async def release(self, name: str, token: str, *, done: bool) -> None:
        """Give *name* back if it is still ours; *done*: the result can be had, which is remembered for a while."""
        ...


class Announcements(Protocol):
    """Short texts that every replica gets, in order, its own included."""

    async def send(self, text: str) -> bool:
        """Whether *text* was taken: those who listen then get it soon, and who starts later, too."""
        ...

    async def receive(self, wait_s: float) -> Sequence[str] | None:
        """The next ones not received before, after at most about *wait_s*; None: nobody says, and it is later that
        asking again makes sense.
        """
        ...

    retry_s: float
    """How much later."""
