"""How many bytes the files of one import may have together. Downloads run side by side, so each reserves its part."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..errors import JobStoppedError, TooLargeError
from ..text import human_size

GLANCE = 0.5  # seconds until a wait looks whether a stop was asked for


class DownloadBudget:
    """What is left of the limit for all files of an import, in bytes.

    `limit`: None for none. `spent`: by earlier attempts. `stop`: set when the waits are to end.
    """

    def __init__(self, limit: int | None, spent: int, stop: threading.Event):
        self._limit, self._left, self._stop = limit, (limit or 0) - spent, stop
        self._reserved, self._changed = 0, threading.Condition(threading.RLock())

    def share(self, size: int | None) -> Reservation:
        """Reserve room for a file of this size, of an unknown one as its bytes come. Raises TooLargeError,
        JobStoppedError.

        Waits while others have reserved what it needs: they may not spend it.
        """
        share = Reservation(self)
        with self._changed:
            while self._limit is not None and self._left < (size or 0) <= self._left + self._reserved:
                if self._stop.is_set():
                    raise JobStoppedError("Stopped.")
                self._changed.wait(GLANCE)
            share.take(size or 0)
        return share

    def take(self, size: int) -> None:
        """Reserve so many bytes. Raises TooLargeError."""
        with self._changed:
            if self._limit is not None and size > max(self._left, 0):
                raise TooLargeError(
                    f"With it, the files of this import would be more than {human_size(self._limit)}, the limit for "
                    "all of them together. A later import, or Retry, goes on with it."
                )
            self._left -= size
            self._reserved += size

    def settle(self, reserved: int, spent: int) -> None:
        """Of what one download had reserved, so many bytes were spent; the rest is for others."""
        with self._changed:
            self._reserved -= reserved
            self._left += reserved - spent
            self._changed.notify_all()


class Reservation:
    """What one download has reserved. Whoever reserved it settles it, whatever became of the download."""

    def __init__(self, allowance: DownloadBudget):
        self._allowance, self._reserved = allowance, 0

    def take(self, size: int) -> None:
        """Reserve so many bytes more. Raises TooLargeError."""
        self._allowance.take(size)
        self._reserved += size

    def guarded(self, write: Callable[[bytes], object]) -> Callable[[bytes], None]:
        """The same `write` for one try, which reserves what comes beyond the size that was told. Raises
        TooLargeError."""
        used = 0

        def careful(piece: bytes) -> None:
            nonlocal used
            used += len(piece)
            if used > self._reserved:
                self.take(used - self._reserved)
            write(piece)

        return careful

    def settle(self, spent: int) -> None:
        """So many bytes were spent; the rest is for others."""
        self._allowance.settle(self._reserved, spent)
