"""What no single key can tell: whether the keys of a valid tree go together, and fit the machine."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterator
from pathlib import Path

from proxy.configuration.access import access_advice, check_access, check_signers
from proxy.configuration.lifetimes import check_lifetimes
from proxy.configuration.problems import Path as KeyPath
from proxy.configuration.sharing import check_redis, redis_advice
from proxy.configuration.styles import check_styles
from proxy.formats import CATALOGUE, by_spelling
from proxy.settings import Bucket, Settings
from proxy.stores.uri import StoreUri, parse_store_uri

Finding = tuple[KeyPath, str]
"""Where, and what completes "expected …"."""

_BUCKET = re.compile(r"[a-z0-9]([a-z0-9.-]{0,126}[a-z0-9])?")
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[\x20-\x7e]*")
_FRAMING_FIELDS = frozenset(
    {"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
_EVERY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 -- recognised, not bound
_PREFIX_MAX_BYTES = 200


def check(settings: Settings) -> Iterator[Finding]:
    """Every contradiction; looks at directories, connects to nothing."""
    yield from _listeners(settings)
    yield from _credentials(settings)
    yield from check_signers(settings)
    yield from _between_buckets(settings)
    yield from _directories(settings)
    yield from check_redis(settings.redis)
    for n, path in enumerate(settings.codec.fonts):
        if not (path.exists() and os.access(path, os.R_OK)):
            yield ("codec", "fonts", n), "a font file, or a directory of them, that this user may read"
    for name, bucket in settings.buckets.items():
        for key, expected in _bucket(bucket):
            yield ("buckets", name, *key), expected


def advice(settings: Settings) -> tuple[str, ...]:
    """What is allowed and probably not meant; one sentence each, for the log and ``mogr check``."""
    return tuple(_advice(settings))


def _listeners(settings: Settings) -> Iterator[Finding]:
    server, admin = settings.server, settings.admin
    same_host = server.host == admin.host or bool({server.host, admin.host} & _EVERY_ADDRESS)
    if server.port == admin.port != 0 and same_host:
        yield ("admin", "port"), "another port than server.port"


def _credentials(settings: Settings) -> Iterator[Finding]:
    seen: set[str] = set()
    for n, credential in enumerate(settings.credentials):
        if not credential.secret_id:
            yield ("credentials", n, "secret_id"), "a text that is not empty"
        elif credential.secret_id in seen:
            yield ("credentials", n, "secret_id"), "each secret_id once"
        if not credential.secret_key.get_secret_value():
            yield ("credentials", n, "secret_key"), "a secret that is not empty"
        seen.add(credential.secret_id)


def _between_buckets(settings: Settings) -> Iterator[Finding]:
    if not settings.buckets:
        yield ("buckets",), 'at least one bucket, [buckets."examplebucket-1250000000"] with its store'
    owner: dict[str, str] = {}
    first_default: str | None = None
    for name, bucket in settings.buckets.items():
        if not _BUCKET.fullmatch(name):
            yield ("buckets", name), 'a name like examplebucket-1250000000: lower-case letters, digits, "-" and "."'
        if bucket.default and first_default is not None:
            yield ("buckets", name, "default"), f"at most one default bucket; {first_default} is one already"
        elif bucket.default:
            first_default = name
        for n, host in enumerate(bucket.hosts):
            if owner.setdefault(host, name) != name or host in bucket.hosts[:n]:
                yield ("buckets", name, "hosts", n), f"each host once; bucket {owner[host]} has it already"
    for name, bucket in settings.buckets.items():
        for n, host in enumerate(bucket.mark_hosts):
            if host not in owner and not any(host.startswith(f"{other}.") for other in settings.buckets):
                yield ("buckets", name, "mark_hosts", n), "a host of a bucket here: no other is ever asked for a mark"


def _directories(settings: Settings) -> Iterator[Finding]:
    """What is kept must not lie where every file is served."""
    served = {
        uri.path: name
        for name, bucket in settings.buckets.items()
        if (uri := _uri(bucket.store)) and uri.scheme == "file"
    }
    kept: list[tuple[KeyPath, Path]] = []
    if settings.cache.disk is not None:
        path = settings.cache.disk.path
        kept.append((("cache", "disk", "path"), path))
        if path.exists() and not path.is_dir():
            yield ("cache", "disk", "path"), "a directory, or a path where one can be made"
    for name, bucket in settings.buckets.items():
        uri = _uri(bucket.persist_store)
        if uri and uri.scheme == "file" and bucket.persist_store != bucket.store:
            kept.append((("buckets", name, "persist_store"), uri.path))
    for key, path in kept:
        for directory, name in served.items():
            if path.is_relative_to(directory):
                yield key, f"a directory outside {directory}, all of which bucket {name} serves"


def _bucket(bucket: Bucket) -> Iterator[Finding]:
    yield from _hosts(bucket)
    yield from _store(bucket)
    yield from _persist(bucket)
    yield from check_styles(bucket)
    yield from check_access(bucket)
    yield from check_lifetimes(bucket)
    for name, value in bucket.origin_headers.items():
        if not _FIELD_NAME.fullmatch(name) or name.lower() in _FRAMING_FIELDS:
            yield ("origin_headers", name), "a header field that is the request's own, such as authorization"
        elif not _FIELD_VALUE.fullmatch(value.get_secret_value()):
            yield ("origin_headers", name), "printable ASCII"
    if bucket.auto_format and bucket.negotiate == "exact":
        yield ("auto_format",), 'false, since negotiate = "exact" lets the URL alone decide'
    for n, name in enumerate(bucket.formats):
        if name in bucket.formats[:n]:
            yield ("formats", n), "each format once"
        elif name not in CATALOGUE or not CATALOGUE[name].spellings or CATALOGUE[name].vector:
            meant = by_spelling(name)
            hint = f"; did you mean {meant.name}?" if meant else ""
            pixels = sorted(row.name for row in CATALOGUE.values() if not row.vector)
            yield ("formats", n), f"one of {', '.join(pixels)}{hint}"


def _hosts(bucket: Bucket) -> Iterator[Finding]:
    for n, host in enumerate(bucket.hosts):
        if not (_HOST.fullmatch(host) and len(host) <= 253) and not _is_ipv6(host):
            yield ("hosts", n), "a host name without port, path or wildcard (non-ASCII names in their xn-- form)"


def _store(bucket: Bucket) -> Iterator[Finding]:
    uri = _uri(bucket.store)
    if uri is None:
        yield ("store",), "a store, such as file:photos"
    elif uri.scheme == "file":
        if not uri.path.is_dir():
            yield ("store",), "a directory that exists"
        elif not os.access(uri.path, os.R_OK | os.X_OK):
            yield ("store",), "a directory that this user may read"
    elif uri.scheme == "s3":
        yield from _s3(bucket)
    if bucket.pass_through and uri is not None and not uri.read_only:
        yield ("pass_through",), f"false, since {uri} is no http(s) origin"


def _s3(bucket: Bucket) -> Iterator[Finding]:
    if bool(bucket.access_key_id.get_secret_value()) != bool(bucket.secret_access_key.get_secret_value()):
        key = "secret_access_key" if bucket.access_key_id.get_secret_value() else "access_key_id"
        yield (key,), "access_key_id and secret_access_key, or neither (requests are then not signed)"
    if bucket.endpoint:
        try:
            valid = parse_store_uri(bucket.endpoint).read_only
        except ValueError:
            valid = False
        if not valid:
            yield ("endpoint",), "the URL of an S3 service, such as https://cos.ap-guangzhou.myqcloud.com"


def _persist(bucket: Bucket) -> Iterator[Finding]:
    prefix = bucket.persist_prefix
    segments = prefix.split("/")
    if (
        segments[-1] != ""
        or not all(segments[:-1])
        or len(segments) < 2
        or {".", ".."} & set(segments)
        or not prefix.isprintable()
        or len(prefix.encode()) > _PREFIX_MAX_BYTES
    ):
        yield ("persist_prefix",), 'a key prefix such as .mogr/: ending in "/", not starting with it, without ".."'
    store, own = _uri(bucket.store), _uri(bucket.persist_store)
    if own is not None and own.scheme == "s3" and (store is None or store.scheme != "s3"):
        yield from _s3(bucket)
    if bucket.persist == "off":
        return
    target = own or store
    if target is None:
        return  # noted with the store
    if target.read_only:
        yield ("persist_store",), f'a store that can be written to, which {target} is not, or persist = "off"'
    elif target.scheme == "file" and not (target.path.is_dir() and _may_write(target.path)):
        if own:
            yield ("persist_store",), "a directory that exists, and that this user may write to"
        elif target.path.is_dir():  # if not, that is noted with the store
            yield ("persist",), f'"off", or a persist_store, since this user may not write to {target.path}'


def _advice(settings: Settings) -> Iterator[str]:
    if not _is_loopback(settings.admin.host) and not settings.admin.token.get_secret_value():
        yield f"admin.host = {settings.admin.host} is reachable from other machines, and admin.token is empty."
    disk = settings.cache.disk
    if disk is not None and not _may_write(disk.path):
        yield f"cache.disk.path = {disk.path} cannot be written to: the disk tier will be off."
    yield from redis_advice(settings)
    for name, bucket in settings.buckets.items():
        uris = [uri for uri in (_uri(bucket.store), _uri(bucket.persist_store)) if uri]
        kinds = {"http" if uri.read_only else uri.scheme for uri in uris}
        if "s3" in kinds and not bucket.access_key_id.get_secret_value():
            yield f"Bucket {name} has no access_key_id: its S3 requests are not signed."
        if "memory" in kinds and settings.server.workers > 1:
            yield f"Bucket {name} is a memory store: each of the {settings.server.workers} web processes has its own."
        for kind, names in _OPTIONS.items():
            idle = [key for key in names if kind not in kinds and getattr(bucket, key) != _default(key)]
            if idle:
                yield f"Bucket {name} has no {kind} store: {', '.join(idle)} mean nothing there."
        if bucket.persist == "off" and bucket.persist_store:
            yield f'Bucket {name} has persist = "off": its persist_store is not used.'
        yield from access_advice(name, bucket, settings)


_OPTIONS = {
    "s3": ("endpoint", "region", "virtual_hosted", "access_key_id", "secret_access_key"),
    "http": ("origin_headers", "allow_private"),
}
"""Keys of a bucket that only one kind of store reads."""


def _default(key: str) -> object:
    return Bucket.model_fields[key].get_default(call_default_factory=True)


def _uri(text: str) -> StoreUri | None:
    return parse_store_uri(text) if text else None


def _may_write(path: Path) -> bool:
    """Whether *path*, or what exists of the way to it, is a directory that this user may write to."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path.is_dir() and os.access(path, os.W_OK | os.X_OK)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_ipv6(host: str) -> bool:
    """Whether *host* is an IPv6 address in brackets, as the Host field has it."""
    try:
        return host.startswith("[") and host.endswith("]") and bool(ipaddress.IPv6Address(host[1:-1]))
    except ValueError:
        return False
