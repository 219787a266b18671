"""The concrete things a supervisor is made of, in one place, so that tests can run it with small stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from proxy import settings as tree
from proxy.supervisor.fleet import Slots


class Codecs(Protocol):
    """The codec processes of one configuration, and the shared memory that web workers and they meet in."""

    slots: Slots

    @property
    def board_fd(self) -> int: ...
    @property
    def queue_fd(self) -> int: ...
    @property
    def ready(self) -> bool: ...
    @property
    def processes(self) -> int: ...
    @property
    def queue_s(self) -> float:
        """Predicted seconds of work waiting."""
        ...

    @property
    def restarts(self) -> Mapping[str, int]:
        """Processes replaced since the start, by reason."""
        ...

    @property
    def written_bytes(self) -> int:
        """Bytes that web workers of this generation wrote to the disk tier."""
        ...

    async def start(self) -> None:
        """Start the processes; on failure or cancelling none is left.

        Raises:
            StartError: they cannot be started.
        """
        ...

    async def stop(self, grace_s: float) -> None:
        """End the processes once they are idle, or after *grace_s*; may be called again, and then hurries."""
        ...


class Sweeper(Protocol):
    """Keeps the disk tier within its budget."""

    @property
    def held_bytes(self) -> int | None: ...
    def stop(self) -> None: ...


class Parts(Protocol):
    """How the supervisor makes what it is made of."""

    web_command: tuple[str, ...]

    @property
    def epochs_fd(self) -> int:
        """Memory that all web workers share, those of earlier and later configurations, too.

        Raises:
            StartError: there is none to be had.
        """
        ...

    @property
    def presence_fd(self) -> int:
        """As ``epochs_fd``, of what the disk tier has."""
        ...

    def recent_fd(self, settings: tree.Settings) -> int:
        """A descriptor of memory in which the web workers of one generation show each other what they made; the caller closes it.

        Raises:
            StartError: there is none to be had.
        """
        ...

    @property
    def writer_fd(self) -> int:
        """As ``epochs_fd``, of the queue in which web workers say hello to who writes the disk tier's files."""
        ...

    async def keep_writing(self, nice: int) -> None:
        """Keep a process that does, nicer than this one, until cancelled; then it finishes what it was asked for."""
        ...

    async def capabilities(self) -> Mapping[str, object]:
        """What this build can decode and encode, and of what it is built; asked of a process of its own.

        Raises:
            StartError: that process failed.
        """
        ...

    def codecs(self, settings: tree.Codec) -> Codecs:
        """Made, not started.

        Raises:
            StartError: the system has no room for more.
        """
        ...

    def sweeper(self, settings: tree.DiskCache, written_bytes: Callable[[], int]) -> Sweeper: ...
    def web_settings(self, settings: tree.Settings) -> object:
        """The tree as JSON, secrets included, for the web workers."""
        ...
