"""Request signatures of COS, ``q-sign-algorithm=sha1`` (COS 436/7778): read from a header or a query, and verified.

Parameters and header fields that a signature does not list may be anything, so nothing that only signers may ask for is
done because of them: ``Grant.covered`` has what was signed.  Names are signed in lower case: whoever holds a
signed URL can change the case of letters in an operation, base64 included.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from proxy.core.access.parameters import Piece, decode, encode, pieces_of
from proxy.core.access.refusals import (
    InvalidAccessKeyId,
    RequestTimeTooSkewed,
    SignatureDoesNotMatch,
    SignatureExpired,
    UnreadableSignature,
)
from proxy.core.fields.dates import parse_date
from proxy.core.query import asks_operation

BEGIN: Final = "q-sign-algorithm="
"""How an ``Authorization`` of this kind begins; any other is not for us."""
MAX_SKEW_S: Final = 900
"""COS: what a client's clock may be wrong by."""
TOKENS: Final = ("x-cos-security-token", "x-ci-security-token")
"""Where the token of a temporary key may stand, as a parameter or a field."""

_NAMES = (
    "q-sign-algorithm", "q-ak", "q-sign-time", "q-key-time", "q-header-list", "q-url-param-list", "q-signature",
)  # fmt: skip
_PERIOD = re.compile(r"(\d{1,12});(\d{1,12})")
_SIGNATURE = re.compile(r"[0-9a-f]{40}")
_MAX_VALUE_CHARS = 65_536
_MAX_LISTED = 256


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that requests are signed with."""

    secret_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    """What requests must carry besides, if it is a temporary key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A request as its signature sees it: as it came, nothing decoded."""

    method: str
    raw_path: bytes
    raw_query: bytes
    lines: Sequence[tuple[bytes, bytes]]
    """Header fields; names in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a valid signature says."""

    secret_id: str = ""
    covered: Mapping[str, str] = field(default_factory=dict)
    """Parameters that were signed, by their names in lower case, decoded; an operation's is the whole of it."""


def is_ours(name: bytes) -> bool:
    """Whether a parameter called *name* belongs to a signature, and to nobody after it has been verified."""
    return name.startswith(b"q-") or name.decode("latin-1") in TOKENS


def looks_signed(authorization: str | None, raw_query: bytes) -> bool:
    """Whether a request wants to be taken as signed, well or not; costs next to nothing for those that do not."""
    if authorization is not None and authorization.startswith(BEGIN):
        return True
    return b"q-" in decode(raw_query) and any(piece.name.startswith(b"q-sign") for piece in pieces_of(raw_query))


def verify(request: Signed, keys: Mapping[str, SigningKey], now_s: float) -> Grant | None:
    """What the signature of *request* grants at *now_s*; None: there is none.

    Raises:
        AccessDenied: a subclass that says why it does not hold.
        InvalidUri: the query is too long, or has too many parameters.
    """
    pieces = pieces_of(request.raw_query)
    said = _read(request, pieces)
    if said is None:
        return None
    key = keys.get(said["q-ak"])
    if key is None:
        raise InvalidAccessKeyId
    _check_time(said, request, now_s)
    _check_token(request, pieces, key)
    names = _listed(said["q-url-param-list"])
    signed = _parameters(names, pieces)
    parameters = "&".join(f"{name}={value}" for name, (value, _) in signed.items())
    # A client may sign the host without its port, whatever it sends: Tencent's SDKs do.
    hosts = _fields(_listed(said["q-header-list"]), request.lines)
    matches = [
        hmac.compare_digest(_signature(key, said, request, parameters, each), said["q-signature"]) for each in hosts
    ]
    if not any(matches):
        raise SignatureDoesNotMatch
    covered = {decode(name.encode()).decode("utf-8", "replace"): text for name, (_, text) in signed.items()}
    return Grant(secret_id=key.secret_id, covered=covered)


def _read(request: Signed, pieces: Iterable[Piece]) -> dict[str, str] | None:
    """The parts of the signature by their names, all of them there and of the right form; None: no signature."""
    fields = [value for name, value in request.lines if name == b"authorization"]
    headers = [value.decode("latin-1") for value in fields if value.decode("latin-1").startswith(BEGIN)]
    in_query = [
        (piece.name.decode("latin-1"), piece.value.decode("latin-1")) for piece in pieces if piece.name[:2] == b"q-"
    ]
    if not headers and not in_query:
        return None
    if len(headers) + bool(in_query) > 1 or len(fields) > 1:
        raise UnreadableSignature(public="The request has more than one signature.")
    pairs = in_query or [
        (name, value) for name, _, value in (part.partition("=") for part in headers[0].strip().split("&"))
    ]
    said = dict(pairs)
    for name in _NAMES:
        if [each for each, _ in pairs].count(name) != 1:
            raise UnreadableSignature(public=f"The signature must have {name}, once.")
        if len(said[name]) > _MAX_VALUE_CHARS or not said[name].isascii():
            raise UnreadableSignature(public=f"The {name} of the signature cannot be read.")
    if said["q-sign-algorithm"] != "sha1":
        raise UnreadableSignature(public="The q-sign-algorithm of the signature must be sha1.")
    if not _SIGNATURE.fullmatch(said["q-signature"]):
        raise SignatureDoesNotMatch
    return said


