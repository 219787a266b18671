"""The figures of ``bench/load.py``, and which of its goals were missed."""

from __future__ import annotations

import os
import statistics
from array import array
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from load_lines import Broken, Outcome
from load_watch import Level

if TYPE_CHECKING:
    from load import Killed, Watched

_PERCENTS = (50, 90, 99, 99.9)
TAIL_TO_MEDIAN = 10.0
GROWTH = 1.05
"""Of memory over the second half, by the line through it; more is no noise."""
_MORE_DESCRIPTORS = 30
_QUIET_CORES = 0.15
_KNOWN_S = 0.05
"""After which the generator has seen that a connection was closed."""

_MEASURES: tuple[tuple[str, Callable[[Level], float]], ...] = (
    ("MB PSS", lambda level: level.pss_bytes / 1e6),
    ("MB RSS", lambda level: level.rss_bytes / 1e6),
    ("descriptors", lambda level: level.descriptors),
)


def figures(outcome: Outcome, watched: Watched, rate: float) -> str:
    machine = f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    lines = [
        f"{rate:,.0f} requests/s for {outcome.seconds:.0f} s; up to {outcome.most_connections} connections; {machine}",
        _cpu(watched, outcome.seconds),
        "sent " + ", ".join(f"{number:,} {kind}" for kind, number in sorted(outcome.sent.items())),
        *(f"  {number:9,}  {kind}" for kind, number in sorted(outcome.done.items())),
        "",
        f"{'ms':14}" + "".join(f"{f'p{percent:g}':>9}" for percent in _PERCENTS) + f"{'longest':>10}{'p99/p50':>9}",
    ]
    quiet = _quiet(watched)
    seconds = sum(end_s - begin_s for begin_s, end_s in quiet)
    for kind, rows in sorted(outcome.times.items()):
        if kind in ("slow", "error"):
            continue
        for name, column in (("", 1), ("late", 2), ("server", 3)):
            lines.append(_row(f"{kind} {name}", sorted(rows[column::4])))
    hits = outcome.times.get("hit", array("d"))
    chosen = [at for at in range(0, len(hits), 4) if any(begin <= hits[at] < end for begin, end in quiet)]
    if chosen:
        lines.append(f"hits of the {seconds:.0f} s in which others used less than {_QUIET_CORES} cores:")
        for name, column in (("", 1), ("late", 2), ("server", 3)):
            lines.append(_row(f"hit {name}", sorted(hits[at + column] for at in chosen)))
    lines += ["", *_processes(watched), *_kills(outcome, watched)]
    lines += [f"unfinished at the end: {dict(outcome.unfinished)}"] if outcome.unfinished else []
    lines += [f"WRONG {number:7,}  {what}" for what, number in outcome.wrong.most_common(20)]
    lines += [f"   such as {example}" for example in outcome.examples[:8]]
    return "\n".join(lines)


def missed(outcome: Outcome, watched: Watched, seconds: float) -> list[str]:
    """The goals that were."""
    found = [f"{number} requests failed: {what}" for what, number in outcome.wrong.items()]
    unexplained = [broken for broken in outcome.broken if _why(broken, watched.killed) is None]
    if unexplained:
        found.append(f"{len(unexplained)} connections broke under a request, and nothing was killed there")
    hits = sorted(outcome.times.get("hit", array("d"))[1::4])
    ratio = percentile(hits, 99) / percentile(hits, 50)
    if ratio > TAIL_TO_MEDIAN:
        found.append(f"p99 of hits is {ratio:.1f} x p50")
    for role, levels in _by_role(watched).items():
        later = [level for level in levels if level.at_s > watched.started_s + seconds / 2]
        grown = _growth([level.at_s for level in later], [level.pss_bytes for level in later])
        if grown > GROWTH:
            found.append(f"memory of {role} grew by {grown - 1:.1%} over the second half")
        descriptors = _growth([level.at_s for level in later], [level.descriptors for level in later])
        mean = statistics.mean(level.descriptors for level in later)
        if (descriptors - 1) * mean > _MORE_DESCRIPTORS:
            found.append(f"descriptors of {role} grew by {(descriptors - 1) * mean:.0f} over the second half")
    return found


