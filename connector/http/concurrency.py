"""Limit of the load on one repository: a few requests at once over all processes, and fewer when it becomes slow.

The slots are lock files, because the kernel frees a lock whenever its process ends. The files also store until when the
server may process a request that timed out.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import statistics
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import JobStoppedError, RequestTimeoutError, StorageError
from ..i18n import gettext as _
from . import abandoned
from .request_interval import RequestInterval

_SAMPLE = 10
_SLOWER = 3
_GOOD_IN_A_ROW = 20  # after the first slowdown
_POLL = 0.015


@dataclass
class _ResponseTimes:
    """The seconds of the responses of one kind: the first ten, and the last ten since they halved the width."""

    first: list[float] = field(default_factory=list)
    last: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLE))

    def add(self, seconds: float) -> None:
        (self.first if len(self.first) < _SAMPLE else self.last).append(seconds)

    @property
    def are_slow(self) -> bool:
        return len(self.last) == _SAMPLE and statistics.median(self.last) >= _SLOWER * statistics.median(self.first)


class ConcurrencyLimit:
    """A limit of `most` concurrent requests to the repository `key`, over all processes that use the same `folder`.

    Within this object, at most `width` requests run at once. `width` starts at one and grows by one after each good
    response. It is halved when the repository becomes slow or fails, and from then on grows by one after twenty good
    responses in a row. `delay`: minimum seconds between the starts of two requests, also over all processes.

    Create the object after a fork, not before. Safe between threads. Raise StorageError if the lock files cannot be
    made. `clock` must be common to all processes, like `time.time`. `elapsed` returns the seconds of a monotonic clock.
    """

    def __init__(
        self,
        folder: Path,
        key: str,
        most: int = 4,
        *,
        delay: float = 0,
        clock: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
    ):
        self._most, self._width, self._elapsed, self._clock = most, 1, elapsed, clock
        self._locks = _lock_files(folder, key, most)
        self._spacing = RequestInterval(folder / f"{_file_name(key)}.start", delay, clock)
        self._taken: set[int] = set()
        self._abandoned: dict[int, float] = {}  # slot of a timed-out request: until when it stays taken
        self._changed = threading.Condition()
        self._answers: dict[str, _ResponseTimes] = {}
        self._good = 0
        self._slowed = self._halvings = 0
        weakref.finalize(self, _close, self._locks)

    @property
    def width(self) -> int:
        """Return how many requests may run at once in this object: 1 to `most`."""
        return self._width

    @property
    def halvings(self) -> int:
        """Return how often the width was halved in this object. A width of one is not halved."""
        return self._halvings

    def space(self, stop: threading.Event) -> float:
        """Wait until the next request may start, and return the seconds waited.

        Raise JobStoppedError as soon as `stop` is set.
        """
        return self._spacing.wait(stop)

    @contextmanager
    def slot(self, stop: threading.Event, runs_on: float = 0) -> Iterator[int]:
        """Wait for a slot for one request, hold the slot, and yield the turn to pass to `record_failure`.

        `runs_on`: seconds for which the server may continue to process a request after it timed out here (DSpace 6
        does). The slot of such a request stays taken for this time, also after this object and its process have ended.
        One request may always run. Raise JobStoppedError as soon as `stop` is set.
        """
        number = self._take(stop)
        try:
            yield self._slowed
        except RequestTimeoutError:
            self._abandon(number, runs_on)
            raise
        finally:
            self._release(number)

    def record_success(self, seconds: float, kind: str) -> None:
        """Record a good response. Only times of the same `kind` are compared: a listing page differs from a file."""
        with self._changed:
            answers = self._answers.setdefault(kind, _ResponseTimes())
            answers.add(seconds)
            if answers.are_slow:
                answers.last.clear()
                self._halve()
            else:
                self._count_good()

    def record_failure(self, turn: int) -> None:
        """Record a timeout, a 429 or a 5xx. A request that began before the last slowdown does not halve the width."""
        with self._changed:
            self._good = 0
            if turn == self._slowed:
                self._halve()

    def _halve(self) -> None:
        self._halvings += self._width > 1
        self._width = max(1, self._width // 2)
        self._slowed += 1
        self._good = 0

    def _count_good(self) -> None:
        self._good += 1
        if not self._slowed or self._good == _GOOD_IN_A_ROW:
            self._good = 0
            self._width = min(self._most, self._width + 1)

    def _take(self, stop: threading.Event) -> int:
        with self._changed:
            while not stop.is_set():
                number = self._free_slot()
                if number is not None:
                    self._taken.add(number)
                    return number
                # Other threads notify the condition. Other processes cannot, so the locks are checked again after a
                # short time.
                self._changed.wait(_POLL)
        raise JobStoppedError(_("The job was asked to stop."))

    def _free_slot(self) -> int | None:
        self._free_abandoned()
        waited_for = len(self._taken) - len(self._abandoned)
        if waited_for >= max(1, self._width - len(self._abandoned)):
            return None
        free = (number for number in range(self._most) if number not in self._taken)
        return next((number for number in free if self._lock(number)), None)

    def _lock(self, number: int) -> bool:
        """Try to lock a slot, and return whether it can be used.

        Return False if the slot is taken, or if the server may still process an abandoned request in it.
        """
        descriptor = self._locks[number]
        if not _is_locked_now(descriptor):
            return False
        seconds = abandoned.seconds_left(descriptor, self._clock())
        if not self._keep(number, seconds):
            return True
        self._taken.add(number)
        return False

    def _abandon(self, number: int, runs_on: float) -> None:
        with self._changed:
            if self._keep(number, runs_on):
                abandoned.note(self._locks[number], self._clock(), runs_on)

    def _keep(self, number: int, seconds: float) -> bool:
        """Keep a slot taken for this many seconds, and return True.

        If `seconds` is 0 or all other slots are kept already, return False. So one request may always run.
        """
        if seconds <= 0 or len(self._abandoned) >= self._most - 1:
            return False
        self._abandoned[number] = self._elapsed() + seconds
        return True

    def _free_abandoned(self) -> None:
        """Free the slots of abandoned requests that must have ended by now."""
        for number, until in list(self._abandoned.items()):
            if self._elapsed() >= until:
                del self._abandoned[number]
                abandoned.erase(self._locks[number])
                self._free(number)

    def _release(self, number: int) -> None:
        with self._changed:
            if number not in self._abandoned:
                self._free(number)
            self._changed.notify()

    def _free(self, number: int) -> None:
        fcntl.flock(self._locks[number], fcntl.LOCK_UN)
        self._taken.remove(number)


def _lock_files(folder: Path, key: str, count: int) -> list[int]:
    """Open the lock files and return their descriptors.

    Each object opens the files itself, because a flock lock belongs to an opening, not to a process. The files are
    never deleted. Otherwise, a process with a deleted file open would lock a file that others do not see.
    """
    name = _file_name(key)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [os.open(folder / f"{name}.{number}", os.O_RDWR | os.O_CREAT, 0o600) for number in range(count)]
    except OSError as error:
        raise StorageError(
            _("The folder %(folder)s cannot be written: %(strerror)s.", folder=folder, strerror=error.strerror)
        ) from error


def _file_name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _is_locked_now(descriptor: int) -> bool:
    """Try to take the lock. Return False if it is held elsewhere."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
