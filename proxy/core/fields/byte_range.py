"""Range and If-Range (RFC 9110 §14, §13.1.5): which part of a representation to send, if not all of it.

One range of bytes is served; several, other units and malformed fields are ignored, as §14.2 allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.core.fields.conditional import EntityTag
from proxy.core.fields.dates import parse_date
from proxy.core.fields.lists import OWS
from proxy.errors import InvalidRange

_MAX_CHARS = 256
_MAX_POSITION = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteRange:
    """A part of a representation, both ends inclusive; never outside it."""

    first: int
    last: int
    size_bytes: int
    """Of the complete representation."""

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last < self.size_bytes:
            raise ValueError(f"not a range: {self.first}-{self.last}/{self.size_bytes}")

    @property
    def length_bytes(self) -> int:
        return self.last - self.first + 1

    @property
    def content_range(self) -> str:
        return f"bytes {self.first}-{self.last}/{self.size_bytes}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeSpec:
    """What a Range field asks for, the size not yet known: ``first`` to ``last`` (None: the end), or a suffix."""

    first: int = 0
    last: int | None = None
    suffix_bytes: int | None = None
    """Set: the last so many bytes, and nothing else is."""

    def __post_init__(self) -> None:
        suffix_valid = self.suffix_bytes is None or (self.suffix_bytes >= 0 and self.first == 0 and self.last is None)
        if self.first < 0 or (self.last is not None and self.last < self.first) or not suffix_valid:
            raise ValueError(f"not a range: {self.first}-{self.last}, {self.suffix_bytes}")

    @property
    def origin_range(self) -> tuple[int, int | None] | None:
        """As ``ports.Origin.open`` takes it; None for a suffix of no bytes, which only ``within`` can refuse."""
        if self.suffix_bytes is None:
            return self.first, self.last
        return (-self.suffix_bytes, None) if self.suffix_bytes else None

    def format(self) -> str:
        """The field value; parsing it gives an equal value."""
        if self.suffix_bytes is not None:
            return f"bytes=-{self.suffix_bytes}"
        return f"bytes={self.first}-{'' if self.last is None else self.last}"

    def within(self, size_bytes: int) -> ByteRange | None:
        """The part of a representation of *size_bytes*; None where all of it, which is empty, is the answer.

        Raises:
            InvalidRange: none of it lies inside.
        """
        if self.suffix_bytes is not None:
            if self.suffix_bytes == 0:
                raise InvalidRange(size_bytes)
            if size_bytes == 0:  # satisfiable (§14.1.2), but no Content-Range can say so
                return None
            return ByteRange(first=max(0, size_bytes - self.suffix_bytes), last=size_bytes - 1, size_bytes=size_bytes)
        if self.first >= size_bytes:
            raise InvalidRange(size_bytes)
        last = size_bytes - 1 if self.last is None else min(self.last, size_bytes - 1)
        return ByteRange(first=self.first, last=last, size_bytes=size_bytes)


def parse_range(text: str | None) -> RangeSpec | None:
    """What the field asks for; None where it is to be ignored."""
    if text is None or len(text) > _MAX_CHARS:
        return None
    unit, equals, ranges = text.strip(OWS).partition("=")
    members = [member for part in ranges.split(",") if (member := part.strip(OWS))]
    if not equals or unit.lower() != "bytes" or len(members) != 1:
        return None
    first, dash, last = members[0].partition("-")
    if not dash or not all(part.isascii() and part.isdigit() for part in (first, last) if part):
        return None
    if not first:
        return RangeSpec(suffix_bytes=_position(last)) if last else None
    if last and _position(last) < _position(first):
        return None
    return RangeSpec(first=_position(first), last=_position(last) if last else None)


def select_range(
    headers: Mapping[str, str],
    *,
    size_bytes: int,
    etag: str | None,
    last_modified_s: int | None,
    method: str = "GET",
    now_s: float | None = None,
) -> ByteRange | None:
    """The part to send with 206, or None: send everything with 200.  Evaluate the preconditions first.

    Raises:
        InvalidRange: answer 416.
    """
    asked = parse_range(headers.get("range")) if method == "GET" else None
    if asked is None or not if_range_holds(
        headers.get("if-range"), etag=etag, last_modified_s=last_modified_s, now_s=now_s
    ):
        return None
    return asked.within(size_bytes)


def if_range_holds(
    text: str | None, *, etag: str | None, last_modified_s: int | None, now_s: float | None = None
) -> bool:
    """Whether the client's part is of the representation we have; True if it does not ask.

    A date counts only if it is exactly ours and, where *now_s* (the time of our answer) is given, at least a second
    old: something changed twice within one second has one date (§8.8.2.2).
    """
    if text is None:
        return True
    date_s = parse_date(text)
    if date_s is not None:
        return date_s == last_modified_s and (now_s is None or now_s - date_s >= 1)
    current, theirs = EntityTag.parse(etag), EntityTag.parse(text)
    return current is not None and theirs is not None and current.is_strongly(theirs)


def _position(digits: str) -> int:
    return min(int(digits), _MAX_POSITION)
