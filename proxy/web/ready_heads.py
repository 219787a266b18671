"""Header sections as they are written, cut where they change from answer to answer."""

from __future__ import annotations

import re

from proxy.connections.answer import Head, Slot, Template
from proxy.web.reply import Reply

_DATE, _ID = "date", "x-cos-request-id"
_STATUS_LINES = {200: b"HTTP/1.1 200 OK\r\n", 304: b"HTTP/1.1 304 Not Modified\r\n"}
_TTL = re.compile(rb"(; ttl=)-?\d+")


def head_of(reply: Reply) -> Head:
    """The header section of *reply*, as the edge completes it and our server writes it."""
    ours = {_DATE, _ID} - {name for name, _ in reply.headers}
    reply.headers += [(name, "") for name in (_DATE, _ID) if name in ours]
    pieces: list[bytes | Slot] = [_STATUS_LINES[reply.status]]
    before_id: Template | None = None
    lines = reply.lines()
    own = max(
        (at for at, (name, _) in enumerate(lines) if name == b"cache-status"), default=-1
    )  # caches before us, too, say theirs
    for at, (name, value) in enumerate(lines):
        pieces.append(name.lower() + b": ")
        if name == b"age":
            pieces.append(Slot.AGE)
        elif name == _DATE.encode() and _DATE in ours:
            pieces.append(Slot.DATE)
        elif name == _ID.encode() and _ID in ours:
            before_id, pieces = _joined(pieces), []
        elif at == own:
            pieces += cut_at_ttl(value)
        else:
            pieces.append(value)
        pieces.append(b"\r\n")
    rest = _joined([*pieces, b"\r\n"])
    if before_id is None:
        return Head(rest, None)
    assert isinstance(rest[0], bytes)
    return Head(before_id, rest[0])


def cut_at_ttl(cache_status: bytes) -> Template:
    """What Cache-Status says, cut where it says how long an answer is fresh."""
    found = _TTL.search(cache_status)
    return (cache_status,) if found is None else (cache_status[: found.end(1)], Slot.TTL, cache_status[found.end() :])


def _joined(pieces: list[bytes | Slot]) -> Template:
    joined: list[bytes | Slot] = []
    for piece in pieces:
        if joined and isinstance(piece, bytes) and isinstance(joined[-1], bytes):
            joined[-1] += piece
        else:
            joined.append(piece)
    return tuple(joined)
