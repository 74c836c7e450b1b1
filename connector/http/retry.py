"""Retries requests: how long to wait between attempts, when to give up, and what a page shows in the meantime.

All layers that repeat requests to a repository share one `OutageWait`, so that its clock covers all of them.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
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
)
from ..i18n import gettext as _

T = TypeVar("T")

LONG_RETRY_AFTER = 60.0  # seconds; callers that can do other work get an error instead of a longer wait
SILENCE = 5.0  # seconds without an answer, after which a page says that the job waits
_LONGEST_WAIT = 300.0  # seconds
_LONGEST_BACKOFF = 60.0  # seconds, between the tries of one request
_WORTH_SHOWING = 2.0  # seconds
_A_DAY = 86_400.0
# One request may take this part of the maximum outage. The rest is left for a smaller request or a control request. A
# wait leaves the same part of the remaining time for the next attempt.
_PART_OF_ONE_REQUEST = 1 / 3
_LEAST_LEFT = 1.0  # seconds; with less time an attempt is useless
# A server may still process a request that timed out, and a repeat would double its load (measured on DSpace 6). A bot
# protection may block a client that repeats requests.
_NEVER_REPEATED = (RequestTimeoutError, BotChallengeError)


def _down(error: str, url: str = "") -> OutageLimitError:
    """Return the error that ends a job or a page after the maximum outage. `error`: the last error, as a sentence."""
    return OutageLimitError(
        _("The repository did not answer properly for too long. Try again later. %(error)s", error=error), url
    )


@dataclass(eq=False)
class _Kind:
    """The state of one kind of request. Times are seconds of the clock. `error`: the last error, as a sentence.

    `silent_seconds`: how long single objects did not answer since the last good response, without the time since
    `failing_since`.
    """

    name: str
    settled_at: float = float("-inf")
    failing_since: float | None = None
    silent_seconds: float = 0.0
    waits: int = 0
    error: str = ""
    detail: str = ""
    is_announced: bool = False


@dataclass(eq=False)
class Request:
    """A running request: when it began and how many seconds it may take, by the clock of its OutageWait."""

    kind: _Kind
    began: float
    seconds: float
    quiet_since: float = field(init=False)

    def __post_init__(self) -> None:
        self.quiet_since = self.began

    def postpone(self, seconds: float) -> None:
        """Leave out a wait of ours, before the request was sent."""
        self.began += seconds
        self.quiet_since += seconds

    def extend(self, seconds: float, now: float) -> None:
        """Record that data has arrived that takes this many seconds at the slowest accepted rate."""
        self.quiet_since = min(now, self.quiet_since + seconds)


@dataclass(frozen=True, slots=True)
class _Use:
    """The purpose of the requests of a thread. `defers`: a long Retry-After is raised at once."""

    kind: _Kind | None = None
    defers: bool = False
    is_control: bool = False


class _Current(threading.local):
    """The current purpose of the requests of this thread."""

    use = _Use()


class OutageWait:
    """Repeats requests, and limits how long each kind of request may go without a good response (the maximum outage).

    Each kind has its own clock. Otherwise, good downloads would hide that lists fail. The clock of a kind runs from its
    last good response, or from the start of the first request after it that failed, because time without requests does
    not count. The clock stops when an object was at fault and continues with the next failure, so the times of objects
    that do not answer add up. Requests within `attempt` count for the kind of the attempt, and only the result of the
    attempt is a good response. Any other request has its own clock. With 0 `seconds`, nothing is repeated.

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
        now: Callable[[], datetime] = durations.utc_now,
        zone: tzinfo | None = None,
        spread: Callable[[], float] = lambda: random.uniform(1, 1.25),
    ):
        self._seconds, self._request_seconds = seconds, request_seconds
        self.clock, self._now, self._zone, self._spread = clock, now, zone, spread
        self.stop = stop or threading.Event()
        self._pause = pause or self.stop.wait
        self._kinds: dict[str, _Kind] = {}
        self._used: list[_Use] = []
        self._requests: list[Request] = []
        self._current = _Current()
        self._lock = threading.RLock()
        self._waited, self._seconds_waited = 0, 0.0

    @property
    def waited(self) -> dict[str, float]:
        """Return the number of waits and their seconds, with the keys of `RequestStats`."""
        return {"waits": self._waited, "seconds_waited": self._seconds_waited}

    @property
    def wait_now(self) -> Wait | None:
        """Return the current wait for a good response that began first, or None if there is no wait."""
        with self._lock:
            found = [
                Wait(kind.name, self._moment(kind.failing_since), kind.detail)
                for kind in filter(None, (use.kind for use in self._used))
                if kind.failing_since is not None
                and (kind.is_announced or self.clock() - kind.failing_since >= SILENCE)
            ]
            found += [
                Wait(request.kind.name, self._moment(request.quiet_since), _("No answer yet to a request."))
                for request in self._requests
                if self.clock() - request.quiet_since >= SILENCE
            ]
        return min(found, key=lambda wait: wait.since, default=None)

    def good(self, kind: str) -> None:
        """Record that the repository answers this kind of request."""
        with self._lock:
            self._answered(self._kind(kind))

    def object_failed(self, kind: str, error: ConnectorError) -> None:
        """Record that the last failure of this kind was caused by one object, while the repository works.

        The clock stops. If the object did not answer, its time still counts until the next good response.
        """
        with self._lock:
            state = self._kind(kind)
            silent = state.silent_seconds
            if self._seconds and isinstance(error, RequestTimeoutError) and state.failing_since is not None:
                silent += self.clock() - state.failing_since
            self._answered(state)
            state.silent_seconds, state.error, state.detail = silent, error.in_short, error.in_short

    def attempt(self, kind: str, call: Callable[[], T], *, defers: bool = False) -> T:
        """Return the result of `call`, whose requests count for this kind.

        With `defers`, a Retry-After of more than a minute is raised at once. Raise OutageLimitError if the maximum
        outage has passed already.
        """
        with self._lock:
            state = self._kind(kind)
            if (state.failing_since is not None or state.silent_seconds) and self._left(state) <= 0:
                raise _down(state.error)
        began = self.clock()
        with self._using(_Use(state, defers)):
            try:
                result = call()
            except OutageLimitError:
                raise
            except TransientError as error:
                self._failed(state, began, error)
                raise
            except RepositoryError:  # a refusal counts as a response
                self._answered(state)
                raise
        self._answered(state)
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
        state = self._kind(kind)
        with self._using(_Use(state, defers)):
            try_now = first or (lambda: self.attempt(kind, call, defers=defers))
            while True:
                try:
                    return try_now()
                except on as error:
                    with self._using(_Use(state, defers, is_control=True)):
                        is_own = is_of_object(error)
                    if is_own:
                        self.object_failed(kind, error)
                        raise
                    self.wait(kind, error)
                    try_now = lambda: self.attempt(kind, call, defers=defers)  # noqa: E731

    def is_well(self, kind: str, control: Callable[[], object]) -> bool:
        """Return whether a control request succeeds. Its time counts for the kind of request that just failed."""
        with self._using(_Use(self._kind(kind), is_control=True)):
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
            state = self._kind(kind)
            self._failed(state, self.clock(), error)
            left = self._left(state)
            state.waits += 1
            planned = min(_LONGEST_WAIT, 5.0 * 2 ** min(state.waits - 1, 10))
        self._check_wish(error, left)
        if left < _LEAST_LEFT:
            raise _down(error.in_short, error.url)
        asked = error.retry_after or 0
        pause = max(asked, min(max(asked, planned) * self._spread(), left * (1 - _PART_OF_ONE_REQUEST)))
        with self._using(_Use(state)):
            self._rest(state, error, pause)

    def repeat(
        self,
        once: Callable[[], T],
        tries: int,
        kind: str = "request",
        may_repeat: Callable[[], bool] = lambda: True,
        tries_at_500: int | None = None,
    ) -> T:
        """Return the result of `once`, called up to `tries` times while it raises TransientError and `may_repeat`.

        After a status 500, which is often caused by the requested object, the limit is `tries_at_500`. The waits grow
        from half a second to a minute, or are as long as the server asks. `kind`: the kind of requests outside
        `attempt`.

        Raise the last error. Raise OutageLimitError if the Retry-After is later than the end of the maximum outage,
        JobStoppedError as soon as a stop is requested.
        """
        use = self._current.use
        state = use.kind or _Kind(kind)
        with self._using(replace(use, kind=state)):
            made = 1
            while True:
                try:
                    return once()
                except TransientError as error:
                    self._failed(state, self.clock(), error)
                    is_500 = isinstance(error, ServerError) and error.status == 500
                    most = tries_at_500 if is_500 and tries_at_500 else tries
                    if made >= most or isinstance(error, _NEVER_REPEATED) or not may_repeat():
                        raise
                    pause = self._pause_before(made, error, state, use)
                    if pause is None:
                        raise
                    self._rest(state, error, pause)
                made += 1

    @contextmanager
    def request(self, kind: str = "request") -> Iterator[Request]:
        """Yield a request that begins now. Record a TransientError that the block raises."""
        with self._lock:
            state = self._current.use.kind or _Kind(kind)
            request = Request(state, self.clock(), self._longest(state))
            self._requests.append(request)
        try:
            yield request
        except TransientError as error:
            self._failed(state, request.quiet_since, error)
            raise
        finally:
            with self._lock:
                self._requests.remove(request)

    def came(self, request: Request, seconds: float) -> None:
        """Record that data of a request has arrived that takes this many seconds at the slowest accepted rate."""
        request.extend(seconds, self.clock())

    # Helpers of the methods above

    def _kind(self, name: str) -> _Kind:
        with self._lock:
            return self._kinds.setdefault(name, _Kind(name))

    @contextmanager
    def _using(self, use: _Use) -> Iterator[None]:
        """Set the purpose of this thread's requests for the block. While a kind is in use, pages show its failures."""
        before, self._current.use = self._current.use, use
        with self._lock:
            self._used.append(use)
        try:
            yield
        finally:
            self._current.use = before
            with self._lock:
                self._used.remove(use)

    def _answered(self, state: _Kind) -> None:
        with self._lock:
            state.settled_at, state.failing_since = self.clock(), None
            state.silent_seconds, state.waits, state.detail, state.is_announced = 0.0, 0, "", False

    def _failed(self, state: _Kind, began: float, error: TransientError) -> None:
        with self._lock:
            if state.failing_since is None:
                state.failing_since = max(began, state.settled_at)
            state.error = state.detail = error.in_short

    def _left(self, state: _Kind) -> float:
        """Return how many seconds of the maximum outage are left."""
        now = self.clock()
        failing = now - (now if state.failing_since is None else state.failing_since)
        return self._seconds - state.silent_seconds - failing

    def _longest(self, state: _Kind) -> float:
        """Return how many seconds a request may take."""
        if self._request_seconds is not None:
            return self._request_seconds
        if not self._seconds:
            return float("inf")
        part = self._seconds * _PART_OF_ONE_REQUEST
        return part if self._current.use.is_control else min(self._left(state), part)

    def _pause_before(self, made: int, error: TransientError, state: _Kind, use: _Use) -> float | None:
        """Return the seconds to wait after `made` attempts, or None if the caller must handle the error."""
        asked, left = error.retry_after or 0, self._left(state)
        if use.defers and asked > LONG_RETRY_AFTER:
            return None
        if use.kind is not None:
            self._check_wish(error, left)
        pause = max(asked, min(_LONGEST_BACKOFF, 0.5 * 2 ** (made - 1)) * self._spread())
        return pause if pause < left else None

    def time_in(self, seconds: float) -> str:
        """Return the local time of day in this many seconds, with the date if it is not today."""
        now = self._now()
        return durations.local_time(now + timedelta(seconds=seconds), now, self._zone)

    def _check_wish(self, error: TransientError, left: float) -> None:
        """Raise OutageLimitError if the Retry-After is later than the end of the maximum outage."""
        asked = error.retry_after or 0
        if asked > max(left, 0):
            raise OutageLimitError(
                _(
                    "The repository asks to wait until %(time)s, which is longer than the maximum outage that is set. "
                    "Resume the job after that. %(error)s",
                    time=self.time_in(asked),
                    error=error.in_short,
                ),
                error.url,
            )

    def _rest(self, state: _Kind, error: TransientError, seconds: float) -> None:
        with self._lock:
            state.detail = _(
                "%(error)s Trying again in %(duration)s.", error=error.in_short, duration=durations.span(seconds)
            )
            state.is_announced = state.is_announced or seconds > _WORTH_SHOWING
        if self._pause(seconds):
            raise JobStoppedError(_("The job was asked to stop."))
        with self._lock:
            self._waited += 1
            self._seconds_waited += seconds

    def _moment(self, clock: float | None) -> datetime:
        """Return the wall-clock time (naive UTC) of a value of our clock."""
        return self._now() - timedelta(seconds=0 if clock is None else self.clock() - clock)
