"""A clock that pauses move on, so that nobody waits for them."""

from __future__ import annotations

import threading
import time


class SkippingClock:
    """Gives seconds: those that pass, and those of the pauses that were skipped. Safe between threads."""

    def __init__(self) -> None:
        self.skipped_seconds = 0.0
        self._lock = threading.Lock()
        self.is_stopped = threading.Event()

    def __call__(self) -> float:
        with self._lock:
            return time.monotonic() + self.skipped_seconds

    def skip(self, seconds: float) -> bool:
        """Move on as a pause of so many seconds would. Return whether it was stopped."""
        with self._lock:
            self.skipped_seconds += seconds
        return self.is_stopped.is_set()
