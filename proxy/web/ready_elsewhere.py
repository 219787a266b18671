"""Answers that another web worker of the node made ready: told by it, and taken over with what they were made of.

A picture that one worker just made is often asked of another one next.  Without this that is a request through the whole application,
which has to find everything on disk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol, overload

from proxy.connections.answer import Head, Ready, Slot, Template
from proxy.connections.ready import ReadyAnswers, Target
from proxy.ports import CacheEntry, Clock
from proxy.service.deliver import Deliver
from proxy.service.nearby import Places
from proxy.service.records import artifact_from_entry, artifact_to_entry, facts_from_meta, facts_to_meta

_ACCEPT = b"accept"
_SCHEMA_VERSION = 1
"""Raise it when the meaning of a record changes: a web worker that is started anew may be of another version than the rest."""


class Recent(Protocol):
    """Memory that the node's web workers share (``caches.recent``)."""

    def put(self, name: bytes, meta: bytes, body: bytes) -> None: ...
    def get(self, name: bytes) -> tuple[bytes, bytes] | None: ...


class Elsewhere:
    """One web worker's part in it.

    Whatever is of one request more than its ``Host``, target and the fields in Vary is for each worker to find out by itself.
    """

    def __init__(self, recent: Recent, deliver: Deliver, answers: ReadyAnswers, clock: Clock) -> None:
        self._recent = recent
        self._deliver = deliver
        self._answers = answers
        self._clock = clock

    def tell(self, asked: Target, ready: Ready, places: Places) -> None:
        """Let the others know that *ready*, made of what is at *places*, answers *asked*."""
        artifact, facts = places.found.artifact, places.found.facts
        if artifact.provenance is None:
            return
        entry = artifact_to_entry(artifact)
        meta = {
            "names": places.names,
            "facts": facts_to_meta(facts),
            "artifact": entry.meta,
            "asked": [_text(each) for each in asked.key],
            "fields": [[_text(name), _text(asked.fields.get(name))] for name in ready.vary],
            "whole": _head_to_json(ready.whole),
            "unchanged": _head_to_json(ready.unchanged),
            "etag": _text(ready.etag),
            "last_modified": _text(ready.last_modified),
            "fetched_at_s": ready.fetched_at_s,
            "initial_age_s": ready.initial_age_s,
            "fresh_until_s": ready.fresh_until_s,
            "cache": _template_to_json(ready.cache),
        }
        accept = asked.fields.get(_ACCEPT) if _ACCEPT in ready.vary else None
        text = json.dumps(meta, separators=(",", ":")).encode()
        self._recent.put(_name(asked.key, accept), text, entry.body)

    def take(self, asked: Target) -> bool:
        """Whether the answer to *asked* is ready here now, because it was elsewhere."""
        key = asked.key
        found, accept = self._recent.get(_name(key, None)), asked.fields.get(_ACCEPT)
        if found is None and accept is not None:
            found = self._recent.get(_name(key, accept))
        if found is None:
            return False
        meta: Mapping[str, Any] = json.loads(found[0])
        vary = tuple(_bytes(name) for name, _ in meta["fields"])
        if tuple(map(_bytes, meta["asked"])) != key or any(
            asked.fields.get(name) != _bytes(value) for name, (_, value) in zip(vary, meta["fields"], strict=True)
        ):
            return False
        facts, artifact = facts_from_meta(meta["facts"]), artifact_from_entry(CacheEntry(meta["artifact"], found[1]))
        if facts is None or artifact is None or self._clock.now_s() >= meta["fresh_until_s"]:
            return False
        of_facts, of_artifact = meta["names"]
        places = self._deliver.adopt((of_facts, of_artifact), facts, artifact)
        if places is None:
            return False
        self._answers.keep(asked, Ready(
            whole=_head_from_json(meta["whole"]),
            unchanged=_head_from_json(meta["unchanged"]),
            content=places.artifact,
            facts=places.facts,
            etag=_bytes(meta["etag"]),
            last_modified=_bytes(meta["last_modified"]),
            vary=vary,
            fetched_at_s=meta["fetched_at_s"],
            initial_age_s=meta["initial_age_s"],
            fresh_until_s=meta["fresh_until_s"],
            generation=places.generation,
            cache=_template_from_json(meta["cache"]),
        ))  # fmt: skip
        return True


def _name(key: tuple[bytes, bytes], accept: bytes | None) -> bytes:
    """By which it is told; framed, so that no target can pass for another host's, or for one with an ``Accept``."""
    host, target = key
    framed = b"%d %d %d %d " % (_SCHEMA_VERSION, len(host), len(target), accept is not None)
    return framed + host + target + (accept or b"")


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


@overload
def _bytes(text: str) -> bytes: ...
@overload
def _bytes(text: str | None) -> bytes | None: ...
def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("latin-1")


def _head_to_json(head: Head) -> list[Any]:
    return [_template_to_json(head.before_id), _text(head.after_id)]


def _head_from_json(record: list[Any]) -> Head:
    return Head(_template_from_json(record[0]), _bytes(record[1]))


def _template_to_json(template: Template) -> list[str | int | None]:
    return [each.value if isinstance(each, Slot) else _text(each) for each in template]


def _template_from_json(record: list[str | int]) -> Template:
    return tuple(Slot(each) if isinstance(each, int) else _bytes(each) for each in record)
