"""A request that fails for a while is made again, with growing waits, and the person who waits is told why."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from ..errors import BotWall, Stopped, TimedOut, Transient
from . import waits
from .session import HttpSettings
from .traffic import Traffic
from .waits import utc_now

T = TypeVar("T")

# A server may still be at work on a request that timed out: asking again would double that (measured on DSpace 6). And
# to repeat a request is what a protection against robots holds against them.
_NEVER_REPEATED = (TimedOut, BotWall)
_LONGEST_BACKOFF = 60  # seconds
_WORTH_SAYING = 2  # seconds


class Retries:
    """Repeats requests after a Transient, with growing waits or the Retry-After of the server.

    Before a wait of more than 2 seconds `waiting` is given a sentence that says so, and "" when it is over.
    """

    def __init__(
        self, settings: HttpSettings, traffic: Traffic, stop: threading.Event, waiting: Callable[[str], object]
    ):
        self._settings, self._traffic, self._stop, self._waiting = settings, traffic, stop, waiting
        self._this_thread = _Told()

    def __call__(self, once: Callable[[], T], tries: int, may_repeat: Callable[[], bool] = lambda: True) -> T:
        """What `once` gives, made up to `tries` times in all while it `may_repeat`.

        Raises its last error, and Stopped as soon as a stop is asked for in a wait.
        """
        made, since = 1, None
        try:
            while True:
                try:
                    return once()
                except Transient as error:
                    self._traffic.troubled(error)
                    if made >= tries or isinstance(error, _NEVER_REPEATED) or not may_repeat():
                        raise
                    trouble = error
                since = since or utc_now()
                self._wait(trouble, made, since)
                made += 1
        finally:
            self.is_over()

    def rest(self, seconds: float) -> bool:
        """Wait so many seconds; True as soon as a stop is asked for."""
        stopped = self._stop.wait(seconds)
        if not stopped:
            self._traffic.add(waits=1, seconds_waited=seconds)
        return stopped

    def is_over(self) -> None:
        """An answer has come, or none is waited for any more: take the sentence back, if there was one."""
        if self._this_thread.has_told:
            self._this_thread.has_told = False
            self._waiting("")

    def _wait(self, trouble: Transient, made: int, since: datetime) -> None:
        seconds = min(_LONGEST_BACKOFF, 0.5 * 2 ** (made - 1)) * random.uniform(1, 1.25)
        asked = trouble.retry_after or 0
        if asked > self._settings.longest_wait:
            raise trouble
        seconds = max(seconds, asked)
        if seconds > _WORTH_SAYING:
            self._this_thread.has_told = True
            began = waits.since(since, utc_now(), self._settings.zone)
            self._waiting(f"{began}: {trouble} Trying again in {waits.span(seconds)}.")
        if self.rest(seconds):
            raise Stopped("The job was asked to stop.")


class _Told(threading.local):
    """Whether a sentence said that the request of this thread waits."""

    has_told = False
