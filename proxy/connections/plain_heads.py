"""The header section of a request without a body, read at a fraction of what the parser takes, where it leaves no doubt.

A small part of what RFC 9112 allows, and none of what its readers have ever disagreed about.  Everything else is for the
parser, and so is every request that is not answered from here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import cast

Fields = Mapping[bytes, bytes]
"""Names in lower case, none twice; values, too, but for ``AS_WRITTEN``."""

MAX_FIELDS = 100
FOR_THE_SERVER = frozenset({
    b"authorization", b"if-range", b"if-match", b"if-unmodified-since",
    b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"proxy-connection",
    b"access-control-request-method", b"access-control-request-headers",
})  # fmt: skip
"""A request with one of these is more than the choice of an answer."""
_LISTS = frozenset({b"accept", b"accept-encoding", b"accept-language"})
"""Of these case does not matter (RFC 9110 §12.5)."""
_OF_PICTURES = frozenset({b"accept", b"origin", b"save-data", b"sec-ch-dpr", b"sec-ch-width"})
SITE = frozenset({b"x-forwarded-host", b"x-forwarded-proto"})
"""What a trusted proxy says of the URL that the client asked for."""
TOLD = frozenset({b"x-img-accept"})
"""What it says of what the client takes."""
PICKING = _OF_PICTURES | _LISTS | SITE | TOLD
"""What an answer may depend on (its Vary) to be chosen here; those that are not of all pictures have to matter, too."""
LOGGED = frozenset({b"referer", b"user-agent", b"x-forwarded-for"})
AS_WRITTEN = (LOGGED | PICKING | {b"if-none-match", b"if-modified-since"}) - _LISTS
INDIFFERENT = LOGGED | {b"host", b"connection", b"if-none-match", b"if-modified-since", b"range"}
"""What is among ``Fields`` and picks no answer; ``host`` is part of what all of them are found by."""
_LASTING = frozenset({b"keep-alive", b"close"})
_ALWAYS = _OF_PICTURES | (INDIFFERENT - LOGGED)
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\x20-\x7e]*)")
_MAX_LINES = 2_048
"""Remembered.  Nearly all of a request's lines came before, from this browser or another one of its kind."""
_MAX_LINE_BYTES = 256

_SELDOM_AGAIN = LOGGED - {b"user-agent"} | {b"if-none-match", b"if-modified-since", b"range", b"cookie"}

_Line = tuple[bytes, bytes] | tuple[()]
"""A name and a value, or nothing where they do not matter here."""


class _NotPlainError(Exception):
    """For the parser to read."""


class _Lines(dict[bytes, _Line]):
    """What lines say; of one that is not known it is read."""

    def __init__(self, needed: frozenset[bytes], matters: Callable[[bytes], bool] | None) -> None:
        super().__init__()
        self._needed = needed
        self._matters = matters or (lambda _: False)

    def __missing__(self, line: bytes) -> _Line:
        match = _LINE.fullmatch(line)
        if match is None:
            raise _NotPlainError
        name = match[1].lower()
        told: _Line = ()
        if name in self._needed or self._matters(name):
            told = name, match[2] if name in AS_WRITTEN else match[2].lower()
        elif name in FOR_THE_SERVER:
            raise _NotPlainError
        if name not in _SELDOM_AGAIN and len(line) <= _MAX_LINE_BYTES:
            if len(self) >= _MAX_LINES:
                self.clear()
            self[line] = told
        return told


class PlainHeads:
    """Reads header sections; one for each web worker.

    Args:
        logged: those of the fields, too, that only a log shows.
        matters: which other fields, by name in lower case, matter to some answer; None: only those of pictures do.
    """

    def __init__(self, *, logged: bool, matters: Callable[[bytes], bool] | None = None) -> None:
        self._lines = _Lines(_ALWAYS | LOGGED if logged else _ALWAYS, matters)

    def fields(self, block: bytes) -> Fields | None:
        """Those of the fields in *block* that matter here; None: it is for the parser to read.

        *block* is everything from the end of the request line on.
        """
        if not block.endswith(b"\r\n\r\n"):
            return None
        lines = block[2:-4].split(b"\r\n")
        try:
            telling = list(filter(None, map(self._lines.__getitem__, lines)))
        except _NotPlainError:
            return None
        fields = dict(cast("list[tuple[bytes, bytes]]", telling))
        if (
            len(fields) != len(telling)
            or len(lines) > MAX_FIELDS
            or b"host" not in fields
            or (b"connection" in fields and fields[b"connection"] not in _LASTING)
        ):
            return None
        return fields
