"""Whose fault it is that a row does not come: its own, or the repository's, which may be in trouble just now."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import TransientError

IN_A_ROW = 3  # single failures, after which the repository itself is in doubt
MOST_OF_NONE = 20  # rows that are tried one by one of a list of which nothing ever came


class RepositoryFailingError(Exception):
    """Not an item is at fault but the repository: go back to the page and wait."""

    def __init__(self, error: TransientError):
        super().__init__(str(error))
        self.error = error


class FailureTracker:
    """Single failures not yet known to be the items' own: a later good answer, or a control, clears them."""

    def __init__(self, control: Callable[[], None], came_before: bool):
        self._control, self._came = control, came_before
        self.failed: list[int] = []  # the rows in question
        self._errors: list[TransientError] = []
        self._parts: dict[int, set[bool]] = {}

    def note(self, size: int, came: bool) -> None:
        """A part of the page, of this size, came or did not."""
        self._parts.setdefault(size, set()).add(came)
        self._came = self._came or came

    @property
    def is_of_the_size(self) -> bool:
        """Is the page too large? An item that is at fault fails one part of it and spares the others."""
        size = max(self._parts)
        return size > 1 and len(self._parts[size]) == 1

    def clear(self) -> None:
        """A good answer came: what failed before it was the item's own fault."""
        self._errors.clear()

    def add(self, row: int, error: TransientError) -> None:
        """A single request failed; three in a row put the repository in doubt."""
        self.failed.append(row)
        self._errors.append(error)
        if len(self._errors) >= IN_A_ROW:
            self.settle()
        if len(self.failed) >= MOST_OF_NONE and not self._came:  # the list itself is broken, not each of its rows
            raise RepositoryFailingError(error)

    def settle(self) -> None:
        """Raises Lasting unless what was good before still is."""
        if not self._errors:
            return
        try:
            self._control()
        except TransientError:
            raise RepositoryFailingError(self._errors[-1]) from None
        self.clear()
