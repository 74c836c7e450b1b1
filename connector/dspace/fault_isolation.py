"""Decides why a row cannot be read: because of the row itself, or because the whole repository fails."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import TransientError

IN_A_ROW = 3  # failures of single rows before the repository itself is checked
MAX_WITHOUT_SUCCESS = 20  # rows that are tried one by one if a list has never returned a row


class RepositoryFailingError(Exception):
    """The repository fails, not a single item. The caller waits and reads the page again."""

    def __init__(self, error: TransientError):
        super().__init__(str(error))
        self.error = error


class FailureTracker:
    """The failures of single rows. They count as the rows' own after a later success, or after a successful control."""

    def __init__(self, control: Callable[[], None], has_rows: bool):
        self._control, self._has_rows = control, has_rows
        self.failed: list[int] = []  # row numbers
        self._errors: list[TransientError] = []
        self._parts: dict[int, set[bool]] = {}

    def note(self, size: int, was_read: bool) -> None:
        """Record whether a part of the page, of this size, was read."""
        self._parts.setdefault(size, set()).add(was_read)
        self._has_rows = self._has_rows or was_read

    @property
    def is_too_large(self) -> bool:
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
        # Then the list itself is broken, not each of its rows.
        if len(self.failed) >= MAX_WITHOUT_SUCCESS and not self._has_rows:
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
