"""Answers that are renditions: artifact in, fields and bytes out."""

from __future__ import annotations

from proxy.core.fields.cache_status import CacheStatus
from proxy.core.fields.dates import format_date
from proxy.core.freshness import age_for, cache_control_for
from proxy.service.deliver import Delivered
from proxy.web.conditions import not_modified, wanted_range
from proxy.web.reply import Reply
from proxy.web.request import EdgeRequest

SAFE = [
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "default-src 'none'; sandbox"),
]
"""A picture is a picture: never sniffed into something else, and harmless when opened as a page (SVG, polyglots)."""


def image_reply(request: EdgeRequest, delivered: Delivered, *, vary: bool, now_s: float, timing: bool) -> Reply:
    """200, 206 or 304 for a rendition; a HEAD gets the fields of its GET.

    Raises:
        PreconditionFailed, InvalidRange: as the request's own conditions demand.
    """
    artifact, facts = delivered.artifact, delivered.facts
    etag, last_modified_s = artifact.etag, facts.validators.last_modified_s
    status_text = _cache_status(delivered)
    headers = [
        ("cache-control", cache_control_for(facts.freshness, now_s, received=facts.cache_control)),
        ("etag", etag),
        ("cache-status", status_text),
    ]
    if last_modified_s is not None:
        headers.append(("last-modified", format_date(last_modified_s)))
    if vary:
        headers.append(("vary", "Accept"))
    age = age_for(facts.freshness, now_s)
    if delivered.tier is not None or age != "0":
        headers.append(("age", age))
    if timing and delivered.timings_s:
        parts = (f"{name};dur={seconds * 1000:.1f}" for name, seconds in delivered.timings_s.items())
        headers.append(("server-timing", ", ".join(parts)))
    if not_modified(request, etag=etag, last_modified_s=last_modified_s):
        return Reply(status=304, headers=headers, kind="rendition", cache=status_text)
    headers += SAFE
    headers += [("content-type", artifact.media_type), ("accept-ranges", "bytes"), *facts.headers.items()]
    body, status = artifact.body, 200
    part = wanted_range(request, size_bytes=len(body), etag=etag, last_modified_s=last_modified_s)
    if part is not None:
        headers.append(("content-range", part.content_range))
        body, status = body[part.first : part.last + 1], 206
    return Reply(status=status, headers=headers, body=body, kind="rendition", cache=status_text)


def _cache_status(delivered: Delivered) -> str:
    """``mogr; hit; detail=memory`` or ``mogr; fwd=miss`` (RFC 9211); the tier is said once, in ``detail``."""
    if delivered.tier is not None:
        return CacheStatus(detail=delivered.tier).format()
    return CacheStatus(fwd="miss", stored=delivered.facts.freshness.storable, collapsed=delivered.collapsed).format()
