"""Tells work that grows with its input from work that grows faster, on a machine that has others to do."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TypeVar

Input = TypeVar("Input")

_TIMES_LONGER = 8
_MOST_TIMES_THE_COST = 4 * _TIMES_LONGER
"""What is linear costs eight times as much, what is quadratic sixty-four times; caches and clocks make either inexact."""
_CHEAP_S = 0.003
"""Less than that is no attack, however it grew: 64 KB quadratically are seconds."""


def cpu_s(call: Callable[[], object]) -> float:
    """The least CPU time that *call* took this thread in several goes: other threads, processes and garbage are not its cost."""
    gc.collect()
    gc.disable()
    try:
        return min(_once_s(call) for _ in range(5))
    finally:
        gc.enable()


def check_linear(call: Callable[[Input], object], made: Callable[[int], Input], size: int) -> None:
    """*call* on an input of *size* costs about eight times what it costs on one of an eighth of *size*, or next to nothing."""
    long, short = made(size), made(size // _TIMES_LONGER)
    cost_s = cpu_s(lambda: call(long))
    if cost_s > _CHEAP_S:
        least_s = cpu_s(lambda: call(short))
        assert cost_s <= _MOST_TIMES_THE_COST * least_s, f"{cost_s * 1000:.1f} ms, an eighth {least_s * 1000:.1f} ms"


def _once_s(call: Callable[[], object]) -> float:
    started_s = time.thread_time()
    call()
    return time.thread_time() - started_s
