"""The limit on the total bytes that one import downloads.

Downloads run concurrently, so each download reserves its bytes first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from ...errors import JobStoppedError, TooLargeError
from ...i18n import gettext as _
from ...text import human_size

CHECK_SECONDS = 0.5  # between checks for a stop during a wait


class DownloadBudget:
    """The remaining part of the download limit of an import, in bytes. Safe between threads.

    `limit`: None for no limit. `spent`: bytes that earlier attempts downloaded. `stop`: event that ends all waits.
    """

    def __init__(self, limit: int | None, spent: int, stop: threading.Event):
        self._limit, self._left, self._stop = limit, (limit or 0) - spent, stop
        self._reserved, self._changed = 0, threading.Condition(threading.RLock())

    def share(self, size: int | None) -> Reservation:
        """Reserve room for a file of this size. If the size is unknown, its bytes are reserved as they arrive.

        Wait while other downloads hold the room that this file needs, since they may not use all of it.
        Raise TooLargeError if the limit does not allow the file, JobStoppedError if `stop` is set during the wait.
        """
        share = Reservation(self)
        with self._changed:
            while self._limit is not None and self._left < (size or 0) <= self._left + self._reserved:
                if self._stop.is_set():
                    raise JobStoppedError(_("Stopped."))
                self._changed.wait(CHECK_SECONDS)
            share.take(size or 0)
        return share

    def take(self, size: int) -> None:
        """Reserve this number of bytes. Raise TooLargeError if they exceed the limit."""
        with self._changed:
            if self._limit is not None and size > max(self._left, 0):
                raise TooLargeError(
                    _(
                        "With this file, the import would exceed its total download limit of %(limit)s. The next "
                        "import, or Retry failed, tries again.",
                        limit=human_size(self._limit),
                    )
                )
            self._left -= size
            self._reserved += size

    def settle(self, reserved: int, spent: int) -> None:
        """Release the reservation of one download. Only the bytes spent still count."""
        with self._changed:
            self._reserved -= reserved
            self._left += reserved - spent
            self._changed.notify_all()


class Reservation:
    """The bytes reserved for one download. The caller must settle it, even if the download fails."""

    def __init__(self, budget: DownloadBudget):
        self._budget, self._reserved = budget, 0

    def take(self, size: int) -> None:
        """Reserve more bytes. Raise TooLargeError if they exceed the limit."""
        self._budget.take(size)
        self._reserved += size

    def with_reservation(self, write: Callable[[bytes], object]) -> Callable[[bytes], None]:
        """Return a wrapper of `write` for one try that also reserves the bytes beyond the announced size.

        The wrapper raises TooLargeError if they exceed the limit.
        """
        used = 0

        def reserving(piece: bytes) -> None:
            nonlocal used
            used += len(piece)
            if used > self._reserved:
                self.take(used - self._reserved)
            write(piece)

        return reserving

    def settle(self, spent: int) -> None:
        """Release the reservation. Only the bytes spent still count."""
        self._budget.settle(self._reserved, spent)