def percentile(values: Sequence[float], percent: float) -> float:
    """Of sorted *values*."""
    return values[min(len(values) - 1, int(len(values) * percent / 100))] if values else 0.0


def _growth(times_s: Sequence[float], values: Sequence[float]) -> float:
    """How much larger the line through *values* is at its end than at its beginning."""
    if len(values) < 3:
        return 1.0
    slope, intercept = statistics.linear_regression(times_s, values)
    return (slope * times_s[-1] + intercept) / max(1.0, slope * times_s[0] + intercept)


def _row(name: str, values: Sequence[float]) -> str:
    found = [percentile(values, percent) for percent in _PERCENTS]
    said = "".join(f"{value:9.2f}" for value in found)
    return f"{name:14}{said}{values[-1]:10.1f}{found[2] / max(found[0], 1e-9):9.1f}"


def _quiet(watched: Watched) -> list[tuple[float, float]]:
    """Spans in which this machine was nearly our own."""
    looks = watched.others_cpu_s
    return [
        (begin_s, end_s)
        for (begin_s, before_s), (end_s, after_s) in pairwise(looks)
        if after_s - before_s < _QUIET_CORES * (end_s - begin_s)
    ]


def _cpu(watched: Watched, seconds: float) -> str:
    cores = {role: used_s / seconds for role, used_s in sorted(watched.cpu_s.items())}
    others = (watched.others_cpu_s[-1][1] - watched.others_cpu_s[0][1]) / seconds
    said = ", ".join(f"{role} {share:.2f}" for role, share in cores.items())
    return f"cores used: {said}; by others on this machine {others:.2f}"


def _by_role(watched: Watched) -> dict[str, list[Level]]:
    found: dict[str, list[Level]] = {}
    for each in watched.levels:
        for role, level in each.items():
            found.setdefault(role, []).append(level)
    return found


def _processes(watched: Watched) -> list[str]:
    lines = []
    for role, levels in sorted(_by_role(watched).items()):
        begin_s, end_s = levels[0].at_s, levels[-1].at_s
        eighths: list[list[Level]] = [[] for _ in range(8)]
        for level in levels:
            eighths[min(7, int(8 * (level.at_s - begin_s) / (end_s - begin_s + 1e-9)))].append(level)
        for name, value in _MEASURES:
            means = " ".join(f"{statistics.mean(map(value, each)):8.1f}" if each else " " * 8 for each in eighths)
            later = [level for level in levels if level.at_s > (begin_s + end_s) / 2]
            grown = _growth([level.at_s for level in later], [value(level) for level in later])
            lines.append(f"{f'{role} {name}':24} {means}   second half {grown - 1:+.1%}")
    return [f"{'means of eighths':24}", *lines]


def _why(broken: Broken, killed: Sequence[Killed]) -> str | None:
    """Which death explains that a request's connection ended; None: none does."""
    for each in killed:
        if each.role != "web" or not each.before_s - 0.001 <= broken.ended_s <= each.before_s + 10:
            continue
        ours = broken.port in each.ports or broken.opened_s > each.before_s - 0.1
        if ours and broken.sent_s <= each.before_s:
            return "in flight"
        late = broken.sent_s <= each.after_s + _KNOWN_S and not broken.received_bytes
        if ours and (broken.sent_s <= each.after_s or late):
            return "sent before the client knew"
    return None


def _kills(outcome: Outcome, watched: Watched) -> list[str]:
    lines = []
    for each in watched.killed:
        why = [_why(broken, [each]) for broken in outcome.broken]
        lines.append(
            f"{each.role} {each.pid} killed at {each.before_s - watched.started_s:.0f} s, with {len(each.ports)} connections: "
            f"{why.count('in flight')} requests in flight there were cut off, "
            f"{why.count('sent before the client knew')} sent to it before the client knew"
        )
    left = [broken for broken in outcome.broken if _why(broken, watched.killed) is None]
    lines += [f"broken for no reason that is known: {broken}" for broken in left[:8]]
    return lines
