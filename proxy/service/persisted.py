"""Renditions, and facts about their sources, kept in a bucket for all replicas (persist mode ``read-through``).

The path is made of hashes alone, so nothing a client writes can choose where we write, and originals are never
overwritten.  What makes a stored rendition valid travels with it, as a record in its metadata: the version of the
source it was made from and the tag of its bytes.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from proxy.core.keys import entity_tag, persist_path, score_path, source_key
from proxy.core.model import Artifact, Provenance, Rendition, Source
from proxy.core.purges import Ledger, Purge, Standing
from proxy.errors import MogrError, NoSuchKey
from proxy.ports import CacheEntry, Store, Unchanged
from proxy.service.records import (
    Facts,
    artifact_from_entry,
    artifact_to_entry,
    facts_from_meta,
    facts_to_meta,
    provenance_from_json,
)
from proxy.service.shelf import Shelf

RECORD = "mogr-record"
_PLAN = "mogr-plan"
_FACTS_NAME = "facts.json"
_PLAN_SHOWN_BYTES = 512
_FACTS_SCHEMA = 1
_TAGS_BYTES = 256


async def read_rendition(store: Store, prefix: str, rendition: Rendition) -> Artifact | None:
    """The stored result, of whatever version of the source, or None; a store that fails has none."""
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
    if artifact is None or artifact.etag != entity_tag(body):
        return None
    provenance = _expanded(record.get("of"), rendition)
    return replace(artifact, provenance=provenance)


def write_rendition(
    shelf: Shelf, store: Store, prefix: str, rendition: Rendition, artifact: Artifact, versions: str
) -> asyncio.Task[bool] | None:
    """Write *artifact* behind the response, with the recipe that made it; what ``Shelf.persist`` returns."""
    # Metadata travel as header fields: printable ASCII only, and S3 allows 2 KB of them in all.
    record = {**artifact_to_entry(artifact).meta, "of": _compact(artifact.provenance)}
    recipe = {
        RECORD: quote(json.dumps(record, separators=(",", ":")), safe=' {}[]":,/'),
        _PLAN: _shown(rendition.plan_text),
        "mogr-source": quote(artifact.source.identity, safe='"/')[:_PLAN_SHOWN_BYTES],
        "mogr-versions": versions,
    }
    path = persist_path(prefix, rendition.source, rendition)
    return shelf.persist(store, path, artifact.body, artifact.media_type, recipe)


def _compact(provenance: Provenance | None) -> dict[str, object] | None:
    """What a rendition's path does not say already.  Many tags would not fit: then it may have had any."""
    if provenance is None:
        return None
    tags = provenance.tags
    fits = tags is not None and sum(len(quote(tag)) + 3 for tag in tags) <= _TAGS_BYTES
    return {
        "asked_at_s": math.floor(provenance.asked_at_s * 1000) / 1000,
        "made_at_s": math.floor(provenance.made_at_s * 1000) / 1000,
        "tags": tags if fits else None,
    }


def _expanded(record: Any, rendition: Rendition) -> Provenance:
    """What ``_compact`` wrote; one without times where it did not."""
    try:
        tags = record["tags"]
        return Provenance(
            source=rendition.source,
            asked_at_s=float(record["asked_at_s"]),
            made_at_s=float(record["made_at_s"]),
            plan_text=rendition.plan_text,
            tags=None if tags is None else tuple(map(str, tags)),
        )
    except (KeyError, TypeError, ValueError):
        return Provenance(source=rendition.source, plan_text=rendition.plan_text, tags=None)


def _record(metadata: Mapping[str, str]) -> dict[str, object] | None:
    try:
        record = json.loads(unquote(metadata[RECORD]))
    except (KeyError, ValueError):
        return None
    return record if isinstance(record, dict) else None


async def read_score(store: Store, prefix: str, rendition: Rendition) -> Mapping[str, Any]:
    """What another replica found *rendition* to score; empty if nothing, or if the store fails."""
    try:
        return await _json(store, score_path(prefix, rendition))
    except MogrError:
        return {}


def write_score(shelf: Shelf, store: Store, prefix: str, rendition: Rendition, record: Mapping[str, object]) -> None:
    """Write *record* behind the response."""
    body = json.dumps(record, separators=(",", ":")).encode()
    shelf.persist(store, score_path(prefix, rendition), body, "application/json", {_PLAN: _shown(rendition.plan_text)})


async def read_facts(store: Store, prefix: str, source: Source) -> Facts | None:
    """What another replica learned; never fresh, so the origin is asked whether it still holds."""
    try:
        meta = await _json(store, _facts_path(prefix, source))
    except MogrError:
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
    return f"{prefix}{source_key(source)}/{_FACTS_NAME}"


async def delete_persisted(store: Store, prefix: str, purge: Purge) -> AsyncIterator[str]:
    """Delete what *purge* means below *prefix* and yield the path of each object.

    One source lies in one folder; for what many sources have in common, every folder's facts are read.

    Raises:
        MogrError: from the store; there may be more.
    """
    if purge.kind in ("url", "source"):
        folder = f"{prefix}{source_key(Source(purge.bucket, purge.value))}/"
        async for path in store.keys(folder):
            if purge.kind == "source" or await _is_of(store, path, purge.plan_text):
                await store.delete(path)
                yield path
        return
    only = Ledger([purge])
    async for path in store.keys(prefix):
        if not path.endswith(_FACTS_NAME):
            continue
        provenance = provenance_from_json((await _json(store, path)).get("of"))
        if provenance is None or only.judge(provenance) is not Standing.GONE:
            continue
        async for each in store.keys(path.removesuffix(_FACTS_NAME)):
            if each != path:
                await store.delete(each)
                yield each
        await store.delete(path)  # last: whoever is interrupted finds the rest by it
        yield path


async def _is_of(store: Store, path: str, plan_text: str | None) -> bool:
    try:
        info, _ = await store.head(path)
    except NoSuchKey:
        return False
    return plan_text is not None and info.metadata.get(_PLAN) == _shown(plan_text)


async def _json(store: Store, path: str) -> Mapping[str, Any]:
    try:
        answer = await store.open(path)
        if isinstance(answer, Unchanged):
            return {}
        async with answer:
            record = json.loads(b"".join([chunk async for chunk in answer]))
    except (NoSuchKey, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _shown(plan_text: str) -> str:
    return quote(plan_text, safe="/|!<>@")[:_PLAN_SHOWN_BYTES]
