"""A clock that waits move forward, so that no test really waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class SkippingClock:
    """Gives seconds: those that pass, and those of the pauses that were skipped. Safe between threads.

    `watch` is called with the seconds of each pause, before it is skipped.
    """

    def __init__(self, watch: Callable[[float], object] = lambda seconds: None):
        self._watch = watch
        self.skipped_seconds = 0.0
        self._lock = threading.Lock()
        self.is_stopped = threading.Event()

    def __call__(self) -> float:
        with self._lock:
            return time.monotonic() + self.skipped_seconds

    def skip(self, seconds: float) -> bool:
        """Move on as a pause of this many seconds would. Return whether it was stopped."""
        self._watch(seconds)
        with self._lock:
            self.skipped_seconds += seconds
        return self.is_stopped.is_set()
