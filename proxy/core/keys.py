"""Names of what is cached: hashes of framed encodings, so that no key, plan or setting can pass for another.

Framed, because parts joined by a separator collide as soon as a part may contain it.
"""

from __future__ import annotations

import hashlib
import json

from proxy.core.model import Rendition, Source

SCHEMA_VERSION = 1
"""Raise it when the meaning of a key changes: every stored result is then made anew."""


def source_key(source: Source) -> str:
    """64 hex digits for one object of one bucket, whatever its version."""
    return _digest("source", source.bucket, source.key)


def facts_key(source: Source) -> str:
    """64 hex digits under which what is known of *source* is kept; never that of its bytes."""
    return _digest("facts", source.bucket, source.key)


def rendition_key(rendition: Rendition) -> str:
    """64 hex digits; equal renditions have equal keys, in every process and on every replica, and others have others."""
    # What was stored before there were presets was made with the first.
    kind = "rendition" if rendition.preset == "realtime" else f"rendition {rendition.preset}"
    if rendition.quality is not None:
        kind += f" at {rendition.quality}"
    return _recipe_key(kind, rendition)


def score_key(rendition: Rendition) -> str:
    """64 hex digits under which it is kept what *rendition*, at whatever quality, scored (``core.scores``)."""
    return _recipe_key(f"score {rendition.preset}", rendition)


def _recipe_key(kind: str, rendition: Rendition) -> str:
    return _digest(
        kind,
        rendition.source.bucket,
        rendition.source.key,
        rendition.plan_text,
        rendition.format,
        rendition.auto,
        rendition.orient,
        rendition.or_original,
        rendition.policy,
        *rendition.inputs,  # last, as they are any number
    )


def answer_key(bucket: str, raw_path: bytes, raw_query: bytes) -> str:
    """64 hex digits under which an origin's own answers to one URL of *bucket* are kept."""
    return _digest("answer", bucket, raw_path.decode("latin-1"), raw_query.decode("latin-1"))


def persist_path(prefix: str, source: Source, rendition: Rendition) -> str:
    """Where *rendition* is kept in a bucket: under *prefix*, one folder per source, so that a purge can list it."""
    return f"{prefix}{source_key(source)}/{rendition_key(rendition)}"


def score_path(prefix: str, rendition: Rendition) -> str:
    """Where what *rendition* scored is kept in a bucket: beside the results of the same source."""
    return f"{prefix}{source_key(rendition.source)}/{score_key(rendition)}"


def lease_key(prefix: str, key: str, identity: str) -> str:
    """64 hex digits for making, of version *identity* of its source, the rendition of *key* that is kept under *prefix*."""
    return _digest("lease", prefix, key, identity)


def entity_tag(body: bytes) -> str:
    """A strong entity tag, quoted: a hash of the bytes, so it is equal on every replica.

    Costs about a millisecond a megabyte: hash large bodies in a thread.
    """
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _digest(*parts: str | bool) -> str:
    # ensure_ascii would write two surrogates and the one character they stand for alike.
    framed = json.dumps([SCHEMA_VERSION, *parts], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(framed.encode("utf-8", "surrogatepass")).hexdigest()
