"""Whether the lifetimes that a bucket gives its objects are what caches will read."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.core.fields.cache_control import ResponseDirectives
from proxy.core.fields.targeted import parse_targeted
from proxy.settings import Bucket

_EXPECTED = 'directives of a response, such as "max-age=3600, stale-if-error=86400"'


def check_lifetimes(bucket: Bucket) -> Iterator[tuple[tuple[str], str]]:
    """A directive that nobody knows, twice or with a broken value would be dropped without a word, by us and by others."""
    told = ResponseDirectives.parse(bucket.cache_control)
    if bucket.cache_control and not _all_read(bucket.cache_control, told):
        yield ("cache_control",), _EXPECTED
    targeted = parse_targeted(bucket.cdn_cache_control) if bucket.cdn_cache_control else None
    if bucket.cdn_cache_control and (targeted is None or not _all_read(bucket.cdn_cache_control, targeted)):
        yield ("cdn_cache_control",), _EXPECTED


def _all_read(text: str, directives: ResponseDirectives) -> bool:
    told = directives.format()
    return bool(told) and _members(text) == _members(told)


def _members(text: str) -> list[str]:
    return sorted(member.strip().lower() for member in text.split(","))
