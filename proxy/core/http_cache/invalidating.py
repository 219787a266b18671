"""What an unsafe request makes obsolete (RFC 9111 §4.4)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import SplitResult, urljoin, urlsplit

from proxy.core.http_cache.messages import Lines, combined

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"})
"""Registered as safe; any other method, known or not, is taken to change things."""


def changes_state(method: str, status: int) -> bool:
    """Whether an answer of *status* to *method* means that the resource may be another one now."""
    return method not in SAFE_METHODS and 200 <= status < 400


def obsolete(
    raw_path: bytes, raw_query: bytes, lines: Lines, *, scheme: str, host: str
) -> Iterator[tuple[bytes, bytes]]:
    """Path and query of every URL of this origin that the answer's *lines* make obsolete, that of the request first.

    *host* is the authority that the client asked; Location and Content-Location count only if they stay there.
    """
    yield raw_path, raw_query
    fields = combined(lines)
    asked = raw_path.decode("latin-1") + ("?" + raw_query.decode("latin-1") if raw_query else "")
    for name in ("location", "content-location"):
        if name not in fields:
            continue
        try:
            # two leading slashes would make the first step of the path an authority
            there = urlsplit(urljoin(f"{scheme}://{host}/", "/.//" + asked[2:] if asked[:2] == "//" else asked))
            there = urlsplit(urljoin(there.geturl(), fields[name].strip(" \t")))
            same = _authority(there) == _authority(urlsplit(f"{scheme}://{host}/"))
        except ValueError:
            continue
        if same:
            target = (there.path or "/").encode("latin-1", "ignore"), there.query.encode("latin-1", "ignore")
            if target != (raw_path, raw_query):
                yield target


def _authority(url: SplitResult) -> tuple[str, int | None]:
    return (url.hostname or "").lower(), url.port or {"http": 80, "https": 443}.get(url.scheme)
