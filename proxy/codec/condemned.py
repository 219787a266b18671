"""Verdicts that cost a codec process, told to every web worker of the node: one URL burns one process, not one per worker."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from proxy.codec.board import VERDICTS, Board
from proxy.errors import CodecDeadline, DecoderCrashed, MogrError

_KINDS: Mapping[int, tuple[type[MogrError], bool]] = MappingProxyType(
    {1: (DecoderCrashed, True), 2: (CodecDeadline, True), 3: (CodecDeadline, False)}
)
"""An error's number on the board: its class, and whether it condemns the source rather than what was asked of it."""
_KIND_BITS = 8


class Condemned:
    """What this web worker tells of verdicts, and hears of them.  Used from its event loop's thread.

    The latest of each web worker are kept, by a hash of what they are held against.  Codec processes could write them too: one
    that was taken over may so have pictures refused for a while, which it could have by crashing.
    """

    def __init__(self, board: Board, web_slot: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self._board = board
        self._slot = board.web(web_slot)
        self._now_s = now_s
        self._told = 0

    def tell(self, key: str, error: MogrError, ttl_s: float) -> None:
        """*error* is held against *key* for *ttl_s*; one that cost no codec process is nobody else's business."""
        for number, (class_, condemns) in _KINDS.items():
            if type(error) is class_ and error.condemns is condemns:
                until_ms = int((self._now_s() + ttl_s) * 1e3)
                self._slot.condemn(self._told % VERDICTS, mark_of(key), until_ms << _KIND_BITS | number)
                self._told += 1

    def heard(self, key: str) -> MogrError | None:
        """The error that some web worker holds against *key*; None if there is none, any more."""
        said = self._board.condemned(mark_of(key))
        until_ms, number = said >> _KIND_BITS, said & ((1 << _KIND_BITS) - 1)
        if number not in _KINDS or self._now_s() * 1e3 >= until_ms:
            return None
        class_, condemns = _KINDS[number]
        error = class_("told by another web worker")
        error.condemns = condemns
        return error


def mark_of(key: str) -> int:
    """A number for *key* that no other has by chance; positive, as a word is signed."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") >> 1 | 1
