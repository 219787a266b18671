"""What the header section of an origin's answer says: pure reading, tolerant of nonsense, which counts as not said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from proxy.core.fields.dates import format_date, parse_date
from proxy.core.model import Validators
from proxy.ports import ObjectInfo

Fields = Mapping[str, str]
"""Lower-case names; the lines of one field joined by a comma (RFC 9110 §5.3)."""

META_PREFIX = "x-cos-meta-"
_KEPT = frozenset({
    "cache-control", "cdn-cache-control", "expires", "date", "age", "vary", "content-disposition", "content-encoding", "content-language",
    "last-modified", "etag", "surrogate-key", "cache-tag",
})  # fmt: skip
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]{0,1000}"')
_CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)", re.IGNORECASE)


def read_fields(raw: Iterable[tuple[bytes, bytes]]) -> Fields:
    """The header lines as text; bytes above ASCII stay what they are (Latin-1), so they can be sent on unchanged."""
    fields: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip(" \t")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields


def object_info(fields: Fields, now_s: float, known: Validators | None = None) -> ObjectInfo:
    """What the answer says of the object; *known* fills what a 304 left out (RFC 9110 §15.4.5)."""
    headers = {name: value for name, value in fields.items() if name in _KEPT or name.startswith(META_PREFIX)}
    if "set-cookie" in fields:
        # Made for one client: the cookie is not passed on, and what came with it is not to be stored (T11).
        headers.pop("cdn-cache-control", None)
        headers["cache-control"] = ", ".join(filter(None, (headers.get("cache-control"), "private")))
    headers.setdefault("date", format_date(now_s))  # RFC 9110 §6.6.1: a recipient with a clock adds it
    etag = fields.get("etag", "")
    size_bytes = complete_length(fields)
    validators = Validators(
        etag=etag if _ETAG.fullmatch(etag) else None,
        last_modified_s=parse_date(fields.get("last-modified")),
        size_bytes=size_bytes,
    )
    if known is not None:
        validators = Validators(
            etag=validators.etag or known.etag,
            last_modified_s=known.last_modified_s if validators.last_modified_s is None else validators.last_modified_s,
            size_bytes=known.size_bytes,
        )
    return ObjectInfo(
        validators=validators,
        media_type=fields.get("content-type") or None,
        headers=headers,
        metadata={name[len(META_PREFIX) :]: value for name, value in fields.items() if name.startswith(META_PREFIX)},
    )


def complete_length(fields: Fields) -> int | None:
    """The length of the whole object: after the slash of Content-Range, else Content-Length; None if not said."""
    if "content-range" in fields:
        served = content_range(fields)
        return served[2] if served else None
    length = fields.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) <= 18 else None


def content_range(fields: Fields) -> tuple[int | None, int | None, int | None] | None:
    """First byte, last byte (None, None for an unsatisfied range) and complete length (None for ``*``); None if invalid."""
    found = _CONTENT_RANGE.fullmatch(fields.get("content-range", ""))
    if not found:
        return None
    first, last, total = (int(group) if group and group != "*" else None for group in found.groups())
    if first is not None and last is not None and not first <= last < (total if total is not None else last + 1):
        return None
    return first, last, total


def range_field(first: int, last: int | None) -> str:
    """The Range field for a byte range of ``ports.Origin.open``."""
    if first < 0:
        return f"bytes={first}"
    return f"bytes={first}-{'' if last is None else last}"


def conditions(since: Validators) -> dict[str, str]:
    """The fields that ask for an answer only if the object is no longer *since* (RFC 9110 §13.1)."""
    fields = {}
    if since.etag:
        fields["if-none-match"] = since.etag
    if since.last_modified_s is not None:
        fields["if-modified-since"] = format_date(since.last_modified_s)
    return fields
