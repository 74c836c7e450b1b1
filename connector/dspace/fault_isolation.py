"""Decides why a row cannot be read: because of the row itself, or because the whole repository fails."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import TransientError

IN_A_ROW = 3  # failures of single rows before the repository itself is checked
MOST_OF_NONE = 20  # rows that are tried one by one if a list has never returned a row


class RepositoryFailingError(Exception):
    """The repository fails, not a single item. The caller waits and reads the page again."""

    def __init__(self, error: TransientError):
        super().__init__(str(error))
        self.error = error


class FailureTracker:
    """The failures of single rows. They count as the rows' own after a later success, or after a successful control."""

    def __init__(self, control: Callable[[], None], came_before: bool):
        self._control, self._came = control, came_before
        self.failed: list[int] = []  # row numbers
        self._errors: list[TransientError] = []
        self._parts: dict[int, set[bool]] = {}

    def note(self, size: int, came: bool) -> None:
        """Record whether a part of the page, of this size, was read."""
        self._parts.setdefault(size, set()).add(came)
        self._came = self._came or came

    @property
    def is_of_the_size(self) -> bool:
        """Return whether the page is too large. A faulty item fails one part of it and not the others."""
        size = max(self._parts)
        return size > 1 and len(self._parts[size]) == 1

    def clear(self) -> None:
        """Record a success: the failures before it are the rows' own."""
        self._errors.clear()

    def add(self, row: int, error: TransientError) -> None:
        """Record the failure of a single row. After three in a row, check the repository with `settle`.

        Raise RepositoryFailingError if the list has given no row at all after many attempts.
        """
        self.failed.append(row)
        self._errors.append(error)
        if len(self._errors) >= IN_A_ROW:
            self.settle()
        if len(self.failed) >= MOST_OF_NONE and not self._came:  # the list itself is broken, not each of its rows
            raise RepositoryFailingError(error)

    def settle(self) -> None:
        """Raise RepositoryFailingError if rows failed and the control request fails, too."""
        if not self._errors:
            return
        try:
            self._control()
        except TransientError:
            raise RepositoryFailingError(self._errors[-1]) from None
        self.clear()
