"""What a purge is asked for by: a URL as clients write it, a key, what keys begin with, or a tag."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from proxy.core.purges import Kind, Purge
from proxy.errors import InvalidUri, MogrError, NoSuchBucket
from proxy.ports import Clock
from proxy.service.bucket import Bucket
from proxy.service.pages import key_of
from proxy.service.purging import Copies
from proxy.web.ask import Asked, Asker, asks_style
from proxy.web.guard import bare
from proxy.web.hosts import Buckets
from proxy.web.pass_through import goes_through
from proxy.web.request import EdgeRequest, object_key


def read_purges(wanted: Mapping[str, Any], buckets: Buckets, asker: Asker, now_s: float) -> list[Purge]:
    """The purges that *wanted*, the body of a request, comes to at *now_s*: more than one where a URL has two readings.

    Raises:
        NoSuchBucket, InvalidUri, KeyTooLong, InvalidArgument, OperationNotImplemented: it names nothing that is served.
    """
    refresh, name = bool(wanted.get("refresh", False)), str(wanted.get("bucket", ""))

    def entered(kind: Kind, bucket: str, value: str, **more: Any) -> Purge:
        return Purge(
            id=secrets.token_hex(16), kind=kind, at_s=now_s, bucket=bucket, value=value, refresh=refresh, **more
        )

    if "tag" in wanted:
        return [entered("tag", buckets.by_key(name).rules.name if name else "", wanted["tag"])]
    for kind in ("source", "prefix"):
        if kind in wanted:
            if wanted[kind].startswith("/"):
                raise InvalidUri(public=f"{kind}: a key begins without a slash.")
            return [entered(kind, buckets.by_key(name).rules.name, wanted[kind])]
    request, bucket = _located(wanted["url"], name, buckets)
    rules = bucket.rules
    if goes_through(request, bucket) is not None and not asks_style(request, rules):
        return [entered("url", rules.name, key_of(request.raw_path), raw_query=request.raw_query.decode("latin-1"))]
    key = object_key(request.raw_path, rules.persist_prefix)
    if not key:
        raise InvalidUri(public="url: it names no object.")
    found = []
    for each, asked in _readings(key, asker.ask(request, bucket, key)):
        if asked.error is not None:
            continue
        hinted = any(field != "Accept" for field in asked.vary)
        if hinted:  # one URL, and as many plans as there are devices
            found.append(entered("source", rules.name, each))
        else:
            text = asked.question.plan_text if asked.question is not None else None
            found.append(entered("url", rules.name, each, plan_text=text))
    return found


def _readings(key: str, asked: Asked) -> Iterator[tuple[str, Asked]]:
    if asked.code is None:
        yield key, asked
    if asked.styled is not None:
        yield asked.styled.key, asked.styled.asked


def _located(url: str, name: str, buckets: Buckets) -> tuple[EdgeRequest, Bucket]:
    """The request that *url* makes, and its bucket: *name*'s, if that is given, or the one its host names."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        raise InvalidUri(public="url: it cannot be read.") from None
    if not parts.path.startswith("/") or (parts.scheme and parts.scheme not in ("http", "https")):
        raise InvalidUri(public="url: http(s)://HOST/PATH, or /PATH.")
    try:
        raw_path, raw_query = parts.path.encode(), parts.query.encode()
    except UnicodeEncodeError:
        raise InvalidUri(public="url: it cannot be read.") from None
    bucket = buckets.by_key(name) if name or not host else _by_host(host, buckets)
    request = EdgeRequest(method="GET", host=host, raw_path=raw_path, raw_query=raw_query, headers={}, peer="")
    # Who purges may see everything.
    return replace(bare(request, bucket), granted=True, operation_signed=True), bucket


def _by_host(host: str, buckets: Buckets) -> Bucket:
    try:
        return buckets.find(host)
    except NoSuchBucket:
        raise NoSuchBucket(public=f"No bucket answers to {host}; name one.") from None


def purge_calls(
    buckets: Buckets, asker: Asker, copies: Copies, clock: Clock
) -> Mapping[str, Callable[[Any], Awaitable[object]]]:
    """What the supervisor may ask a web worker for: ``resolve purge`` (a request's body), ``purge`` (one, and who leads)."""

    async def resolve(wanted: Any) -> object:
        try:
            found = read_purges(wanted, buckets, asker, clock.now_s())
        except MogrError as error:
            return {"problem": error.public}
        return {"purges": [purge.to_json() for purge in found]}

    async def purge(told: Any) -> object:
        return await copies.carry_out(Purge.from_json(told["purge"]), leads=bool(told["leads"]))

    return {"resolve purge": resolve, "purge": purge}
