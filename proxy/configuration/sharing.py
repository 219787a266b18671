"""Whether what replicas share can be reached as it is written, and is of use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from proxy.configuration.problems import Path as KeyPath
from proxy.settings import Redis, Settings

_FORMS = "redis://[user:password@]host[:port][/database], rediss://… or unix:///path, without a query"
_PREFIX = re.compile(r"[\x21-\x7e]{0,100}")


def check_redis(redis: Redis) -> Iterator[tuple[KeyPath, str]]:
    """Looks at the text; connects to nothing."""
    url = redis.url.get_secret_value()
    if url and not _is_url(url):
        yield ("redis", "url"), _FORMS
    if not _PREFIX.fullmatch(redis.prefix):
        yield ("redis", "prefix"), "at most 100 printable ASCII characters without spaces"


def redis_advice(settings: Settings) -> Iterator[str]:
    if settings.redis.url.get_secret_value() and all(each.persist == "off" for each in settings.buckets.values()):
        yield "redis.url is set, and no bucket has persist: replicas tell each other only what was purged."


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    # A query could undo the bounds that we set, and is where a password is least expected.
    if parts.query or parts.fragment or "?" in text or "#" in text:
        return False
    if parts.scheme == "unix":
        return not parts.hostname and parts.path.startswith("/") and "\0" not in unquote(parts.path)
    database = parts.path.removeprefix("/")
    return (
        parts.scheme in ("redis", "rediss")
        and bool(parts.hostname)
        and port != 0
        and (not database or (database.isascii() and database.isdigit() and len(database) < 5))
    )
