"""The query string taken apart: which of its pieces is an operation, and what the others are (spec/01 §1).

Pieces are told apart before they are decoded, because an operation is a parameter *name* for some SDKs and plain text
for others, may hold ``=`` of its own (base64 padding), and keeps its ``+``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import unquote_to_bytes

from proxy.errors import InvalidArgument, InvalidUri

MAX_QUERY_BYTES = 65_536
MAX_PIECES = 256
MAX_OPERATION_BYTES = 16_384
"""Ten stages of the longest operations CI documents fit several times."""

_MAX_NAME_BYTES = 1024

OPERATION_HEADS = (
    "imageMogr2", "imageView2", "imageView", "watermark", "imageInfo", "exif", "imageAve", "imageSlim", "imageInspect",
    "QRcode", "imageAIGCMetadata", "blurhash", "thumbhash", "style",
)  # fmt: skip
"""How an operation may begin; case counts."""

_OPERATION = re.compile(rb"(?:%s)(?=[/|]|=?\Z)" % "|".join(OPERATION_HEADS).encode())
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_SIGNATURE = frozenset({"x-cos-security-token", "sign", "t"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a query string asks; of parameters given twice the first counts."""

    operation: str | None = None
    """Decoded once, one trailing ``=`` taken off; ``parse_plan`` reads it."""
    styles: tuple[str, ...] = ()
    """Bare names that are nothing else: each may be a style."""
    version_id: str | None = None
    process: str | None = None
    """``ci-process=<Name>``."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """What ``ci-process`` is given beside its name: every other parameter with a value, decoded as forms are."""
    response: Mapping[str, str] = field(default_factory=dict)
    """``response-content-type`` and its like by the field they replace (``content-type``); for signed requests only."""
    signature: frozenset[str] = frozenset()
    """Names of the signature parameters present."""


def split_query(raw_query: bytes) -> Query:
    """Take *raw_query*, as received and without its ``?``, apart.

    What is none of ours is ignored, however it is written.

    Raises:
        InvalidUri: too long, too many parameters, or one of ours with a broken escape or no UTF-8.
        InvalidArgument: two operations; which of them counts is nowhere documented.
    """
    if len(raw_query) > MAX_QUERY_BYTES:
        raise InvalidUri(public=f"The query is longer than {MAX_QUERY_BYTES} bytes.")
    if raw_query.count(b"&") >= MAX_PIECES:
        raise InvalidUri(public=f"The query has more than {MAX_PIECES} parameters.")
    operations: list[str] = []
    styles: list[str] = []
    named: dict[str, str] = {}
    others: dict[str, bytes] = {}
    for piece in raw_query.split(b"&"):
        if _is_operation(piece):
            operations.append(_operation(piece))
            continue
        raw_name, _, raw_value = piece.partition(b"=")
        if len(raw_name) > _MAX_NAME_BYTES:
            continue  # no name of ours, nor of a style
        name = unquote_to_bytes(raw_name).decode("utf-8", "replace")
        if _is_ours(name):
            named.setdefault(name, _decoded(raw_value))
        elif raw_value:
            others.setdefault(name, raw_value)
        elif name and name.isprintable() and "\ufffd" not in name:
            styles.append(name)
    if len(operations) > 1:
        raise InvalidArgument(public="The query has more than one operation; join them with '|'.")
    return Query(
        operation=operations[0] if operations else None,
        styles=tuple(styles),
        version_id=named.get("versionId"),
        process=named.get("ci-process"),
        # SDKs write these as forms are written: a space is '+', a plus is %2B.
        arguments={name: _decoded(raw.replace(b"+", b" ")) for name, raw in others.items() if "ci-process" in named},
        response=MappingProxyType(
            {name.removeprefix("response-"): value for name, value in named.items() if name.startswith("response-")}
        ),
        signature=frozenset(filter(_signs, named)),
    )


def asks_operation(raw_query: bytes) -> bool:
    """Whether *raw_query* holds an operation, well formed or not; ``split_query`` says which.

    One that is too long to be looked through counts as one that does: ``split_query`` refuses it.
    """
    if len(raw_query) > MAX_QUERY_BYTES:
        return True
    pieces = raw_query.split(b"&")
    return any(
        _is_operation(piece) or unquote_to_bytes(piece.partition(b"=")[0][:_MAX_NAME_BYTES]) == b"ci-process"
        for piece in pieces
    )


def _is_operation(piece: bytes) -> bool:
    # No head is so long, however it is escaped; decoding all of a long piece would cost tens of milliseconds.
    return _OPERATION.match(unquote_to_bytes(piece[:_MAX_NAME_BYTES])) is not None


def _operation(piece: bytes) -> str:
    if len(piece) > MAX_OPERATION_BYTES:
        raise InvalidUri(public=f"The operation is longer than {MAX_OPERATION_BYTES} bytes.")
    return _decoded(piece.removesuffix(b"="))


def _decoded(raw: bytes) -> str:
    """Percent-decoded exactly once; ``+`` stays ``+``."""
    if _BAD_ESCAPE.search(raw):
        raise InvalidUri(public="The query has a '%' that begins no escape.")
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidUri(public="The query is not UTF-8.") from None


def _signs(name: str) -> bool:
    return name in _SIGNATURE or name.startswith("q-")


def _is_ours(name: str) -> bool:
    return name in ("versionId", "ci-process", "image_process") or name.startswith("response-") or _signs(name)
