"""What is counted, under which names, and how it is shown.

``CountingMeter`` counts in a web worker, ``merge`` adds up several, ``proxy.metrics.exposition`` (the supervisor's only)
writes the sum for Prometheus.
"""

from __future__ import annotations

from proxy.metrics.counting import CountingMeter, Snapshot, empty, merge

__all__ = ["CountingMeter", "Snapshot", "empty", "merge"]
