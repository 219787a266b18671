"""Counting in plain integers, about a microsecond a call, and adding up what several processes counted.

A snapshot is JSON: ``{"counters": {name: {labels: number}}, "histograms": {name: {labels: {"buckets", "sum"}}}}`` where
*labels* are the label values joined by commas (they come from closed sets; none holds a comma).  Not for threads: call
from one event loop.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TypedDict

from proxy.metrics.names import COUNTERS, HISTOGRAMS, OTHER


class Buckets(TypedDict):
    """Observations per bucket (not cumulative; the last is ``+Inf``) and their sum in seconds."""

    buckets: list[int]
    sum: float


class Snapshot(TypedDict):
    """Everything one process, or several together, counted since its start."""

    counters: dict[str, dict[str, float]]
    histograms: dict[str, dict[str, Buckets]]


class CountingMeter:
    """The Meter of a web worker."""

    def __init__(self) -> None:
        counters = {each.name: _Counts(tuple(known for _, known in each.labels)) for each in COUNTERS}
        timings = {each.name: _Timings(each.bounds, tuple(known for _, known in each.labels)) for each in HISTOGRAMS}
        self._counters, self._timings = counters, timings
        self._requests = counters["mogr_requests"]
        self._request_seconds = timings["mogr_request_seconds"]
        self._response_bytes = counters["mogr_response_bytes"]
        self._hits = counters["mogr_cache_hits"]
        self._at_once: dict[tuple[str, int], int] = {}
        """Hits by kind and status that are to be added to the rest."""
        self._sent_at_once_bytes = 0

    def request(self, kind: str, status: int, seconds: float, sent_bytes: int) -> None:
        self._requests.add((kind, status))
        self._request_seconds.add((), seconds)
        self._response_bytes.add((), sent_bytes)

    def cache_hit(self, tier: str) -> None:
        self._hits.add((tier,))

    def hit_at_once(self, kind: str, status: int, seconds: float, sent_bytes: int) -> None:
        self._at_once[kind, status] = self._at_once.get((kind, status), 0) + 1
        self._sent_at_once_bytes += sent_bytes
        self._request_seconds.add((), seconds)

    def cache_miss(self) -> None:
        self._counters["mogr_cache_misses"].add(())

    def collapsed(self) -> None:
        self._counters["mogr_collapsed"].add(())

    def fetched(self, outcome: str, seconds: float, received_bytes: int) -> None:
        self._counters["mogr_origin_fetches"].add((outcome,))
        self._timings["mogr_origin_fetch_seconds"].add((), seconds)
        self._counters["mogr_origin_bytes"].add((), received_bytes)

    def rendered(self, source_format: str, format: str, megapixels: float, seconds: float, sent_bytes: int) -> None:
        self._counters["mogr_renders"].add((source_format, format))
        self._timings["mogr_render_seconds"].add((format,), seconds)
        self._counters["mogr_render_megapixels"].add((format,), megapixels)
        self._counters["mogr_render_bytes"].add((format,), sent_bytes)

    def render_failed(self, reason: str) -> None:
        self._counters["mogr_render_failures"].add((reason,))

    def overloaded(self) -> None:
        self._counters["mogr_overloaded"].add(())

    def persisted(self, ok: bool) -> None:
        self._counters["mogr_persist_writes"].add(("true" if ok else "false",))

    def tier_error(self, tier: str) -> None:
        self._counters["mogr_cache_errors"].add((tier,))

    def redis(self, operation: str, outcome: str) -> None:
        self._counters["mogr_redis"].add((operation, outcome))

    def leased(self, outcome: str) -> None:
        self._counters["mogr_leases"].add((outcome,))

    def snapshot(self) -> Snapshot:
        """A copy, ready for JSON."""
        for labels, number in self._at_once.items():
            self._requests.add(labels, number)
            self._hits.add(("memory",), number)
        self._response_bytes.add((), self._sent_at_once_bytes)
        self._at_once.clear()
        self._sent_at_once_bytes = 0
        return {
            "counters": {name: counts.snapshot() for name, counts in self._counters.items()},
            "histograms": {name: timings.snapshot() for name, timings in self._timings.items()},
        }


def empty() -> Snapshot:
    """What a process that counted nothing has counted."""
    return {"counters": {}, "histograms": {}}


def merge(one: Snapshot, other: Snapshot) -> Snapshot:
    """The sum of two snapshots, which stay as they are.

    Raises:
        TypeError, ValueError, KeyError, AttributeError: one of them is not a snapshot, or their buckets differ.
    """
    counters = {name: dict(series) for name, series in one["counters"].items()}
    for name, series in other["counters"].items():
        into = counters.setdefault(name, {})
        for labels, number in series.items():
            into[labels] = into.get(labels, 0) + number
    histograms = {name: dict(series) for name, series in one["histograms"].items()}
    for name, timings in other["histograms"].items():
        seen = histograms.setdefault(name, {})
        for labels, timing in timings.items():
            seen[labels] = _add(seen[labels], timing) if labels in seen else timing
    return {"counters": counters, "histograms": histograms}


def _add(one: Buckets, other: Buckets) -> Buckets:
    return {
        "buckets": [a + b for a, b in zip(one["buckets"], other["buckets"], strict=True)],
        "sum": one["sum"] + other["sum"],
    }


class _Counts:
    """Numbers by label values; the values' own types are the key on the hot path, text comes with the snapshot."""

    __slots__ = ("_known", "_numbers")

    def __init__(self, known: tuple[frozenset[str], ...]) -> None:
        self._known = known
        # A counter without labels is there from the start: nought is a fact, absence is a question.
        self._numbers: dict[tuple[object, ...], float] = {} if known else {(): 0}

    def add(self, values: tuple[object, ...], number: float = 1) -> None:
        try:
            self._numbers[values] += number
        except KeyError:
            closed = _closed(values, self._known)
            # 200 and "200" name one series but are two keys; ``snapshot`` adds them up.
            key = values if tuple(map(str, values)) == closed else closed
            self._numbers[key] = self._numbers.get(key, 0) + number

    def snapshot(self) -> dict[str, float]:
        series: dict[str, float] = {}
        for values, number in self._numbers.items():
            labels = ",".join(map(str, values))
            series[labels] = series.get(labels, 0) + number
        return series


class _Timings:
    """Histograms by label values."""

    __slots__ = ("_bounds", "_known", "_series")

    def __init__(self, bounds: tuple[float, ...], known: tuple[frozenset[str], ...]) -> None:
        self._bounds, self._known = bounds, known
        self._series: dict[tuple[str, ...], Buckets] = {} if known else {(): self._none()}

    def add(self, values: tuple[str, ...], seconds: float) -> None:
        series = self._series.get(values)
        if series is None:
            series = self._series.setdefault(_closed(values, self._known), self._none())
        series["buckets"][bisect_left(self._bounds, seconds)] += 1
        series["sum"] += seconds

    def snapshot(self) -> dict[str, Buckets]:
        return {
            ",".join(values): {"buckets": list(series["buckets"]), "sum": series["sum"]}
            for values, series in self._series.items()
        }

    def _none(self) -> Buckets:
        return {"buckets": [0] * (len(self._bounds) + 1), "sum": 0.0}


def _closed(values: tuple[object, ...], known: tuple[frozenset[str], ...]) -> tuple[str, ...]:
    return tuple(str(value) if str(value) in allowed else OTHER for value, allowed in zip(values, known, strict=True))
