"""What an edge request says: method, key, query and the few fields that pick the answer.  Everything is hostile."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

from proxy.connections import informing
from proxy.connections.ready import SCOPE_KEY, Target
from proxy.core.access.cos import BEGIN
from proxy.core.fields import accept_class
from proxy.errors import InvalidUri, KeyTooLong, NoSuchKey
from proxy.ports import Inform

MAX_KEY_BYTES = 850
"""COS: object keys are at most 850 bytes of UTF-8."""
READ = frozenset(
    {
        b"authorization",
        b"host",
        b"accept",
        b"range",
        b"if-range",
        b"if-match",
        b"if-none-match",
        b"if-modified-since",
        b"if-unmodified-since",
        b"x-forwarded-for",
        b"user-agent",
        b"referer",
        b"origin",
        b"access-control-request-method",
        b"access-control-request-headers",
        b"save-data",
        b"sec-ch-dpr",
        b"sec-ch-width",
        b"x-img-accept",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeRequest:
    method: str
    host: str
    """Lower case, without port; empty if there is none or more than one."""
    raw_path: bytes
    raw_query: bytes
    headers: dict[str, str]
    """Those of the fields that pick an answer which are present; repeated ones joined by ", " (RFC 9110 §5.3)."""
    peer: str
    """The address of whoever connected to us."""
    lines: tuple[tuple[bytes, bytes], ...] = ()
    """The whole header section as it came; names in lower case."""
    scheme: str = "http"
    http_version: str = "1.1"
    granted: bool = False
    """Whether one of ``[[credentials]]`` signed it; set by ``web.guard`` alone."""
    operation_signed: bool = False
    """Whether the signature, of whatever kind, leaves no say in the operation to whoever holds the URL."""
    target: Target | None = None
    """What an answer to it may be found by below the application; None: it is not to be."""
    inform: Inform | None = None
    """Sends interim answers (1xx); None: the client takes none."""

    def header(self, name: str) -> str | None:
        return self.headers.get(name)

    @property
    def is_signed_as_cos(self) -> bool:
        """Whether a COS SDK sent it; says nothing of whether the signature is any good."""
        return self.headers.get("authorization", "").startswith(BEGIN)


def read_request(scope: Scope) -> EdgeRequest:
    """Read an ASGI *scope*; never fails: what is odd shows when it is used."""
    raw: Iterable[tuple[bytes, bytes]] = scope["headers"]
    fields, host = read_fields(raw)
    client = scope.get("client")
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    return EdgeRequest(
        method=scope["method"],
        host=host,
        raw_path=raw_path.partition(b"?")[0],
        raw_query=scope.get("query_string", b""),
        headers=fields,
        peer=client[0] if client else "",
        lines=tuple(raw),
        scheme=scope.get("scheme", "http"),
        http_version=scope.get("http_version", "1.1"),
        target=scope.get(SCOPE_KEY),
        inform=scope.get(informing.SCOPE_KEY),
    )


def as_told(request: EdgeRequest) -> EdgeRequest:
    """*request* of a peer that is believed what it says of Accept, where it says something of it (``X-Img-Accept``)."""
    told = request.header(accept_class.NAME)
    if told is None:
        return request
    return replace(request, headers={**request.headers, "accept": accept_class.as_accept(told)})


def read_fields(lines: Iterable[tuple[bytes, bytes]]) -> tuple[dict[str, str], str]:
    """``EdgeRequest.headers`` and ``host`` of a header section; names in lower case."""
    fields: dict[str, str] = {}
    hosts = 0
    for name, value in lines:
        if name in READ:
            text, key = value.decode("latin-1"), name.decode()
            hosts += key == "host"
            fields[key] = f"{fields[key]}, {text}" if key in fields else text
    return fields, _host(fields.get("host", "")) if hosts == 1 else ""


def _host(field: str) -> str:
    name = field.strip().lower()
    if name.startswith("["):  # an IPv6 literal
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].rstrip(".")


def object_key(raw_path: bytes, hidden_prefix: str) -> str:
    """The key that *raw_path* names, decoded exactly once.

    Raises:
        InvalidUri: not a path, not UTF-8, or it holds a control character.
        KeyTooLong: over 850 bytes.
        NoSuchKey: it lies under *hidden_prefix*, however that is spelt, where renditions are kept.
    """
    if not raw_path.startswith(b"/"):
        raise InvalidUri("the request target is not a path")
    raw_key = unquote_to_bytes(raw_path[1:])
    if len(raw_key) > MAX_KEY_BYTES:
        raise KeyTooLong
    try:
        key = raw_key.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidUri("the key is not UTF-8") from None
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in key):
        raise InvalidUri("the key holds a control character")
    if is_hidden(key, hidden_prefix):
        raise NoSuchKey("the key lies under the prefix of renditions")
    return key


def refuse_hidden(raw_path: bytes, hidden_prefix: str) -> None:
    """Raise NoSuchKey if *raw_path*, which may be anything, names something under *hidden_prefix*."""
    if is_hidden(unquote_to_bytes(raw_path[1:]).decode("utf-8", "surrogateescape"), hidden_prefix):
        raise NoSuchKey("the path lies under the prefix of renditions")


def is_hidden(key: str, prefix: str) -> bool:
    """Whether *key* lies under *prefix*, however it is spelt; nothing lies under an empty one."""
    # No spelling of a key under it can do without the first step: nearly every key is told by that, at little cost.
    if not prefix or prefix.partition("/")[0].casefold() not in key.casefold():
        return False
    # Stores differ in what they make of dots, doubled slashes, backslashes and case: all of them are the same key here.
    plain = posixpath.normpath("/" + key.replace("\\", "/")).lstrip("/").casefold() + "/"
    return plain.startswith(prefix.strip("/").casefold() + "/") or key.startswith(prefix)
