"""How long the request under way in a thread may still take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..errors import JobStoppedError
from .retry import OutageWait, Request

_LOOK_AT_STOP = 0.25  # seconds


class RequestDeadline(threading.local):
    """The request under way in this thread: when it began and when it must have ended, by the monotonic clock."""

    _request: Request | None = None

    def __init__(self, outage: OutageWait):
        self._outage, self._began, self._deadline = outage, 0.0, float("inf")

    def begin(self, request: Request, seconds: float) -> None:
        """Note that a request begins that may last so many seconds, and no longer than the maximum outage allows."""
        self._request, self._began = request, time.monotonic()
        self._deadline = self._began + min(seconds, request.seconds)

    def postpone(self, seconds: float) -> None:
        """A wait of ours takes nothing from the time of the server."""
        self._began += seconds
        self._deadline += seconds
        if self._request is not None:
            self._request.postpone(seconds)

    def leave_out(self, work: Callable[[], object]) -> None:
        """Do some work of ours, such as a wait for room on the disk, whose time is not that of the server."""
        began = time.monotonic()
        work()
        self.postpone(time.monotonic() - began)

    def extend(self, seconds: float) -> None:
        """It may last so much longer: something has come of it."""
        self._deadline += seconds
        if self._request is not None:
            self._outage.came(self._request, seconds)

    @property
    def seconds(self) -> float:
        """How long it has taken by now."""
        return time.monotonic() - self._began

    def check_stop(self) -> None:
        """Raise JobStoppedError as soon as a stop is asked for."""
        if self._outage.stop.is_set():
            raise JobStoppedError("The job was asked to stop.")

    def patience(self) -> float:
        """How many seconds a read may last before this is asked again (see `addresses.Patience`).

        Raises JobStoppedError as soon as a stop is asked for, TimeoutError past the deadline.
        """
        self.check_stop()
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        return min(left, _LOOK_AT_STOP)
