"""A minimum interval between the starts of two requests to a repository, over all processes that use the same file."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

from ..errors import JobStoppedError, StorageError
from ..i18n import gettext as _


class RequestInterval:
    """An interval of `seconds` between two starts. The file stores the last start, by a clock of all processes."""

    def __init__(self, path: Path, seconds: float, clock: Callable[[], float]):
        self._path, self._seconds, self._clock = path, seconds, clock

    def wait(self, stop: threading.Event) -> float:
        """Wait until a request may start, and return the seconds waited.

        Raise JobStoppedError as soon as `stop` is set, StorageError if the file cannot be written.
        """
        waited = 0.0
        while self._seconds and (left := self._left_or_started()):
            if stop.wait(left):
                raise JobStoppedError(_("The job was asked to stop."))
            waited += left
        return waited

    def _left_or_started(self) -> float:
        """Return the seconds until the next start, or 0 if a request starts now. Then its time is saved."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageError(
                _("The file %(path)s cannot be written: %(strerror)s.", path=self._path, strerror=error.strerror)
            ) from error
        with os.fdopen(descriptor, "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            now = self._clock()
            since = now - _number(file.read())
            if 0 <= since < self._seconds:  # less than 0: the clock was set back
                return self._seconds - since
            file.seek(0)
            file.truncate()
            file.write(repr(now))
            return 0.0


def _number(text: str) -> float:
    """Return the saved start, or minus infinity if the file is new or was cut short by a power failure."""
    try:
        return float(text)
    except ValueError:
        return float("-inf")
