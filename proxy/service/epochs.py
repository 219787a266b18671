"""Numbers that tell a copy of something cached from before it became obsolete."""

from __future__ import annotations

from typing import Protocol

_SLOTS = 65_536


class Epochs(Protocol):
    """Numbers that change and never come back: a copy taken under another number of its key than today's is not used.

    Cheap, because every hit asks.  Keys, which are in hex digits, may share a number.
    """

    def of(self, key: str) -> int: ...
    def bump(self, key: str) -> None: ...


class LocalEpochs:
    """``Epochs`` in plain integers; other processes see nothing of them."""

    def __init__(self) -> None:
        self._slots = [0] * _SLOTS

    def of(self, key: str) -> int:
        return self._slots[int(key[:4], 16)]

    def bump(self, key: str) -> None:
        self._slots[int(key[:4], 16)] += 1