def _check_time(said: Mapping[str, str], request: Signed, now_s: float) -> None:
    for name in ("q-sign-time", "q-key-time"):
        period = _PERIOD.fullmatch(said[name])
        if period is None:
            raise UnreadableSignature(public=f"The {name} of the signature must be two times, START;END.")
        if now_s > int(period[2]):
            raise SignatureExpired
        if now_s < int(period[1]):
            raise RequestTimeTooSkewed
    if "date" in _listed(said["q-header-list"]):
        dates = [value.decode("latin-1") for name, value in request.lines if name == b"date"]
        date_s = parse_date(dates[0], now_s=now_s) if len(dates) == 1 else None
        if date_s is None or abs(date_s - now_s) > MAX_SKEW_S:
            raise RequestTimeTooSkewed


def _check_token(request: Signed, pieces: Iterable[Piece], key: SigningKey) -> None:
    if not key.token:
        return
    given = [piece.value for piece in pieces if piece.name.decode("latin-1") in TOKENS]
    given += [value for name, value in request.lines if name.decode("latin-1") in TOKENS]
    if not given or not all(hmac.compare_digest(each, key.token.encode()) for each in given):
        raise InvalidAccessKeyId(public="The security token that belongs to the access key is missing or another.")


def _listed(text: str) -> list[str]:
    names = text.split(";") if text else []
    if len(names) > _MAX_LISTED or len(set(names)) < len(names):
        raise UnreadableSignature(public="The signature lists too much, or something twice.")
    return names


def _parameters(names: Iterable[str], pieces: Iterable[Piece]) -> dict[str, tuple[str, str]]:
    """What was signed of the query: encoded values, and decoded ones, by encoded names.

    A name that stands there more than once, in whatever case, is ambiguous: one reader might take one of them, and another
    reader the other.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for piece in pieces:
        if piece.name.startswith(b"q-"):  # the signature itself
            continue
        value, names_of = piece.value, [decode(piece.raw_name.replace(b"+", b" "))]
        if asks_operation(piece.raw):  # its plus is one, and base64 in it, unescaped, ends in "=" as well
            names_of = [piece.name]
            if piece.raw_value:
                whole = decode(piece.raw)
                names_of += [whole, whole.removesuffix(b"=")]
        for n, name in enumerate(dict.fromkeys(names_of)):
            pair = ("", "") if n else (encode(value), value.decode("utf-8", "replace"))
            found.setdefault(encode(name).lower(), []).append(pair)
    if any(len(found.get(name, ())) != 1 for name in names):
        raise SignatureDoesNotMatch
    return {name: found[name][0] for name in names}


def _fields(names: Sequence[str], lines: Sequence[tuple[bytes, bytes]]) -> list[str]:
    """The signed fields as they may have been signed."""
    found: dict[str, list[bytes]] = {}
    for name, value in lines:
        found.setdefault(encode(name).lower(), []).append(value)
    if any(len(found.get(name, ())) != 1 for name in names):
        raise SignatureDoesNotMatch
    signed = {name: found[name][0] for name in names}
    host = signed.get("host", b"")
    hosts = dict.fromkeys((host, re.sub(rb":\d*\Z", b"", host).lower()))
    return [
        "&".join(f"{name}={encode(each if name == 'host' else value)}" for name, value in signed.items())
        for each in hosts
    ]


def _signature(key: SigningKey, said: Mapping[str, str], request: Signed, parameters: str, fields: str) -> str:
    text = b"\n".join(
        (request.method.lower().encode(), decode(request.raw_path), parameters.encode(), fields.encode(), b"")
    )
    to_sign = f"sha1\n{said['q-sign-time']}\n{hashlib.sha1(text).hexdigest()}\n"  # noqa: S324 -- COS' own algorithm
    sign_key = hmac.new(key.secret.encode(), said["q-key-time"].encode(), hashlib.sha1).hexdigest()
    return hmac.new(sign_key.encode(), to_sign.encode(), hashlib.sha1).hexdigest()
