"""Measures running downloads for the progress that pages show, also between two finished files."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ...models.catalogue import FileStatus
from ..results.import_kinds import DOWNLOADS
from .file_counts import tried_counts


class DownloadMeter:
    """The bytes that arrive and the time that passes while files are downloaded. Safe between threads.

    The heartbeat of the job adds what `new` returns to its counters. `clock`: returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock, self._lock = clock, threading.Lock()
        self._arrived: Counter[int] = Counter()  # bytes of running downloads, by file id
        self._counted: Counter[int] = Counter()  # those that `new` has returned
        self._since: float | None = None  # start of the time that is not counted yet, None between downloads

    def start(self) -> None:
        """Begin to measure time."""
        with self._lock:
            self._since = self._clock()

    def stop(self) -> None:
        """Measure no more time until `start` is called."""
        with self._lock:
            self._since = None

    def count_bytes(self, row: Any, write: Callable[[bytes], object]) -> Callable[[bytes], None]:
        """Return a wrapper of `write` for one try to download a file, which counts its bytes."""
        with self._lock:
            self._arrived[row.id] = 0

        def counting(piece: bytes) -> None:
            write(piece)
            with self._lock:
                self._arrived[row.id] += len(piece)

        return counting

    def new(self) -> dict[str, int]:
        """Return what to add to the counters of the job since the last call. The caller must write it."""
        with self._lock:
            grown = self._arrived.copy()
            grown.subtract(self._counted)
            self._counted = self._arrived.copy()
            return {DOWNLOADS.arriving_bytes: grown.total(), DOWNLOADS.milliseconds: self._milliseconds()}

    def finish(self, rows: Sequence[Any], status: FileStatus) -> dict[str, int]:
        """Return what to add to the counters of the job for files with the same bytes that have been tried."""
        with self._lock:
            for row in rows:
                del self._arrived[row.id]
            counted = sum(self._counted.pop(row.id, 0) for row in rows)
            passed = {DOWNLOADS.arriving_bytes: -counted, DOWNLOADS.milliseconds: self._milliseconds()}
        return tried_counts(rows, status) | passed

    def _milliseconds(self) -> int:
        if self._since is None:
            return 0
        before, self._since = self._since, self._clock()
        return round((self._since - before) * 1000)
