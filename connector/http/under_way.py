"""How long the request under way in a thread may still take."""

from __future__ import annotations

import threading
import time

from ..errors import Stopped

_LOOK_AT_STOP = 0.25  # seconds


class UnderWay(threading.local):
    """The request under way in this thread: when it began and when it must have ended, by the monotonic clock."""

    def __init__(self, stop: threading.Event):
        self._stop, self._began, self._deadline = stop, 0.0, float("inf")

    def begin(self, seconds: float) -> None:
        """A request begins that may last so many seconds."""
        self._began = time.monotonic()
        self._deadline = self._began + seconds

    def postpone(self, seconds: float) -> None:
        """A wait of ours takes nothing from the time of the server."""
        self._began += seconds
        self._deadline += seconds

    def extend(self, seconds: float) -> None:
        """It may last so much longer: something has come of it."""
        self._deadline += seconds

    @property
    def seconds(self) -> float:
        """How long it has taken by now."""
        return time.monotonic() - self._began

    def patience(self) -> float:
        """How many seconds a read may last before this is asked again (see `addresses.Patience`).

        Raises Stopped as soon as a stop is asked for, TimeoutError past the deadline.
        """
        if self._stop.is_set():
            raise Stopped("The job was asked to stop.")
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        return min(left, _LOOK_AT_STOP)
