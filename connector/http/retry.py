"""Retries requests: how long to wait between attempts, and when to give up.

All layers that repeat requests to a repository share one `OutageWait`, so that its clock covers all of them.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import TypeVar

from .. import durations
from ..durations import Wait
from ..errors import (
    BotChallengeError,
    ConnectorError,
    JobStoppedError,
    OutageLimitError,
    RepositoryError,
    RequestTimeoutError,
    ServerError,
    TransientError,
    WebPageError,
)
from ..i18n import gettext as _
from .current_waits import LONG_RETRY_AFTER, CurrentWaits
from .outage_timer import OutageTimer, Request

T = TypeVar("T")

_LONGEST_WAIT = 300.0  # seconds
_LONGEST_BACKOFF = 60.0  # seconds, between the tries of one request
_A_DAY = 86_400.0
# One request may take this part of the maximum outage. The rest is left for a smaller request or a control request. A
# wait leaves the same part of the remaining time for the next attempt.
_PART_OF_ONE_REQUEST = 1 / 3
_LEAST_LEFT = 1.0  # seconds; with less time an attempt is useless
# A server may still process a request that timed out, and a repeat would double its load (measured on DSpace 6). A bot
# protection may block a client that repeats requests.
_NEVER_REPEATED = (RequestTimeoutError, BotChallengeError)


def _down(error: str, url: str = "", status: int | None = None) -> OutageLimitError:
    """Return the error that ends a job or a page after the maximum outage. `error`: the last error, as a sentence."""
    down = OutageLimitError(
        _("The server did not answer properly for too long. Try again later. %(error)s", error=error), url
    )
    down.status = status
    return down


@dataclass(frozen=True, slots=True)
class _Use:
    """The purpose of the requests of a thread. `defers`: a long Retry-After is raised at once."""

    timer: OutageTimer | None = None
    defers: bool = False
    is_control: bool = False


class _Current(threading.local):
    """The current purpose of the requests of this thread."""

    use = _Use()


class OutageWait:
    """Repeats requests, and limits how long each kind of request may go without a good response (the maximum outage).

    Each kind has its own timer (see `OutageTimer`). Otherwise, good downloads would hide that lists fail. Requests
    within `attempt` count for the kind of the attempt, and only the result of the attempt is a good response. Any other
    request has its own timer. With 0 `seconds`, nothing is repeated.

    `request_seconds`: how long one request may take, by default a third of the maximum outage. `clock`: returns seconds
    of a monotonic clock. `now`: returns naive UTC. `pause`: waits this many seconds, and returns True as soon as a stop
    is requested. `zone`: the time zone of times in sentences, None for that of the system. `spread`: returns the random
    factor of a wait, so that not all jobs return at once after an outage. Safe between threads.
    """

    def __init__(
        self,
        seconds: float = _A_DAY,
        stop: threading.Event | None = None,
        *,
        request_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], bool] | None = None,
        now: Callable[[], datetime] = durations.utcnow,
        zone: tzinfo | None = None,
        spread: Callable[[], float] = lambda: random.uniform(1, 1.25),
    ):
        self._seconds, self._request_seconds = seconds, request_seconds
        self.clock, self._spread = clock, spread
        self.stop = stop or threading.Event()
        self._pause = pause or self.stop.wait
        self._timers: dict[str, OutageTimer] = {}
        self._current = _Current()
        self._lock = threading.RLock()
        self._waits = CurrentWaits(self._lock, clock, now, zone)

    @property
    def waited(self) -> dict[str, float]:
        """Return the number of waits and their seconds, with the keys of `RequestStats`."""
        return self._waits.totals

    @property
    def wait_now(self) -> Wait | None:
        """Return the current wait for a good response that began first, or None if there is no wait."""
        return self._waits.first

    def record_success(self, kind: str) -> None:
        """Record that the repository answers this kind of request."""
        with self._lock:
            self._timer_of(kind).record_success(self.clock())

    def object_failed(self, kind: str, error: ConnectorError) -> None:
        """Record that the last failure of this kind was caused by one object, while the repository works."""
        with self._lock:
            self._timer_of(kind).object_failed(self.clock(), error, counts_silence=bool(self._seconds))

    def attempt(self, kind: str, call: Callable[[], T], *, defers: bool = False) -> T:
        """Return the result of `call`, whose requests count for this kind.

        With `defers`, a Retry-After of more than a minute is raised at once. Raise OutageLimitError if the maximum
        outage has passed already.
        """
        with self._lock:
            timer = self._timer_of(kind)
            if (timer.failing_since is not None or timer.silent_seconds) and self._left(timer) <= 0:
                raise _down(timer.error)
        began = self.clock()
        with self._using(_Use(timer, defers)):
            try:
                result = call()
            except OutageLimitError:
                raise
            except TransientError as error:
                self._record_failure(timer, began, error)
                raise
            except RepositoryError:  # a refusal counts as a response
                self._record_success(timer)
                raise
        self._record_success(timer)
        return result

    def retry_until_available(
        self,
        kind: str,
        call: Callable[[], T],
        *,
        first: Callable[[], T] | None = None,
        on: type[TransientError] = TransientError,
        is_of_object: Callable[[TransientError], bool] = lambda error: False,
        defers: bool = False,
    ) -> T:
        """Return the result of a required request. While it fails with an `on` error, wait and try again.

        `first` returns the result of an attempt that was started elsewhere. Raise the error if `is_of_object` returns
        True, which means that the object is at fault and the repository works. Otherwise, raise the errors of `wait`
        and `attempt`.
        """
        timer = self._timer_of(kind)
        with self._using(_Use(timer, defers)):
            try_now = first or (lambda: self.attempt(kind, call, defers=defers))
            while True:
                try:
                    return try_now()
                except on as error:
                    with self._using(_Use(timer, defers, is_control=True)):
                        is_own = is_of_object(error)
                    if is_own:
                        self.object_failed(kind, error)
                        raise
                    self.wait(kind, error)
                    try_now = lambda: self.attempt(kind, call, defers=defers)  # noqa: E731

    def is_well(self, kind: str, control: Callable[[], object]) -> bool:
        """Return whether a control request succeeds. Its time counts for the kind of request that just failed."""
        with self._using(_Use(self._timer_of(kind), is_control=True)):
            try:
                control()
            except (TransientError, OutageLimitError):
                return False
            return True

    def wait(self, kind: str, error: TransientError) -> None:
        """Wait before the next attempt: 5 s, then twice as long each time, up to 5 minutes.

        The wait is at least as long as the server's Retry-After. Up to a quarter is added at random, but the planned
        wait is at most two thirds of what is left of the maximum outage.

        Raise OutageLimitError if the maximum outage has passed, or will pass before the Retry-After. Raise
        JobStoppedError as soon as a stop is requested.
        """
        with self._lock:
            timer = self._timer_of(kind)
            self._record_failure(timer, self.clock(), error)
            left = self._left(timer)
            timer.waits += 1
            planned = min(_LONGEST_WAIT, 5.0 * 2 ** min(timer.waits - 1, 10))
        self._check_wish(error, left)
        if left < _LEAST_LEFT:
            raise _down(error.in_short, error.url, error.status)
        asked = error.retry_after or 0
        pause = max(asked, min(max(asked, planned) * self._spread(), left * (1 - _PART_OF_ONE_REQUEST)))
        with self._using(_Use(timer)):
            self._rest(timer, error, pause)

    def repeat(
        self,
        once: Callable[[], T],
        tries: int,
        kind: str = "request",
        may_repeat: Callable[[], bool] = lambda: True,
        tries_at_500: int | None = None,
        repeats_pages: bool = True,
    ) -> T:
        """Return the result of `once`, called up to `tries` times while it raises TransientError and `may_repeat`.

        After a status 500, which is often caused by the requested object, the limit is `tries_at_500`. With
        `repeats_pages` False, a web page is final, because a wrong address gives one each time. The waits grow
        from half a second to a minute, or are as long as the server asks. `kind`: the kind of requests outside
        `attempt`.

        Raise the last error. Raise OutageLimitError if the Retry-After is later than the end of the maximum outage,
        JobStoppedError as soon as a stop is requested.
        """
        use = self._current.use
        timer = use.timer or OutageTimer(kind)
        with self._using(replace(use, timer=timer)):
            made = 1
            while True:
                try:
                    return once()
                except TransientError as error:
                    self._record_failure(timer, self.clock(), error)
                    is_500 = isinstance(error, ServerError) and error.status == 500
                    most = tries_at_500 if is_500 and tries_at_500 else tries
                    final = _NEVER_REPEATED if repeats_pages else (*_NEVER_REPEATED, WebPageError)
                    if made >= most or isinstance(error, final) or not may_repeat():
                        raise
                    pause = self._pause_before(made, error, timer, use)
                    if pause is None:
                        raise
                    self._rest(timer, error, pause)
                made += 1

    @contextmanager
    def request(self, kind: str = "request") -> Iterator[Request]:
        """Yield a request that begins now. Record a TransientError that the block raises."""
        with self._lock:
            timer = self._current.use.timer or OutageTimer(kind)
            request = Request(timer, self.clock(), self._longest(timer))
        with self._waits.sending(request):
            try:
                yield request
            except TransientError as error:
                self._record_failure(timer, request.quiet_since, error)
                raise

    def record_data(self, request: Request, seconds: float) -> None:
        """Record that data of a request has arrived that takes this many seconds at the slowest accepted rate."""
        request.extend(seconds, self.clock())

    def time_in(self, seconds: float) -> str:
        """Return the local time of day in this many seconds, with the date if it is not today."""
        return self._waits.time_in(seconds)

    # Helpers of the methods above

    def _timer_of(self, kind: str) -> OutageTimer:
        with self._lock:
            return self._timers.setdefault(kind, OutageTimer(kind))

    @contextmanager
    def _using(self, use: _Use) -> Iterator[None]:
        """Set the purpose of this thread's requests for the block. While a kind is in use, pages show its failures."""
        before, self._current.use = self._current.use, use
        try:
            with self._waits.using(use.timer):
                yield
        finally:
            self._current.use = before

    def _record_success(self, timer: OutageTimer) -> None:
        with self._lock:
            timer.record_success(self.clock())

    def _record_failure(self, timer: OutageTimer, began: float, error: TransientError) -> None:
        with self._lock:
            timer.record_failure(began, error)

    def _left(self, timer: OutageTimer) -> float:
        """Return how many seconds of the maximum outage are left."""
        return self._seconds - timer.outage(self.clock())

    def _longest(self, timer: OutageTimer) -> float:
        """Return how many seconds a request may take."""
        if self._request_seconds is not None:
            return self._request_seconds
        if not self._seconds:
            return float("inf")
        part = self._seconds * _PART_OF_ONE_REQUEST
        return part if self._current.use.is_control else min(self._left(timer), part)

    def _pause_before(self, made: int, error: TransientError, timer: OutageTimer, use: _Use) -> float | None:
        """Return the seconds to wait after `made` attempts, or None if the caller must handle the error."""
        asked, left = error.retry_after or 0, self._left(timer)
        if use.defers and asked > LONG_RETRY_AFTER:
            return None
        if use.timer is not None:
            self._check_wish(error, left)
        pause = max(asked, min(_LONGEST_BACKOFF, 0.5 * 2 ** (made - 1)) * self._spread())
        return pause if pause < left else None

    def _check_wish(self, error: TransientError, left: float) -> None:
        """Raise OutageLimitError if the Retry-After is later than the end of the maximum outage."""
        asked = error.retry_after or 0
        if asked > max(left, 0):
            raise OutageLimitError(
                _(
                    "The server asks to wait until %(time)s, which is longer than the maximum outage that is set. "
                    "Resume the job after that. %(error)s",
                    time=self.time_in(asked),
                    error=error.in_short,
                ),
                error.url,
            )

    def _rest(self, timer: OutageTimer, error: TransientError, seconds: float) -> None:
        with self._waits.resting(timer, error, seconds):
            if self._pause(seconds):
                raise JobStoppedError(_("The job was asked to stop."))
