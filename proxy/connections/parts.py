"""A part of an answer that is ready (RFC 9110 §14): what of its body, and how its head says so."""

from __future__ import annotations

from proxy.core.fields.byte_range import parse_range
from proxy.errors import InvalidRange

_WHOLE, _PART = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 206 Partial Content\r\nContent-Range: %b\r\n"
_LENGTH = b"\r\nContent-Length: %d\r\n"


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
    status_line = _PART % part.content_range.encode()
    head = status_line + begin[len(_WHOLE) :] + _LENGTH % part.length_bytes + rest
    return 206, head, memoryview(body)[part.first : part.last + 1]
