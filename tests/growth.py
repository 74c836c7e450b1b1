"""Measures how the cost of a call grows with the size of its input, by the CPU time of this thread."""

import time
from collections.abc import Callable

_ENOUGH = 0.05  # seconds: what is faster than this at the largest size is never in question
_STEP = 1.25  # small, or a call of exponential cost would not come back


def cost_grows_faster_than_input(call: Callable[[int], object], most: int, first: int = 16) -> bool:
    """Tell whether twice the input costs over three times as much, once it costs enough to be measured.

    `call` gets the size of the input, from `first` to `most`. A cost in proportion to the size doubles, the square
    is four times as much.
    """
    seconds: dict[int, float] = {}
    size = first
    while size <= most:
        seconds[size] = min(_cpu_seconds(call, size) for _ in range(3))
        if seconds[size] > _ENOUGH:
            half = max((s for s in seconds if s <= size / 2), default=first)
            return seconds[size] > 3 * seconds[half] * size / half / 2
        size = max(size + 1, int(size * _STEP))
    return False


def _cpu_seconds(call: Callable[[int], object], size: int) -> float:
    began = time.thread_time()
    call(size)
    return time.thread_time() - began
