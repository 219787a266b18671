"""Every metric that web workers count: name, unit, help, labels and the closed set of each label's values.

Labels are never paths, hosts or keys: whatever is not listed here counts as ``other``, so no request can make a series.
"""

from __future__ import annotations

from dataclasses import dataclass

from proxy import errors

OTHER = "other"

KINDS = frozenset({"object", "rendition"})
STATUSES = frozenset(
    {"200", "204", "206", "301", "302", "304", "307", "308", "400", "403", "404", "405", "412", "413", "414", "416"}
    | {"431", "499", "500", "501", "502", "503", "504"}
)
TIERS = frozenset({"memory", "disk", "bucket"})
OUTCOMES = frozenset({"ok", "unchanged", "missing", "refused", "failed", "timeout"})
FORMATS = frozenset(
    {"jpeg", "png", "webp", "avif", "gif", "tiff", "bmp", "heif", "jxl", "tpg", "ico", "svg", "json", "xml"}
)
REASONS = frozenset(
    name for name, found in vars(errors).items() if isinstance(found, type) and issubclass(found, errors.MogrError)
)
REDIS_OPERATIONS = frozenset({"take", "renew", "release", "announce", "listen"})
REDIS_OUTCOMES = frozenset({"ok", "failed", "skipped"})
LEASE_OUTCOMES = frozenset({"made", "served", "late", "unknown"})
YES_NO = frozenset({"true", "false"})

REQUEST_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
WORK_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Counter:
    """A number that only grows; *name* without Prometheus' ``_total``."""

    name: str
    help: str
    labels: tuple[tuple[str, frozenset[str]], ...] = ()


@dataclass(frozen=True, slots=True)
class Histogram:
    """Seconds in buckets; *bounds* are upper ones, ``+Inf`` is implied."""

    name: str
    help: str
    bounds: tuple[float, ...]
    labels: tuple[tuple[str, frozenset[str]], ...] = ()


COUNTERS = (
    Counter("mogr_requests", "Answers of the edge.", (("kind", KINDS), ("status", STATUSES))),
    Counter("mogr_response_bytes", "Bytes of bodies sent by the edge."),
    Counter("mogr_cache_hits", "Answers found in a cache tier.", (("tier", TIERS),)),
    Counter("mogr_cache_misses", "Answers found in no tier."),
    Counter("mogr_collapsed", "Requests that waited for another's work instead of doing it again."),
    Counter("mogr_origin_fetches", "Exchanges with an origin.", (("outcome", OUTCOMES),)),
    Counter("mogr_origin_bytes", "Bytes received from origins."),
    Counter("mogr_renders", "Pictures made.", (("source_format", FORMATS), ("format", FORMATS))),
    Counter("mogr_render_megapixels", "Megapixels of pictures made.", (("format", FORMATS),)),
    Counter("mogr_render_bytes", "Bytes of pictures made.", (("format", FORMATS),)),
    Counter("mogr_render_failures", "Pictures not made, by error class.", (("reason", REASONS),)),
    Counter("mogr_overloaded", "Requests refused because too much work was waiting."),
    Counter("mogr_persist_writes", "Writes of results to a bucket.", (("ok", YES_NO),)),
    Counter("mogr_cache_errors", "Failures of a cache tier.", (("tier", TIERS),)),
    Counter(
        "mogr_redis",
        "Questions to Redis; skipped: not asked, since it failed lately.",
        (("operation", REDIS_OPERATIONS), ("outcome", REDIS_OUTCOMES)),
    ),
    Counter("mogr_leases", "Pictures whose maker replicas agreed on, or tried to.", (("outcome", LEASE_OUTCOMES),)),
)

HISTOGRAMS = (
    Histogram("mogr_request_seconds", "Seconds from a request's first byte read to its answer sent.", REQUEST_SECONDS),
    Histogram("mogr_origin_fetch_seconds", "Seconds of one exchange with an origin.", WORK_SECONDS),
    Histogram("mogr_render_seconds", "Seconds of making one picture.", WORK_SECONDS, (("format", FORMATS),)),
)
