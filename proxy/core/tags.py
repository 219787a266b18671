"""Tags of answers: names by which a purge, here or at a CDN, finds everything made of something.

``Surrogate-Key`` separates them by spaces (Fastly, Varnish's xkey), ``Cache-Tag`` by commas (Cloudflare, Akamai).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from proxy.core.keys import source_key
from proxy.core.model import Source

FIELDS: Final = ("surrogate-key", "cache-tag")
MAX_TAGS: Final = 64
"""Of an origin's own, per object; the rest is left out."""
MAX_TAG_CHARS: Final = 128
MAX_TAGS_CHARS: Final = 2_048
"""In all."""
_BETWEEN = re.compile(r"[ \t,]+")
_TAG = re.compile(r"[\x21-\x2b\x2d-\x7e]+")


def origin_tags(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The tags in an origin's own ``Surrogate-Key`` and ``Cache-Tag``, each once, bounded in number and length.

    *headers* have lower-case names.  What is not printable ASCII, or too long, is left out: these go into our own fields.
    """
    found: dict[str, None] = {}
    chars = 0
    for name in FIELDS:
        # No tag past these bounds is ever read: a field may be as long as a header section.
        for tag in _BETWEEN.split(headers.get(name, "")[: 4 * MAX_TAGS_CHARS]):
            if tag in found or len(tag) > MAX_TAG_CHARS or not _TAG.fullmatch(tag):
                continue
            if len(found) >= MAX_TAGS or chars + len(tag) > MAX_TAGS_CHARS:
                return tuple(found)
            found[tag] = None
            chars += len(tag)
    return tuple(found)


@lru_cache(maxsize=4_096)
def standing_tags(source: Source) -> tuple[str, str]:
    """The tags that everything made of *source* has: its bucket's name, and its own, ``src-`` and 16 hex digits."""
    return source.bucket, f"src-{source_key(source)[:16]}"


@lru_cache(maxsize=4_096)
def tag_fields(source: Source, tags: tuple[str, ...]) -> tuple[tuple[str, str], tuple[str, str]]:
    """The two fields of an answer made of *source*, whose origin gave it *tags*."""
    every = tuple(dict.fromkeys((*standing_tags(source), *tags)))
    return ("surrogate-key", " ".join(every)), ("cache-tag", ",".join(every))
