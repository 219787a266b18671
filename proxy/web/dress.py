"""What the access rules of a bucket add to every answer: who may read it, and whether caches may share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from proxy.core.access.cors import Cors
from proxy.core.fields.cache_control import ResponseDirectives
from proxy.web.reply import Reply

_SHARED_ONLY = ("cdn-cache-control", "surrogate-control")
_REPLACED = ("content-type", "content-disposition", "content-encoding", "content-language", "cache-control", "expires")
_OF_CONTENT = frozenset(name for name in _REPLACED if name.startswith("content-"))


def open_to_pages(reply: Reply, cors: Cors, origin: str | None, method: str) -> None:
    """Say which pages of other origins may read *reply*, whatever an origin server said of that."""
    if not any(name == "access-control-max-age" for name, _ in reply.headers):  # that is an answered preflight
        reply.headers = [item for item in reply.headers if not item[0].startswith("access-control-")]
        reply.headers += cors.fields(origin, method)
        if cors.varies(method):
            add_vary(reply, "Origin")


def picking_pages(cors: Cors) -> tuple[str, ...] | None:
    """The request fields by which ``open_to_pages`` tells answers to GET and HEAD apart; None: it tells these apart as well."""
    alike = all(("GET" in rule.methods) is ("HEAD" in rule.methods) for rule in cors.rules)
    return (("origin",) if cors.varies("GET") else ()) if alike else None


def keep_private(reply: Reply, response: Mapping[str, str] | None) -> None:
    """Make *reply*, to a signed request, one for its client alone; *response*: fields that the signature replaces."""
    if reply.status in (200, 206, 304):
        new = {name: (response or {})[name] for name in _REPLACED if name in (response or {})}
        if reply.status == 304:
            new = {name: value for name, value in new.items() if name not in _OF_CONTENT}
        reply.headers = [item for item in reply.headers if item[0] not in new] + list(new.items())
    told = ", ".join(value for name, value in reply.headers if name == "cache-control")
    reply.headers = [item for item in reply.headers if item[0] != "cache-control" and not is_for_shared_caches(item[0])]
    reply.headers.append(("cache-control", as_private(told)))


def as_private(cache_control: str) -> str:
    """*cache_control* for a client's own cache only (RFC 9111 §3.5, §5.2.2.7)."""
    directives = ResponseDirectives.parse(cache_control)
    private = replace(
        directives, private=True, private_fields=frozenset(), public=False, s_maxage_s=None, proxy_revalidate=False
    )
    return private.format()


def add_vary(reply: Reply, name: str) -> None:
    """Have *reply* say that it depends on the request field *name*."""
    for n, (field, value) in enumerate(reply.headers):
        if field == "vary":
            if value != "*" and name.lower() not in [each.strip().lower() for each in value.split(",")]:
                reply.headers[n] = (field, f"{value}, {name}")
            return
    reply.headers.append(("vary", name))


def is_for_shared_caches(name: str) -> bool:
    """Whether the field *name* speaks to shared caches alone, the ``CDN-Cache-Control`` of one vendor included."""
    return name.endswith(_SHARED_ONLY)
