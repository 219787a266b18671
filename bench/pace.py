"""How fast this machine is right now, so that CPU seconds from busy minutes and from quiet ones can be compared.

Two threads of one core, or a cache shared with a neighbour, stretch even CPU time, by half and more.  A fixed piece of work
is timed beside each measurement; what it takes now over the least it ever took here is the pace, by which seconds are divided.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pyvips
from cache import FOLDER

T = TypeVar("T")
_LEAST = FOLDER / "least_s.txt"


@cache
def _picture() -> Any:
    return pyvips.Image.gaussnoise(256, 256, mean=128, sigma=30, seed=7).bandjoin([128, 90]).cast("uchar").copy_memory()


def _work_s() -> float:
    started_s = time.process_time()
    _picture().webpsave_buffer(Q=80, effort=3)
    return time.process_time() - started_s


def cpu_s(work: Callable[[], T]) -> tuple[T, float, float]:
    """What *work* returns, the CPU seconds of this process that it took, and the pace, 1 or more, they were taken at."""
    before_s = _work_s()
    started_s = time.process_time()
    made = work()
    spent_s = time.process_time() - started_s
    now_s = (before_s + _work_s()) / 2
    return made, spent_s, now_s / _least_s(now_s)


def _least_s(now_s: float) -> float:
    """The least so far, *now_s* included; kept between runs."""
    path = Path(_LEAST)
    kept_s = float(path.read_text()) if path.exists() else now_s
    if now_s <= kept_s:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{now_s:.6f}")
    return min(now_s, kept_s)
