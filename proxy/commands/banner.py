"""What ``mogr serve`` prints once it serves: where, and a few URLs to open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from proxy import __version__
from proxy import settings as tree
from proxy.formats import by_suffix
from proxy.stores.uri import parse_store_uri
from proxy.supervisor.sockets import address

_SHOWN = ("?imageMogr2/thumbnail/600x/format/auto", "?imageMogr2/crop/400x400/gravity/center/format/webp", "")
_LOOKED_AT = 2_000
"""Files looked at in search of pictures: a bucket may hold millions."""


def banner(settings: tree.Settings, edge: tuple[str, int], admin: tuple[str, int]) -> str:
    """A few lines; URLs only where a bucket answers any Host and its pictures lie in a local directory."""
    base = f"http://{_reachable(edge)}"
    lines = [f"mogr {__version__} serves {base}/   metrics and health: http://{_reachable(admin)}/metrics"]
    pictures = list(islice(_pictures(settings), len(_SHOWN)))
    if pictures:
        lines.append("Open:")
        # one picture is enough for all three, three are nicer
        for n, query in enumerate(_SHOWN):
            lines.append(f"  {base}/{quote(pictures[n % len(pictures)])}{query}")
    return "\n".join(lines)


def _reachable(at: tuple[str, int]) -> str:
    host, port = at
    return address({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)  # noqa: S104 - not bound here


def _pictures(settings: tree.Settings) -> Iterator[str]:
    """Keys of pictures in the local bucket that answers any Host."""
    for bucket in settings.buckets.values():
        store = parse_store_uri(bucket.store)
        if bucket.default and store.scheme == "file":
            yield from _keys(store.path, bucket.persist_prefix)


def _keys(root: Path, private_prefix: str) -> Iterator[str]:
    found = (
        Path(folder, name).relative_to(root).as_posix()
        for folder, folders, names in os.walk(root)
        for name in _in_order(folders, names)
    )
    for key in islice(found, _LOOKED_AT):
        written = by_suffix(Path(key).suffix)
        if written is not None and key.isprintable() and not key.startswith((".", private_prefix or ".")):
            yield key


def _in_order(folders: list[str], names: list[str]) -> list[str]:
    folders.sort()
    return sorted(names)
