"""Writing the node's metrics for Prometheus; the only place that knows its client library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from proxy.metrics.counting import Snapshot
from proxy.metrics.names import COUNTERS, HISTOGRAMS, OTHER

RESTART_REASONS = frozenset({"crashed", "killed", "deadline", "memory", "recycled", "starved"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What the supervisor itself knows, at one moment."""

    start_time_s: float
    ready: bool
    queue_s: float
    codec_processes: int
    codec_restarts: Mapping[str, int]
    web_workers: int
    web_worker_restarts: int
    disk_cache_bytes: int | None
    """None without a disk tier."""
    build: Mapping[str, str] = field(default_factory=dict)
    """Version of mogr and of each library that touches pixels."""


def expose(totals: Snapshot, node: Node, accept: str) -> tuple[bytes, str]:
    """The page and its Content-Type: OpenMetrics if *accept* asks for it, else Prometheus' own text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(totals, node))
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


class _Collector(Collector):
    def __init__(self, totals: Snapshot, node: Node) -> None:
        self._totals, self._node = totals, node

    def collect(self) -> Iterator[Metric]:
        yield from self._counters()
        yield from self._histograms()
        yield from self._gauges()

    def _counters(self) -> Iterator[Metric]:
        for each in COUNTERS:
            family = CounterMetricFamily(each.name, each.help, labels=[label for label, _ in each.labels])
            for labels, number in sorted(self._totals["counters"].get(each.name, {}).items()):
                family.add_metric(_values(labels), number)
            yield family

    def _histograms(self) -> Iterator[Metric]:
        for each in HISTOGRAMS:
            family = HistogramMetricFamily(each.name, each.help, labels=[label for label, _ in each.labels])
            bounds = [*(repr(float(bound)) for bound in each.bounds), "+Inf"]
            for labels, timing in sorted(self._totals["histograms"].get(each.name, {}).items()):
                buckets = list(zip(bounds, accumulate(timing["buckets"]), strict=True))
                family.add_metric(_values(labels), buckets, timing["sum"])
            yield family

    def _gauges(self) -> Iterator[Metric]:
        node = self._node
        restarts = CounterMetricFamily("mogr_codec_restarts", "Codec processes replaced, by reason.", labels=["reason"])
        for reason, number in sorted(_closed(node.codec_restarts).items()):
            restarts.add_metric([reason], number)
        yield restarts
        yield CounterMetricFamily(
            "mogr_web_worker_restarts", "Web workers replaced because they died.", value=node.web_worker_restarts
        )
        for name, text, value in (
            ("mogr_queue_seconds", "Predicted seconds of work waiting for a codec process.", node.queue_s),
            ("mogr_codec_processes", "Codec processes running.", node.codec_processes),
            ("mogr_web_workers", "Web workers that accept requests.", node.web_workers),
            ("mogr_ready", "1 if /readyz answers 200.", int(node.ready)),
            ("process_start_time_seconds", "When the supervisor started, seconds since the epoch.", node.start_time_s),
        ):
            yield GaugeMetricFamily(name, text, value=value)
        if node.disk_cache_bytes is not None:
            yield GaugeMetricFamily("mogr_disk_cache_bytes", "Bytes in the disk tier.", value=node.disk_cache_bytes)
        build = GaugeMetricFamily("mogr_build_info", "What this is built of; always 1.", labels=list(node.build))
        build.add_metric(list(node.build.values()), 1)
        yield build


def _values(labels: str) -> list[str]:
    return labels.split(",") if labels else []


def _closed(restarts: Mapping[str, int]) -> dict[str, int]:
    closed: dict[str, int] = {}
    for reason, number in restarts.items():
        known = reason if reason in RESTART_REASONS else OTHER
        closed[known] = closed.get(known, 0) + number
    return closed
