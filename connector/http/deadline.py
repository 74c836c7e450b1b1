"""The deadline of the current request in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..errors import JobStoppedError
from ..i18n import gettext as _
from .outage_timer import Request
from .retry import OutageWait

_LOOK_AT_STOP = 0.25  # seconds


class RequestDeadline(threading.local):
    """The start and the deadline of the current request in this thread, by the monotonic clock."""

    _request: Request | None = None

    def __init__(self, outage: OutageWait):
        self._outage, self._began, self._deadline = outage, 0.0, float("inf")

    def begin(self, request: Request, seconds: float) -> None:
        """Start a request that may last this many seconds, and no longer than the maximum outage allows."""
        self._request, self._began = request, time.monotonic()
        self._deadline = self._began + min(seconds, request.seconds)

    def postpone(self, seconds: float) -> None:
        """Move the deadline by a wait of ours, which does not count against the server."""
        self._began += seconds
        self._deadline += seconds
        if self._request is not None:
            self._request.quiet_since += seconds

    def leave_out(self, work: Callable[[], object]) -> None:
        """Call `work`, such as a wait for disk space. Its time does not count against the server."""
        began = time.monotonic()
        work()
        self.postpone(time.monotonic() - began)

    def extend(self, seconds: float) -> None:
        """Extend the deadline by this many seconds, because data has arrived."""
        self._deadline += seconds
        if self._request is not None:
            self._outage.record_data(self._request, seconds)

    @property
    def seconds(self) -> float:
        """Return how many seconds the request has taken so far."""
        return time.monotonic() - self._began

    def check_stop(self) -> None:
        """Raise JobStoppedError if a stop was requested."""
        if self._outage.stop.is_set():
            raise JobStoppedError(_("The job was asked to stop."))

    def next_timeout(self) -> float:
        """Return how many seconds a read may block before the next call (see `guarded_connections.NextTimeout`).

        Raise JobStoppedError as soon as a stop is requested, TimeoutError after the deadline.
        """
        self.check_stop()
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        return min(left, _LOOK_AT_STOP)
