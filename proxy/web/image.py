"""Answers that are renditions: artifact in, fields and bytes out."""

from __future__ import annotations

from proxy.core.fields.cache_control import ResponseDirectives
from proxy.core.fields.cache_status import CacheStatus
from proxy.core.fields.dates import format_date
from proxy.core.freshness import age_for, cache_fields_for
from proxy.core.model import Source
from proxy.core.reports import MEDIA_TYPES
from proxy.core.tags import tag_fields
from proxy.service.bucket import Bucket
from proxy.service.deliver import Delivered
from proxy.web.conditions import not_modified, wanted_range
from proxy.web.reply import Reply
from proxy.web.request import EdgeRequest

SLIM_FLAG = "x-slimflag"
"""0: failed, the original is sent; 1: compressed; 2: not compressed, the original is sent."""
NOSNIFF = ("x-content-type-options", "nosniff")
"""On every answer: what we send is what its Content-Type says."""
POLICY = (
    "content-security-policy",
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox",
)
"""On pictures: harmless when opened as a page (SVG, polyglots), where an SVG still looks as its own styles say."""


def image_reply(
    request: EdgeRequest,
    delivered: Delivered,
    *,
    vary: tuple[str, ...],
    now_s: float,
    timing: bool,
    slim: bool = False,
    tags: tuple[tuple[str, str], ...] = (),
) -> Reply:
    """200, 206 or 304 for a rendition; a HEAD gets the fields of its GET.

    *slim*: it was to have fewer bytes, and the answer says whether it has (spec/01 §12).  *tags*: fields by which a CDN
    purges it.

    Raises:
        PreconditionFailed, InvalidRange: as the request's own conditions demand.
    """
    artifact, facts = delivered.artifact, delivered.facts
    etag, last_modified_s = artifact.etag, facts.validators.last_modified_s
    status_text = _cache_status(delivered)
    headers = [
        *_cache_fields(delivered, now_s),
        ("etag", etag),
        ("cache-status", status_text),
        NOSNIFF,
        *tags,
    ]
    if last_modified_s is not None:
        headers.append(("last-modified", format_date(last_modified_s)))
    if vary:
        headers.append(("vary", ", ".join(vary)))
        hints = [name for name in vary if name.startswith("Sec-CH-")]  # RFC 8942 §3.1: they are sent where asked for
        headers += [("accept-ch", ", ".join(hints))] if hints else []
    age = age_for(facts.freshness, now_s)
    if delivered.interim_s is None and (delivered.tier is not None or age != "0"):
        headers.append(("age", age))
    if timing and delivered.timings_s:
        parts = (f"{name};dur={seconds * 1000:.1f}" for name, seconds in delivered.timings_s.items())
        headers.append(("server-timing", ", ".join(parts)))
    if not_modified(request, etag=etag, last_modified_s=last_modified_s):
        return Reply(status=304, headers=headers, kind="rendition", cache=status_text)
    headers.append(POLICY)
    if slim:
        headers.append((SLIM_FLAG, "1" if artifact.size_bytes < facts.traits.size_bytes else "2"))
    headers += [("content-type", artifact.media_type), ("accept-ranges", "bytes"), *_of_source(delivered)]
    body, status = artifact.body, 200
    part = wanted_range(request, size_bytes=len(body), etag=etag, last_modified_s=last_modified_s)
    if part is not None:
        headers.append(("content-range", part.content_range))
        body, status = body[part.first : part.last + 1], 206
    return Reply(status=status, headers=headers, body=body, kind="rendition", cache=status_text)


def tags_of(bucket: Bucket, source: Source, delivered: Delivered) -> tuple[tuple[str, str], ...]:
    """The fields by which a CDN purges a picture of *source*, if *bucket* says them."""
    return tag_fields(source, delivered.facts.tags or ()) if bucket.rules.tags else ()


def _of_source(delivered: Delivered) -> list[tuple[str, str]]:
    """What the source's own fields say of a rendition; a report is no file to be saved under the picture's name."""
    report = delivered.artifact.format in MEDIA_TYPES
    return [item for item in delivered.facts.headers.items() if not (report and item[0] == "content-disposition")]


def _cache_fields(delivered: Delivered, now_s: float) -> list[tuple[str, str]]:
    freshness = delivered.facts.freshness
    if delivered.renewing and freshness.storable:  # caches after us should ask again at once
        return _for_now(0)
    if delivered.interim_s is None or not freshness.is_fresh(now_s):
        return cache_fields_for(freshness, now_s, delivered.facts.said)
    return _for_now(min(delivered.interim_s, freshness.lifetime_s - freshness.age_s(now_s)))


def _for_now(max_age_s: float) -> list[tuple[str, str]]:
    return [("cache-control", ResponseDirectives(public=True, max_age_s=int(max_age_s)).format())]


def _cache_status(delivered: Delivered) -> str:
    """``mogr; hit; detail=memory`` or ``mogr; fwd=miss`` (RFC 9211); the tier is said once, in ``detail``."""
    if delivered.tier is not None and delivered.revalidated:
        return CacheStatus(fwd="stale", fwd_status=304, detail=delivered.tier).format()
    detail = delivered.tier if delivered.interim_s is None else "interim"
    if delivered.renewing:
        detail = "refreshing"
    if delivered.tier is not None:
        return CacheStatus(detail=detail).format()
    stored = delivered.facts.freshness.storable
    return CacheStatus(fwd="miss", stored=stored, collapsed=delivered.collapsed, detail=detail).format()
