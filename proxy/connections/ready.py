"""Answers that are ready to be sent: hits as bytes, found by the request's own bytes.

An answer is made ready when the whole of the server has answered the same request from memory (``proxy.web.ready``).  It
is sent as long as that would come to the same again, and no longer: what it was made of is still in memory, nothing was
purged since, and it is fresh.  Bodies are those of the memory tier; what that gives up is kept alive by nobody here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from proxy.connections.answer import Ready
from proxy.connections.parts import cut
from proxy.connections.plain_heads import PICKING, Fields, PlainHeads

SCOPE_KEY = "mogr.target"
"""Where the application finds the ``Target`` of a request that would be answered below it, were its answer ready."""
MAX_SPELLINGS = 16
"""Of the fields that pick an answer, for one URL; browsers have about six of ``Accept``."""
URL_BYTES = 768
"""Counted for every URL beside its own bytes and those of its answers."""
_IDS_AT_ONCE = 256
_ID_CHARS = 24


@dataclass(frozen=True, slots=True)
class Target:
    """The bytes that an answer may be found by, ``host`` among the fields."""

    target: bytes
    fields: Fields

    @property
    def key(self) -> tuple[bytes, bytes]:
        return self.fields[b"host"], self.target


Spelling = bytes | tuple[bytes | None, ...] | None
"""The values of the fields that pick an answer; of one field, its own."""


class Note(Protocol):
    """Told of each answer, for the access log."""

    def __call__(
        self, asked: Target, peer: str, method: str, request_id: str, status: int, seconds: float, sent_bytes: int,
        cache: str,
    ) -> None: ...  # fmt: skip


class Generations(Protocol):
    """The ledger of purges, as far as it matters here."""

    @property
    def generation(self) -> int: ...


class _Url:
    """What is ready for one URL, by the values of the fields that pick."""

    __slots__ = ("answers", "size_bytes", "used", "vary")

    def __init__(self, vary: tuple[bytes, ...], size_bytes: int) -> None:
        self.vary = vary
        self.size_bytes = size_bytes
        self.used = False
        """Since its turn to go came last."""
        self.answers: dict[Spelling, Ready] = {}


class ReadyAnswers:
    """Those of one web worker, within *max_bytes*; URLs that nobody asked for go first.

    Args:
        now_s: the time, in seconds since the epoch.
        count: told of each answer: its kind, status, seconds, bytes of body.
        matters: which fields, by name, answers depend on that are not those of pictures; see ``PlainHeads``.
    """

    def __init__(
        self,
        *,
        now_s: Callable[[], float],
        ledger: Generations,
        max_bytes: int,
        count: Callable[[str, int, float, int], None],
        note: Note | None = None,
        matters: Callable[[bytes], bool] | None = None,
    ) -> None:
        self._now_s = now_s
        self._ledger = ledger
        self._max_bytes = max_bytes
        self._count = count
        self._note = note
        self.heads = PlainHeads(logged=note is not None, matters=matters)
        """What the fields of requests are read by."""
        self.elsewhere: Callable[[Target], bool] | None = None
        """Asked for what is not ready: whether it is now, as it was elsewhere."""
        self._urls: dict[tuple[bytes, bytes], _Url] = {}
        self.used_bytes = 0
        self._ids = b""
        self._next_id = 0

    def __len__(self) -> int:
        return sum(len(url.answers) for url in self._urls.values())

    def send(
        self,
        write: Callable[[tuple[bytes, bytes | memoryview[int]]], None],
        target: bytes,
        fields: Fields,
        head_only: bool,
        closing: bool,
        peer: str,
    ) -> bool:
        """Answer a GET or (*head_only*) HEAD of *target* if its answer is ready; *closing*: it is the connection's last.

        *fields* are those of the request, ``host`` among them; that they allow such an answer is for the caller to know.
        """
        started_s = perf_counter()
        key = fields[b"host"], target
        url = self._urls.get(key)
        ready = None if url is None else url.answers.get(_spelling(url.vary, fields))
        if url is None or ready is None:
            if self.elsewhere is None or not self.elsewhere(Target(target, fields)):
                return False
            url = self._urls.get(key)
            ready = None if url is None else url.answers.get(_spelling(url.vary, fields))
            if url is None or ready is None:  # too large to keep
                return False
        now_s = self._now_s()
        content, passing = ready.content.value, ready.passing
        if (
            content is None
            or ready.generation != self._ledger.generation
            or not (ready.from_s <= now_s < ready.till_s or ready.renew(now_s))
            or (ready.others and any(place.value is None for place in ready.others))
            or ready.facts.value is None
            or (passing is not None and not passing.holds())
        ):
            self._drop(*key)
            return False
        if passing is not None and not passing.admits(fields, peer):
            return False
        unchanged = ready.is_unchanged(fields)
        if unchanged is None:
            return False
        body: bytes | memoryview[int]
        if unchanged:
            status, body = 304, b""
            head, after_id = ready.unchanged_begin, ready.unchanged.after_id
        else:
            status, body = 200, b"" if head_only else content.body
            head, after_id = ready.whole_begin, ready.whole.after_id
        request_id = self._fresh_id()
        if after_id is not None:
            head += request_id + after_id
        wanted = fields.get(b"range")
        if wanted is not None and not (unchanged or head_only):
            cutting = cut(head, content.body, wanted)
            if cutting is None:
                return False
            status, head, body = cutting
        if closing:
            head = head[:-2] + b"connection: close\r\n\r\n"
        write((head, body))
        url.used = True
        seconds = perf_counter() - started_s
        self._count(ready.kind, status, seconds, len(body))
        if self._note is not None:
            method = "HEAD" if head_only else "GET"
            asked = Target(target, fields)
            self._note(asked, peer, method, request_id.decode(), status, seconds, len(body), ready.cache_status)
        return True

    def _fresh_id(self) -> bytes:
        at = self._next_id
        if at == len(self._ids):
            at, self._ids = 0, os.urandom(_IDS_AT_ONCE * _ID_CHARS // 2).hex().encode()
        self._next_id = at + _ID_CHARS
        return self._ids[at : at + _ID_CHARS]

    def holds(self, asked: Target) -> bool:
        """Whether something is ready for *asked*, which was not sent: its conditions are more than is judged here."""
        url = self._urls.get(asked.key)
        return url is not None and _spelling(url.vary, asked.fields) in url.answers

    def keep(self, asked: Target, ready: Ready) -> None:
        """From now on answer with *ready* what *asked* says, if that can be told here."""
        if not PICKING.issuperset(ready.vary):
            return
        key, spelling = asked.key, _spelling(ready.vary, asked.fields)
        url = self._urls.get(key)
        if url is None or url.vary != ready.vary:
            self._drop(*key)
            url = _Url(ready.vary, sum(map(len, key)) + URL_BYTES)
        else:
            url = self._urls.pop(key)
            self.used_bytes -= url.size_bytes
            while spelling in url.answers or len(url.answers) >= MAX_SPELLINGS:
                gone = spelling if spelling in url.answers else next(iter(url.answers))
                url.size_bytes -= _size_bytes(gone, url.answers.pop(gone))
        # Clients of one kind that spell it differently share an answer.
        ready = next((each for each in url.answers.values() if each.is_like(ready)), ready)
        url.answers[spelling] = ready
        url.size_bytes += _size_bytes(spelling, ready)
        if url.size_bytes <= self._max_bytes // 4:
            self._make_room(url.size_bytes)
            self._urls[key] = url
            self.used_bytes += url.size_bytes

    def _make_room(self, size_bytes: int) -> None:
        while self.used_bytes + size_bytes > self._max_bytes:
            key = next(iter(self._urls))
            url = self._urls.pop(key)
            if url.used:  # a second chance, at the end of the queue
                url.used = False
                self._urls[key] = url
            else:
                self.used_bytes -= url.size_bytes

    def _drop(self, host: bytes, target: bytes) -> None:
        url = self._urls.pop((host, target), None)
        if url is not None:
            self.used_bytes -= url.size_bytes


def _spelling(vary: tuple[bytes, ...], fields: Fields) -> Spelling:
    if len(vary) == 1:
        return fields.get(vary[0])
    return tuple(map(fields.get, vary)) if vary else None


def _size_bytes(spelling: Spelling, ready: Ready) -> int:
    return ready.size_bytes + sum(
        len(value or b"") for value in ((spelling,) if isinstance(spelling, bytes) else spelling or ())
    )
