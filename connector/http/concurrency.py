"""How hard we lean on one repository: a few requests at a time, over all processes, and fewer when it grows slow.

The slots are lock files, since the kernel frees them whatever becomes of their holder. They also hold until when the
server may work on a request that timed out in them.
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
from . import abandoned
from .request_interval import RequestInterval

_SAMPLE = 10
_SLOWER = 3
_GOOD_AT_FIRST = 3  # answers in a row before the first trouble: four at once after nine
_GOOD_IN_A_ROW = 20  # and ever after
_POLL = 0.015


@dataclass
class _Answers:
    """Seconds that the answers of one kind took: the first ten, and the last ten since the pace was slowed for them."""

    first: list[float] = field(default_factory=list)
    last: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLE))

    def add(self, seconds: float) -> None:
        (self.first if len(self.first) < _SAMPLE else self.last).append(seconds)

    @property
    def are_slow(self) -> bool:
        return len(self.last) == _SAMPLE and statistics.median(self.last) >= _SLOWER * statistics.median(self.first)


class ConcurrencyLimit:
    """At most `most` requests at a time to the repository named `key`, over all processes that use the same `folder`.

    Within this object at most `width` of them: it starts at one, grows by one after three good answers in a row, is
    halved when the repository slows or fails, and from then on grows by one after twenty. `delay`: seconds between the
    starts of two requests, at least, over all processes too. Made after a fork, not before. Safe between threads.
    Raises StorageError if the lock files cannot be made. `clock` is shared by all processes, as `time.time` is;
    `elapsed` gives seconds that nobody sets back.
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
        self._abandoned: dict[int, float] = {}  # slots of requests that timed out, and until when they stay taken
        self._changed = threading.Condition()
        self._answers: dict[str, _Answers] = {}
        self._good = 0
        self._slowed = self._halvings = 0
        weakref.finalize(self, _close, self._locks)

    @property
    def width(self) -> int:
        """How many requests may be under way at once in this object: 1 to `most`."""
        return self._width

    @property
    def halvings(self) -> int:
        """How often the width was halved in this object; one is not halved."""
        return self._halvings

    def space(self, stop: threading.Event) -> float:
        """Wait until the next request may start; gives the seconds waited. Raises JobStoppedError as soon as `stop` is
        set."""
        return self._spacing.wait(stop)

    @contextmanager
    def slot(self, stop: threading.Event, runs_on: float = 0) -> Iterator[int]:
        """The right to one request, waited for as long as it takes; gives its turn, which `troubled` wants to know.

        `runs_on`: the seconds that the server may go on with a request after it timed out here (DSpace 6 does). The
        slot of such a request stays taken for that long, also when this object and its process have ended, except that
        one request may always run.
        Raises JobStoppedError as soon as `stop` is set.
        """
        number = self._take(stop)
        try:
            yield self._slowed
        except RequestTimeoutError:
            self._abandon(number, runs_on)
            raise
        finally:
            self._give_back(number)

    def answered(self, seconds: float, kind: str) -> None:
        """Record a good answer. `kind` tells apart what cannot be compared, such as a listing page and a file."""
        with self._changed:
            answers = self._answers.setdefault(kind, _Answers())
            answers.add(seconds)
            if answers.are_slow:
                answers.last.clear()
                self._halve()
            else:
                self._count_good()

    def troubled(self, turn: int) -> None:
        """Record a timeout, a 429 or a 5xx. Requests begun before it was slowed last are part of that trouble."""
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
        if self._good == (_GOOD_IN_A_ROW if self._slowed else _GOOD_AT_FIRST):
            self._good = 0
            self._width = min(self._most, self._width + 1)

    def _take(self, stop: threading.Event) -> int:
        with self._changed:
            while not stop.is_set():
                number = self._free_slot()
                if number is not None:
                    self._taken.add(number)
                    return number
                # Other threads wake us by the condition; other processes cannot.
                self._changed.wait(_POLL)
        raise JobStoppedError("The job was asked to stop.")

    def _free_slot(self) -> int | None:
        self._free_abandoned()
        waited_for = len(self._taken) - len(self._abandoned)
        if waited_for >= max(1, self._width - len(self._abandoned)):
            return None
        free = (number for number in range(self._most) if number not in self._taken)
        return next((number for number in free if self._lock(number)), None)

    def _lock(self, number: int) -> bool:
        """Try to lock a slot; False if somebody else has it, or left a request in it that the server may work on."""
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
        """Keep a slot taken for so many seconds, unless it is the last one that is free."""
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

    def _give_back(self, number: int) -> None:
        with self._changed:
            if number not in self._abandoned:
                self._free(number)
            self._changed.notify()

    def _free(self, number: int) -> None:
        fcntl.flock(self._locks[number], fcntl.LOCK_UN)
        self._taken.remove(number)


def _lock_files(folder: Path, key: str, count: int) -> list[int]:
    """Descriptors of the lock files, opened anew: flock tells apart openings, not processes.

    The files are never deleted: whoever has one open would go on locking a file that others no longer see.
    """
    name = _file_name(key)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [os.open(folder / f"{name}.{number}", os.O_RDWR | os.O_CREAT, 0o600) for number in range(count)]
    except OSError as error:
        raise StorageError(f"The folder {folder} cannot be written: {error.strerror}.") from error


def _file_name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _is_locked_now(descriptor: int) -> bool:
    """Try to take the lock; False if somebody else has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
