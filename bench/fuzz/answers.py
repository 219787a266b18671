"""What holds for every answer of an edge, whatever was asked; ``complaint`` says what does not."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass

from bench.fuzz.asked import Request
from proxy.codec.sniff import sniff
from proxy.formats import CATALOGUE

_DOCUMENTED_5XX = {501: "NotImplemented", 503: "ServiceUnavailable", 504: "ServiceUnavailable"}
_WITHOUT_BODY = (204, 304)
_ERROR_PARTS = ["Code", "Message", "Resource", "RequestId", "TraceId"]
_BY_MEDIA_TYPE = {row.media_type: row.name for row in CATALOGUE.values()}
_SAME_BYTES = {"apng": "png"}
"""Formats whose file may be one of another, when there is one frame."""
_LOST = "processed safely"
"""What is said of a picture that cost a codec process (``errors.DecoderCrashed``)."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


def complaint(request: Request, answer: Answer, *, object_: bool = False) -> str | None:
    """What is wrong with *answer* to *request*, without numbers that differ from one to the next; None if nothing is.

    *object_*: its body is one of the server's objects, byte for byte; those may be anything.
    """
    status, headers = answer.status, answer.headers
    if status >= 500:
        if status not in _DOCUMENTED_5XX:
            return f"status {status}"
        if status == 503 and not re.fullmatch("[1-9][0-9]*", headers.get("retry-after", "")):
            return "503 without Retry-After"
    if "x-cos-request-id" not in headers:
        return f"{status} without x-cos-request-id"
    if request.method == "HEAD" or status in _WITHOUT_BODY:
        return "a body where none may be" if answer.body else None
    if status >= 400:
        return _error(status, headers, answer.body)
    if status not in (200, 206):
        return f"status {status}"
    if status == 206 and "content-range" not in headers:
        return "206 without Content-Range"
    return None if object_ or status == 206 else _content(headers, answer.body)


def repetition(first: Answer, second: Answer) -> str | None:
    """What *second*, an answer to the same request a moment later, may not say after *first*."""
    if {503, 504} & {first.status, second.status} or 404 in (first.status, second.status):
        return None  # load passes, and verdicts on a source are remembered
    if "detail=interim" in first.headers.get("cache-status", "") + second.headers.get("cache-status", ""):
        return None  # one stood in for the other
    if first.status != second.status:
        return f"{first.status} once and {second.status} again"
    for name in ("content-type", "etag", "vary"):
        if first.headers.get(name) != second.headers.get(name):
            return f"another {name} when asked again"
    return None


def _error(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    if headers.get("content-type") != "application/xml":
        return f"{status} as {headers.get('content-type')}"
    try:
        root = ET.fromstring(body)
    except ET.ParseError as error:
        return f"{status} with XML that cannot be read: {error.msg.partition(':')[0]}"
    if root.tag != "Error" or [part.tag for part in root] != _ERROR_PARTS or not all(part.text for part in root):
        return f"{status} with an error of another shape"
    code = root.findtext("Code")
    if status in _DOCUMENTED_5XX and code != _DOCUMENTED_5XX[status]:
        return f"{status} with code {code}"
    if _LOST in (root.findtext("Message") or ""):
        return "a codec process was lost"
    return None


def _content(headers: Mapping[str, str], body: bytes) -> str | None:
    kind = headers.get("content-type", "")
    if kind == "application/json":
        try:
            json.loads(body)
        except ValueError:
            return "a report that is no JSON"
    elif kind == "application/xml":
        try:
            ET.fromstring(body)
        except ET.ParseError:
            return "a report that is no XML"
    elif kind not in _BY_MEDIA_TYPE:
        return f"a rendition as {kind}"
    else:
        said, found = _BY_MEDIA_TYPE[kind], sniff(body)
        if found not in (said, _SAME_BYTES.get(said)):
            return f"{found} as {kind}"
    return None
