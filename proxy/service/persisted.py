"""Renditions, and facts about their sources, kept in a bucket for all replicas (persist mode ``read-through``).

The path is made of hashes alone, so nothing a client writes can choose where we write, and originals are never
overwritten.  What makes a stored rendition valid travels with it, as a record in its metadata: the version of the
source it was made from and the tag of its bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote, unquote

from proxy.core.keys import entity_tag, persist_path, source_key
from proxy.core.model import Artifact, Rendition, Source
from proxy.errors import MogrError
from proxy.ports import CacheEntry, Store, Unchanged
from proxy.service.records import Facts, artifact_from_entry, artifact_to_entry, facts_from_meta, facts_to_meta
from proxy.service.shelf import Shelf

RECORD = "mogr-record"
_PLAN_SHOWN_BYTES = 512
_FACTS_SCHEMA = 1


async def read_rendition(store: Store, prefix: str, rendition: Rendition, identity: str) -> Artifact | None:
    """The stored result for this very version of the source, or None; a store that fails has none."""
    try:
        answer = await store.open(persist_path(prefix, rendition.source, rendition))
        if isinstance(answer, Unchanged):
            return None
        async with answer:
            record = _record(answer.info.metadata)
            if record is None:
                return None
            body = b"".join([chunk async for chunk in answer])
    except MogrError:
        return None
    artifact = artifact_from_entry(CacheEntry(meta=record, body=body))
    if artifact is None or artifact.source.identity != identity or artifact.etag != entity_tag(body):
        return None
    return artifact


def write_rendition(
    shelf: Shelf, store: Store, prefix: str, rendition: Rendition, artifact: Artifact, versions: str
) -> None:
    """Write *artifact* behind the response, with the recipe that made it."""
    # Metadata travel as header fields: printable ASCII only, and S3 allows 2 KB of them in all.
    recipe = {
        RECORD: quote(json.dumps(artifact_to_entry(artifact).meta, separators=(",", ":")), safe=' {}[]":,/'),
        "mogr-plan": quote(rendition.plan_text, safe="/|!<>@")[:_PLAN_SHOWN_BYTES],
        "mogr-source": quote(artifact.source.identity, safe='"/')[:_PLAN_SHOWN_BYTES],
        "mogr-versions": versions,
    }
    path = persist_path(prefix, rendition.source, rendition)
    shelf.persist(store, path, artifact.body, artifact.media_type, recipe)


def _record(metadata: Mapping[str, str]) -> dict[str, object] | None:
    try:
        record = json.loads(unquote(metadata[RECORD]))
    except (KeyError, ValueError):
        return None
    return record if isinstance(record, dict) else None


async def read_facts(store: Store, prefix: str, source: Source) -> Facts | None:
    """What another replica learned; never fresh, so the origin is asked whether it still holds."""
    try:
        answer = await store.open(_facts_path(prefix, source))
        if isinstance(answer, Unchanged):
            return None
        async with answer:
            record = b"".join([chunk async for chunk in answer])
        meta: Mapping[str, object] = json.loads(record)
    except (MogrError, ValueError):
        return None
    facts = facts_from_meta(meta) if meta.get("schema") == _FACTS_SCHEMA else None
    if facts is None or not (facts.validators.etag or facts.validators.last_modified_s):
        return None
    return facts


def write_facts(shelf: Shelf, store: Store, prefix: str, source: Source, facts: Facts) -> None:
    """Write *facts* behind the response."""
    record = json.dumps({"schema": _FACTS_SCHEMA, **facts_to_meta(facts)}).encode()
    shelf.persist(store, _facts_path(prefix, source), record, "application/json", {})


def _facts_path(prefix: str, source: Source) -> str:
    return f"{prefix}{source_key(source)}/facts.json"
