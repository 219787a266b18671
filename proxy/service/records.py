"""How facts and artifacts are written down: plain JSON mappings beside a body, the same on disk and in a bucket.

A record that cannot be read (older schema, foreign file) is a miss, never an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from proxy.core.model import Artifact, Frame, Freshness, Traits, Validators
from proxy.ports import CacheEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one version of a source without holding its bytes."""

    validators: Validators
    traits: Traits
    freshness: Freshness
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the source's fields those that renditions repeat: ``content-disposition`` and ``x-cos-meta-*``."""
    lifetime: Mapping[str, str] = field(default_factory=dict)
    """The source's own ``cache-control``, ``expires`` and ``vary``: a 304 that repeats none of them leaves them in force."""

    @property
    def cache_control(self) -> str | None:
        return self.lifetime.get("cache-control")


def facts_to_meta(facts: Facts) -> dict[str, object]:
    return {
        "validators": asdict(facts.validators),
        "traits": asdict(facts.traits),
        "freshness": asdict(facts.freshness),
        "headers": dict(facts.headers),
        "lifetime": dict(facts.lifetime),
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
        )
    except (KeyError, TypeError, ValueError):
        return None


def artifact_to_entry(artifact: Artifact) -> CacheEntry:
    return CacheEntry(
        meta={
            "media_type": artifact.media_type,
            "etag": artifact.etag,
            "source": asdict(artifact.source),
            "format": artifact.format,
            "frame": asdict(artifact.frame),
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
        )
    except (KeyError, TypeError, ValueError):
        return None
