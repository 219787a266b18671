"""One bucket as the service sees it: where originals are read, where renditions are kept, and its rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.core.access.rules import Access
from proxy.core.blocking import Blocklist
from proxy.core.model import ImageLimits, Preset
from proxy.core.styles import Styles
from proxy.ports import Forwarder, Origin, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketRules:
    """What decides how a bucket's objects are served; plain values from the configuration."""

    name: str
    negotiate: str = "accept"
    """``accept`` or ``exact``."""
    formats: tuple[str, ...] = ("avif", "webp")
    """Server order of negotiated formats."""
    auto_format: bool = False
    auto_orient: bool = False
    keep_copyright: bool = False
    preset: Preset = "realtime"
    client_hints: bool = False
    """Whether plans may follow what a device says of itself (``core.hints``)."""
    styles: Styles = field(default_factory=Styles)
    access: Access = field(default_factory=Access)
    """What is asked of requests, and who may read the answers."""
    first_answer_s: float = 0.3
    """What a picture may be predicted to take before another format is sent meanwhile to who takes one; 0: never."""
    ttl_s: float = 3600
    lifetime: Mapping[str, str] = field(default_factory=dict)
    """``cache-control`` and ``cdn-cache-control`` of what its origin gives no lifetime."""
    error_ttl_s: float = 10
    persist_prefix: str = ".mogr/"
    mark_hosts: frozenset[str] = frozenset()
    """Hosts, besides its own, that image marks may be named by."""
    limits: ImageLimits = ImageLimits()
    blocked: Blocklist = field(default_factory=Blocklist)
    """Keys that are not answered."""
    tags: bool = True
    """Whether answers say ``Surrogate-Key`` and ``Cache-Tag``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    rules: BucketRules
    origin: Origin
    persist: Store | None = None
    """Where renditions are kept for all replicas; None: persist mode is off."""
    cache_originals: bool = True
    """False where reading the original again costs as little as reading it from a cache (directory, memory)."""
    forward: Forwarder | None = None
    """Where what is no picture operation goes; None: objects are read from the origin and served by us."""
