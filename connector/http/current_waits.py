"""What the threads of a job wait for now: pauses, failing requests and requests without an answer. A page shows it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo

from .. import durations
from ..durations import Wait
from ..errors import TransientError
from ..i18n import gettext as _
from .outage_timer import OutageTimer, Request, Rest

LONG_RETRY_AFTER = 60.0  # seconds; callers that can do other work get an error instead of a longer wait
SILENCE = 5.0  # seconds without an answer, after which a page says that the job waits
_WORTH_SHOWING = 2.0  # seconds


class CurrentWaits:
    """The waits of all threads that share an `OutageWait`. Safe between threads.

    `lock`: guards the timers, too. `clock`, `now`, `zone`: see `OutageWait`.
    """

    def __init__(
        self,
        lock: threading.RLock,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        zone: tzinfo | None,
    ):
        self._lock, self._clock, self._now, self._zone = lock, clock, now, zone
        self._timers: list[OutageTimer] = []
        self._requests: list[Request] = []
        self._rests: list[Rest] = []
        self._number, self._seconds = 0, 0.0

    @property
    def totals(self) -> dict[str, float]:
        """Return the number of waits and their seconds, with the keys of `RequestStats`."""
        return {"waits": self._number, "seconds_waited": self._seconds}

    @property
    def first(self) -> Wait | None:
        """Return the current wait for a good response that began first, or None if there is no wait."""
        with self._lock:
            found = [
                Wait(timer.kind, self._moment(timer.failing_since), timer.detail)
                for timer in self._timers
                if timer.failing_since is not None
                and (timer.is_announced or self._clock() - timer.failing_since >= SILENCE)
            ]
            found += [Wait(rest.kind, self._moment(rest.since), rest.detail) for rest in self._rests]
            found += [
                Wait(request.timer.kind, self._moment(request.quiet_since), _("No answer yet to a request."))
                for request in self._requests
                if self._clock() - request.quiet_since >= SILENCE
            ]
        return min(found, key=lambda wait: wait.since, default=None)

    @contextmanager
    def using(self, timer: OutageTimer | None) -> Iterator[None]:
        """Show the failures of this timer during the block."""
        used = [] if timer is None else [timer]
        with self._lock:
            self._timers += used
        try:
            yield
        finally:
            with self._lock:
                for timer in used:
                    self._timers.remove(timer)

    @contextmanager
    def sending(self, request: Request) -> Iterator[None]:
        """Show during the block if the request gets no answer."""
        with self._lock:
            self._requests.append(request)
        try:
            yield
        finally:
            with self._lock:
                self._requests.remove(request)

    @contextmanager
    def resting(self, timer: OutageTimer, error: TransientError, seconds: float) -> Iterator[None]:
        """Show a pause of this many seconds during the block, and count it if the block raises no error."""
        rest = Rest(timer.kind, self._clock(), self._next_try(error, seconds))
        is_shown = seconds > _WORTH_SHOWING
        with self._lock:
            timer.detail = rest.detail
            timer.is_announced = timer.is_announced or is_shown
            self._rests += [rest] if is_shown else []
        try:
            yield
        finally:
            with self._lock:
                self._rests = [other for other in self._rests if other is not rest]
        with self._lock:
            self._number += 1
            self._seconds += seconds

    def time_in(self, seconds: float) -> str:
        """Return the local time of day in this many seconds, with the date if it is not today."""
        now = self._now()
        return durations.local_time(now + timedelta(seconds=seconds), now, self._zone)

    def _next_try(self, error: TransientError, seconds: float) -> str:
        """Return the error and when the next attempt follows: after some seconds, or at a time of day.

        The page shows the sentence for the whole wait, so it must not say how many seconds are left.
        """
        if seconds >= LONG_RETRY_AFTER:
            return _("%(error)s The app will try again at %(time)s.", error=error.in_short, time=self.time_in(seconds))
        return _(
            "%(error)s The app waits %(duration)s between attempts.",
            error=error.in_short,
            duration=durations.span(seconds),
        )

    def _moment(self, seconds: float) -> datetime:
        """Return the wall-clock time (naive UTC) of a value of our clock."""
        return self._now() - timedelta(seconds=self._clock() - seconds)
