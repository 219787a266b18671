"""The query as signatures see it: pieces with their names decoded, so that no spelling of a name hides from a check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from proxy.core.query import MAX_PIECES, MAX_QUERY_BYTES
from proxy.errors import InvalidUri


class Piece(NamedTuple):
    """One parameter: as it came, its name decoded once, and both as they came."""

    raw: bytes
    name: bytes
    raw_name: bytes
    raw_value: bytes

    @property
    def value(self) -> bytes:
        """Decoded as forms are: SDKs write a space as ``+`` and a plus as ``%2B``."""
        return decode(self.raw_value.replace(b"+", b" "))


def pieces_of(raw_query: bytes) -> list[Piece]:
    """Every parameter of *raw_query*, in order.

    Raises:
        InvalidUri: too long, or too many.
    """
    if len(raw_query) > MAX_QUERY_BYTES:
        raise InvalidUri(public=f"The query is longer than {MAX_QUERY_BYTES} bytes.")
    if raw_query.count(b"&") >= MAX_PIECES:
        raise InvalidUri(public=f"The query has more than {MAX_PIECES} parameters.")
    return list(_pieces(raw_query))


def without(raw_query: bytes, condition: Callable[[bytes], bool]) -> bytes:
    """*raw_query* without the parameters whose decoded names *condition* is true of; never raises."""
    if not raw_query or len(raw_query) > MAX_QUERY_BYTES or raw_query.count(b"&") >= MAX_PIECES:
        return raw_query  # refused by whoever reads it
    return b"&".join(piece.raw for piece in _pieces(raw_query) if not condition(piece.name))


def encode(raw: bytes) -> str:
    """Percent-encoded as RFC 3986 has it: all but the unreserved characters, in capitals."""
    return quote(raw, safe="")


def decode(raw: bytes) -> bytes:
    """Percent-decoded once; most of what is looked at has nothing to decode, which costs a tenth."""
    return unquote_to_bytes(raw) if b"%" in raw else raw


def _pieces(raw_query: bytes) -> Iterator[Piece]:
    for raw in raw_query.split(b"&"):
        name, _, value = raw.partition(b"=")
        yield Piece(raw, decode(name), name, value)
