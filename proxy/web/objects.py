"""Answers that are the stored object itself, any size, streamed from its store or origin."""

from __future__ import annotations

from collections.abc import AsyncIterator

from proxy.core.fields.byte_range import ByteRange
from proxy.core.fields.cache_status import CacheStatus
from proxy.core.fields.dates import format_date
from proxy.core.freshness import Said, cache_fields_for, response_freshness
from proxy.core.model import Source
from proxy.core.tags import origin_tags, tag_fields
from proxy.errors import InvalidRange, OriginUnavailable
from proxy.ports import ObjectInfo, ObjectStream, Unchanged
from proxy.service.bucket import Bucket
from proxy.web.conditions import first_asked, not_modified, wanted_range
from proxy.web.image import NOSNIFF, POLICY
from proxy.web.reply import Reply
from proxy.web.request import EdgeRequest

_TOLD = ("cache-control", "cdn-cache-control", "expires")
_PASSED = ("age", "vary", "content-disposition", "content-encoding", "content-language")
_STATUS = CacheStatus(fwd="bypass").format()
"""RFC 9211 §2.2: this cache was configured not to handle the request."""


async def object_reply(
    request: EdgeRequest, bucket: Bucket, key: str, *, vary: tuple[str, ...] = (), max_age_s: float | None = None
) -> Reply:
    """200, 206 or 304 for the object at *key*; the body is read as it is sent.

    *vary* is added to the object's own; *max_age_s* shortens the lifetime, for an original sent in place of a rendition.

    Raises:
        PreconditionFailed, InvalidRange: as the request's own conditions demand.
        NoSuchKey, OriginRefused, OriginForbidden, OriginUnavailable, OriginTimeout: from the origin.
    """
    if request.method == "HEAD":
        info, size_bytes = await bucket.origin.head(key)
        headers = _headers(bucket, key, info, vary=vary, max_age_s=max_age_s)
        if _unchanged(request, info):
            return Reply(status=304, headers=headers, kind="object", cache=_STATUS)
        headers += _content(info)
        return Reply(status=200, headers=headers, size_bytes=size_bytes, kind="object", cache=_STATUS)
    stream, part = await _open(request, bucket, key)
    try:
        info, size_bytes = stream.info, stream.size_bytes
        headers = _headers(bucket, key, info, vary=vary, max_age_s=max_age_s)
        if _unchanged(request, info):
            await stream.aclose()
            return Reply(status=304, headers=headers, kind="object", cache=_STATUS)
        headers += _content(info)
        if part is None:
            return Reply(
                status=200, headers=headers, body=aiter(stream), size_bytes=size_bytes, close=stream.aclose,
                kind="object", cache=_STATUS,
            )  # fmt: skip
        headers.append(("content-range", part.content_range))
        begin = stream.range[0] if stream.range else 0
        return Reply(
            status=206,
            headers=headers,
            body=_slice(stream, part.first - begin, part.length_bytes),
            size_bytes=part.length_bytes,
            close=stream.aclose,
            kind="object",
            cache=_STATUS,
        )
    except BaseException:
        await stream.aclose()
        raise


async def _open(request: EdgeRequest, bucket: Bucket, key: str) -> tuple[ObjectStream, ByteRange | None]:
    """The stream to answer from, and which part of the object to send; None: all of it."""
    asked = first_asked(request)
    try:
        stream = await bucket.origin.open(key, byte_range=asked)
    except InvalidRange:
        # If-Range may say that the range does not apply, and a precondition may come first: look at the whole.
        stream = await bucket.origin.open(key)
    if isinstance(stream, Unchanged):
        raise OriginUnavailable("not modified, although nothing was asked of it")
    if stream.size_bytes is None:
        if stream.range is not None:
            await stream.aclose()
            raise OriginUnavailable("a part of unknown length")
        return stream, None
    validators = stream.info.validators
    try:
        if _unchanged(request, stream.info):
            return stream, None
        part = wanted_range(
            request,
            size_bytes=stream.size_bytes,
            etag=validators.etag,
            last_modified_s=validators.last_modified_s,
        )
    except BaseException:
        await stream.aclose()
        raise
    if stream.range is None or (part is not None and stream.range[0] <= part.first and stream.range[1] >= part.last):
        return stream, part
    await stream.aclose()  # If-Range does not hold: the whole object is wanted after all
    whole = await bucket.origin.open(key)
    if isinstance(whole, Unchanged):
        raise OriginUnavailable("not modified, although nothing was asked of it")
    return whole, None


def _unchanged(request: EdgeRequest, info: ObjectInfo) -> bool:
    return not_modified(request, etag=info.validators.etag, last_modified_s=info.validators.last_modified_s)


def _headers(
    bucket: Bucket, key: str, info: ObjectInfo, *, vary: tuple[str, ...], max_age_s: float | None
) -> list[tuple[str, str]]:
    """What 200, 206 and 304 share; the origin's own lifetime is passed on as it was given."""
    own = info.headers
    headers = [("cache-status", _STATUS), NOSNIFF]
    if bucket.rules.tags:
        headers += tag_fields(Source(bucket.rules.name, key), origin_tags(own))
    if max_age_s is not None:
        headers.append(("cache-control", f"public, max-age={int(max_age_s)}"))
    elif any(name in own for name in _TOLD):
        headers += [(name, own[name]) for name in _TOLD if name in own]
    else:
        assumed = response_freshness(bucket.rules.lifetime, now_s=0, default_ttl_s=bucket.rules.ttl_s)
        headers += cache_fields_for(assumed, 0, Said.of(bucket.rules.lifetime))
    if info.validators.etag:
        headers.append(("etag", info.validators.etag))
    if info.validators.last_modified_s is not None:
        headers.append(("last-modified", format_date(info.validators.last_modified_s)))
    passed = [(name, own[name]) for name in _PASSED if name in own]
    if max_age_s is not None:
        passed = [(name, value) for name, value in passed if name != "age"]
    if vary:
        passed = [(name, value) for name, value in passed if name != "vary"]
        headers.append(("vary", ", ".join(filter(None, (*vary, own.get("vary"))))))
    headers += passed
    headers += [(name, value) for name, value in own.items() if name.startswith("x-cos-meta-")]
    return headers


def _content(info: ObjectInfo) -> list[tuple[str, str]]:
    media_type = info.media_type or "application/octet-stream"
    policy = [POLICY] if media_type.startswith("image/") else []
    return [("content-type", media_type), ("accept-ranges", "bytes"), *policy]


async def _slice(stream: ObjectStream, skip_bytes: int, size_bytes: int) -> AsyncIterator[bytes]:
    """*size_bytes* of what *stream* yields, after the first *skip_bytes*."""
    async for chunk in stream:
        if skip_bytes >= len(chunk):
            skip_bytes -= len(chunk)
            continue
        part = chunk[skip_bytes : skip_bytes + size_bytes]
        skip_bytes = 0
        size_bytes -= len(part)
        yield part
        if not size_bytes:
            return
