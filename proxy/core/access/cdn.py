"""URL signatures of Tencent's CDN, types A to D: MD5 of a key, a time and the path (CDN documentation, "URL authentication").

MD5 of ``key + …`` can be lengthened by who does not know the key.  What that appends holds NUL bytes, so a path with
control characters is never verified, and no part but the path may hold more than letters and digits.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final, Literal
from urllib.parse import unquote_to_bytes

from proxy.core.access.parameters import Piece, pieces_of, without
from proxy.core.access.refusals import (
    RequestTimeTooSkewed,
    SignatureDoesNotMatch,
    SignatureExpired,
    SignatureNeeded,
    UnreadableSignature,
)

Type = Literal["A", "B", "C", "D"]
TimeFormat = Literal["any", "decimal", "hex"]
MAX_SKEW_S: Final = 900
"""How far ahead the clock of a signer may be.  A time in the far future would let digits move from the path into it."""

_CHINA = timezone(timedelta(hours=8))
_A = re.compile(r"(\d{10})-([0-9A-Za-z]{0,128})-([0-9A-Za-z]{0,128})-([0-9a-f]{32})")
_IN_PATH = {
    "B": re.compile(rb"/(?P<time>\d{12})/(?P<digest>[0-9a-f]{32})(?P<path>/.*)", re.DOTALL),
    "C": re.compile(rb"/(?P<digest>[0-9a-f]{32})/(?P<time>[0-9A-Fa-f]{8}|\d{10})(?P<path>/.*)", re.DOTALL),
}
_DIGEST = re.compile(r"[0-9a-f]{32}")
_DECIMAL, _HEX = re.compile(r"\d{10}"), re.compile(r"[0-9A-Fa-f]{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlSigning:
    """How the URLs of a bucket are signed."""

    type: Type
    keys: tuple[str, ...] = field(repr=False)
    """The key, and one that holds as well, while they are being changed."""
    ttl_s: float
    """How long a URL holds from the time in it on."""
    parameter: str = "sign"
    time_parameter: str = "t"
    """Of type D."""
    time_format: TimeFormat = "any"
    """Of types C and D."""

    def unsigned(self, raw_path: bytes, raw_query: bytes) -> tuple[bytes, bytes]:
        """Path and query without what signs them, if something does, well or not; never raises."""
        if self.type not in _IN_PATH:
            return raw_path, without(raw_query, self._is_ours)
        found = _IN_PATH[self.type].fullmatch(raw_path)
        return (found["path"] if found else raw_path), raw_query

    def verify(self, raw_path: bytes, raw_query: bytes, now_s: float) -> None:
        """Return if path and query are signed and the signature holds at *now_s*.

        Raises:
            SignatureNeeded: there is none.
            AccessDenied: another subclass that says why it does not hold.
            InvalidUri: the query is too long, or has too many parameters.
        """
        raw_uri, stamp, digest, text = self._read(raw_path, raw_query)
        uris = {uri for uri in (raw_uri, unquote_to_bytes(raw_uri)) if _is_plain(uri)}
        # The digest first: what is said of the time of a forged one would be of no use to anybody.
        made = [hashlib.md5(text(uri, key.encode())).hexdigest() for uri in uris for key in self.keys]  # noqa: S324 -- the CDN's
        if not any([hmac.compare_digest(each, digest) for each in made]):  # noqa: C419 -- all of them, whichever it is
            raise SignatureDoesNotMatch
        signed_at_s = [at_s for at_s in self._times_s(stamp) if at_s <= now_s + MAX_SKEW_S]
        if not signed_at_s:
            raise RequestTimeTooSkewed
        if max(signed_at_s) + self.ttl_s < now_s:
            raise SignatureExpired

    def _is_ours(self, name: bytes) -> bool:
        return name == self.parameter.encode() or (self.type == "D" and name == self.time_parameter.encode())

    def _times_s(self, text: str) -> list[float]:
        """What *text* can mean; a decimal of eight digits would be a time of 1973, so none is read as one."""
        if self.type == "B":
            try:
                return [datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=_CHINA).timestamp()]
            except ValueError:
                raise UnreadableSignature(public="The time in the URL is none.") from None
        if self.type == "A" or (self.time_format != "hex" and _DECIMAL.fullmatch(text)):
            return [float(text)]
        if self.time_format != "decimal" and _HEX.fullmatch(text):
            return [float(int(text, 16))]
        raise UnreadableSignature(public="The time in the URL is none.")

    def _read(self, raw_path: bytes, raw_query: bytes) -> _Read:
        if self.type == "A":
            return self._read_a(raw_path, raw_query)
        return self._read_d(raw_path, raw_query) if self.type == "D" else self._read_path(raw_path)

    def _read_a(self, raw_path: bytes, raw_query: bytes) -> _Read:
        found = _A.fullmatch(_only(pieces_of(raw_query), self.parameter))
        if found is None:
            raise UnreadableSignature(public="The signature of the URL must be TIME-RAND-UID-MD5.")
        stamp, rand, uid, digest = found.groups()
        return raw_path, stamp, digest, lambda uri, key: b"-".join((uri, f"{stamp}-{rand}-{uid}".encode(), key))

    def _read_path(self, raw_path: bytes) -> _Read:
        found = _IN_PATH[self.type].fullmatch(raw_path)
        if found is None:
            raise SignatureNeeded
        stamp: bytes = found["time"]
        return found["path"], stamp.decode(), found["digest"].decode(), lambda uri, key: key + stamp + uri

    def _read_d(self, raw_path: bytes, raw_query: bytes) -> _Read:
        pieces = pieces_of(raw_query)
        digest, stamp = _only(pieces, self.parameter), _only(pieces, self.time_parameter)
        if not _DIGEST.fullmatch(digest):
            raise SignatureDoesNotMatch
        return raw_path, stamp, digest, lambda uri, key: key + uri + stamp.encode()


_Read = tuple[bytes, str, str, Callable[[bytes, bytes], bytes]]
"""The path as it is signed, the time as it is written, the digest, and what it is of."""


def _only(pieces: list[Piece], name: str) -> str:
    """The value of the one parameter called *name*."""
    values = [piece.raw_value for piece in pieces if piece.name == name.encode()]
    if not values:
        raise SignatureNeeded
    if len(values) > 1:
        raise UnreadableSignature(public="The signature of the URL is there more than once.")
    return unquote_to_bytes(values[0]).decode("latin-1")


def _is_plain(uri: bytes) -> bool:
    try:
        return uri.decode("utf-8").isprintable()
    except UnicodeDecodeError:
        return False
