"""A part of an answer that is ready (RFC 9110 §14): what of its body, and how its head says so."""

from __future__ import annotations

from proxy.core.fields.byte_range import parse_range
from proxy.errors import InvalidRange

_WHOLE, _PART = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 206 Partial Content\r\n"
_LENGTH, _RANGE = b"\r\nContent-Length: %d\r\n", b"\r\nContent-Range: %b"


def cut(head: bytes, body: bytes, wanted: bytes) -> tuple[int, bytes, bytes | memoryview[int]] | None:
    """Status, head and body for a request whose Range says *wanted*, out of those of 200; None: it is not for us to answer.

    Conditions come before, If-Range among them.  The part is no copy.
    """
    asked = parse_range(wanted.decode("latin-1"))
    try:
        part = None if asked is None else asked.within(len(body))
    except InvalidRange:
        return None
    if part is None:
        return 200, head, body
    begin, found, rest = head.partition(_LENGTH % len(body))
    if not (found and begin.startswith(_WHOLE)):
        return None
    said = _RANGE % part.content_range.encode() + _LENGTH % part.length_bytes
    return 206, _PART + begin[len(_WHOLE) :] + said + rest, memoryview(body)[part.first : part.last + 1]
