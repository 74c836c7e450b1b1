"""How long a repository that gives no good answer is waited for before the job gives up (design rule 12)."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import TypeVar

from ..errors import RepositoryDown, Stopped, Transient
from ..http import waits

T = TypeVar("T")
LONGEST_WAIT = 300.0  # seconds


class Patience:
    """Seconds a kind of request may go without one good answer; kinds apart, or good downloads hide a dead listing.

    They count from the first failure after a good answer: in hours of downloads nobody asks for a page, and the first
    one that fails then is not yet a repository that has been down for hours.
    `waiting` is given a sentence before each wait, and "" when a good answer has come. `now` gives naive UTC, `clock`
    seconds that nobody sets back. `zone`: whose times the sentence tells; None is the system's. `spread`: how much
    longer than planned a wait is, or all jobs would be back at once after an outage.
    """

    def __init__(
        self,
        seconds: float,
        stop: threading.Event | None = None,
        waiting: Callable[[str], None] = lambda sentence: None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], bool] | None = None,
        now: Callable[[], datetime] = waits.utc_now,
        zone: tzinfo | None = None,
        spread: Callable[[], float] = lambda: random.uniform(1, 1.25),
    ):
        self._seconds, self._waiting, self._clock, self._now = seconds, waiting, clock, now
        self._zone, self._spread = zone, spread
        self.stop = stop or threading.Event()
        self._pause = pause or self.stop.wait
        self._failing: dict[str, float] = {}
        self._waits: dict[str, int] = {}
        self._since: dict[str, datetime] = {}
        self._lock = threading.Lock()

    @property
    def since(self) -> datetime | None:
        """Since when (naive UTC) some kind of request waits for a good answer; None while none does."""
        with self._lock:
            return min(self._since.values(), default=None)

    def good(self, kind: str) -> None:
        """Note a good answer of this kind."""
        with self._lock:
            waited = kind in self._since
            for kept in (self._failing, self._waits, self._since):
                kept.pop(kind, None)
            is_over = waited and not self._since
        if is_over:
            self._waiting("")

    def wait(self, kind: str, error: Transient) -> None:
        """Wait before the next try: 5 s, then twice as long each time, up to 5 minutes, or what the server asked for.

        And up to a quarter more, within the patience that is left.

        Raises RepositoryDown when patience has ended, or would before the server wants to be asked again; Stopped as
        soon as a stop is asked for.
        """
        with self._lock:
            now = self._clock()
            left = self._failing.setdefault(kind, now) + self._seconds - now
            turn = self._waits[kind] = self._waits.get(kind, 0) + 1
            since = self._since.setdefault(kind, self._now())
        if left <= 0:
            raise RepositoryDown(f"The repository gave no good answer for too long. The last one: {error}", error.url)
        asked = error.retry_after or 0
        if asked > left:
            wish = f"The repository asks not to be asked again for {waits.span(asked)}: longer than we wait. {error}"
            raise RepositoryDown(wish, error.url)
        planned = max(asked, min(LONGEST_WAIT, 5.0 * 2 ** min(turn - 1, 10)))
        pause = min(left, planned * self._spread())
        began = waits.since(since, self._now(), self._zone)
        self._waiting(f"{began}: {error} Trying again in {waits.span(pause)}.")
        self.rest(pause)

    def insist(self, kind: str, call: Callable[[], T], on: type[Transient] = Transient) -> T:
        """The result of a request without which nothing can go on: while it fails in this way, wait and try again."""
        while True:
            try:
                result = call()
            except on as error:
                self.wait(kind, error)
            else:
                self.good(kind)
                return result

    def rest(self, seconds: float) -> None:
        """Wait so many seconds; raises Stopped as soon as a stop is asked for."""
        if self._pause(seconds):
            raise Stopped("Stopped.")
