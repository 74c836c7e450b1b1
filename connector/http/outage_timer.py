"""Measures how long requests to a repository have gone without a good response."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ConnectorError, RequestTimeoutError, TransientError


@dataclass(eq=False)
class OutageTimer:
    """The outage of one kind of request. Times are seconds of the clock of its `OutageWait`.

    The timer starts at the last good response or, after a time without requests, at the start of the first request that
    failed. It stops when an object was at fault and continues with the next failure, so the times of objects that do
    not answer add up.

    `kind`: the name of the kind. `answered_at`: the last response. `silent_seconds`: how long single objects did not
    answer since the last good response, without the time since `failing_since`. `waits`: waits since then. `error`: the
    last error, as a sentence. `detail`: the same for a page, with the next try. `is_announced`: a page shows the wait.
    """

    kind: str
    answered_at: float = float("-inf")
    failing_since: float | None = None
    silent_seconds: float = 0.0
    waits: int = 0
    error: str = ""
    detail: str = ""
    is_announced: bool = False

    def record_success(self, now: float) -> None:
        """Record a good response."""
        self.answered_at, self.failing_since = now, None
        self.silent_seconds, self.waits, self.detail, self.is_announced = 0.0, 0, "", False

    def record_failure(self, began: float, error: TransientError) -> None:
        """Record that a request that began at this time has failed."""
        if self.failing_since is None:
            self.failing_since = max(began, self.answered_at)
        self.error = self.detail = error.in_short

    def object_failed(self, now: float, error: ConnectorError, *, counts_silence: bool) -> None:
        """Stop the timer, because one object caused the last failure while the repository works.

        With `counts_silence`, the time of an object that did not answer counts until the next good response.
        """
        silent = self.silent_seconds
        if counts_silence and isinstance(error, RequestTimeoutError) and self.failing_since is not None:
            silent += now - self.failing_since
        self.record_success(now)
        self.silent_seconds, self.error, self.detail = silent, error.in_short, error.in_short

    def outage(self, now: float) -> float:
        """Return how many seconds the outage has lasted."""
        return self.silent_seconds + (0.0 if self.failing_since is None else now - self.failing_since)


@dataclass(eq=False)
class Rest:
    """A wait of one thread between two attempts. A good response to another thread does not end it.

    `kind`: the kind of request. `since`: when it began, by the clock of its OutageWait. `detail`: the page's text.
    """

    kind: str
    since: float
    detail: str


@dataclass(eq=False)
class Request:
    """A running request. Times are seconds of the clock of its OutageWait.

    `quiet_since`: when it began or when its last data arrived. `seconds`: how long it may take.
    """

    timer: OutageTimer
    quiet_since: float
    seconds: float

    def extend(self, seconds: float, now: float) -> None:
        """Record that data has arrived that takes this many seconds at the slowest accepted rate."""
        self.quiet_since = min(now, self.quiet_since + seconds)
