"""How facts and artifacts are written down: plain JSON mappings beside a body, the same on disk and in a bucket.

A record that cannot be read (older schema, foreign file) is a miss, never an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.core.freshness import Said
from proxy.core.model import Artifact, Frame, Freshness, Provenance, Source, Traits, Validators
from proxy.core.plain import plain
from proxy.ports import CacheEntry

ASSUMED = "assumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one version of a source without holding its bytes."""

    validators: Validators
    traits: Traits
    freshness: Freshness
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the source's fields those that renditions repeat: ``content-disposition`` and ``x-cos-meta-*``."""
    lifetime: Mapping[str, str] = field(default_factory=dict)
    """The source's own ``cache-control``, ``cdn-cache-control``, ``expires`` and ``vary``: a 304 that repeats none of them leaves
    them in force.  ``ASSUMED``: it has none of the first three, and they are the bucket's."""

    provenance: Provenance | None = field(default=None, compare=False)

    @property
    def tags(self) -> tuple[str, ...] | None:
        """The origin's own of the source; None: not known."""
        return self.provenance.tags if self.provenance is not None else None

    @property
    def said(self) -> Said:
        return Said.of(self.lifetime)


def facts_to_meta(facts: Facts) -> dict[str, object]:
    return {
        "validators": plain(facts.validators),
        "traits": plain(facts.traits),
        "freshness": plain(facts.freshness),
        "headers": dict(facts.headers),
        "lifetime": dict(facts.lifetime),
        "of": provenance_to_json(facts.provenance),
    }


def facts_from_meta(meta: Mapping[str, Any]) -> Facts | None:
    try:
        traits = dict(meta["traits"])
        return Facts(
            validators=Validators(**meta["validators"]),
            traits=Traits(**{**traits, "frame": Frame(**traits["frame"])}),
            freshness=Freshness(**meta["freshness"]),
            headers=dict(meta["headers"]),
            lifetime=dict(meta["lifetime"]),
            provenance=provenance_from_json(meta.get("of")),
        )
    except (KeyError, TypeError, ValueError):
        return None


def artifact_to_entry(artifact: Artifact) -> CacheEntry:
    return CacheEntry(
        meta={
            "media_type": artifact.media_type,
            "etag": artifact.etag,
            "source": plain(artifact.source),
            "format": artifact.format,
            "frame": plain(artifact.frame),
            "of": provenance_to_json(artifact.provenance),
        },
        body=artifact.body,
    )


def artifact_from_entry(entry: CacheEntry) -> Artifact | None:
    meta: Mapping[str, Any] = entry.meta
    try:
        return Artifact(
            body=entry.body,
            media_type=str(meta["media_type"]),
            etag=str(meta["etag"]),
            source=Validators(**meta["source"]),
            format=str(meta["format"]),
            frame=Frame(**meta["frame"]),
            provenance=provenance_from_json(meta.get("of")),
        )
    except (KeyError, TypeError, ValueError):
        return None


def provenance_to_json(provenance: Provenance | None) -> dict[str, object] | None:
    return None if provenance is None else plain(provenance)


def provenance_from_json(record: Any) -> Provenance | None:
    """What ``provenance_to_json`` wrote; None for what is none of ours."""
    try:
        source, tags = Source(**record["source"]), record["tags"]
        return Provenance(
            source=source,
            asked_at_s=float(record["asked_at_s"]),
            made_at_s=float(record["made_at_s"]),
            plan_text=record["plan_text"],
            raw_query=str(record["raw_query"]),
            tags=None if tags is None else tuple(map(str, tags)),
        )
    except (KeyError, TypeError, ValueError):
        return None
