"""Where a list ends that tells no count, or a count that is not true: so no source can keep a job busy for ever."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

IDLE_PAGES = 5  # of DSpace 7 to 10, whose counts leave out what may not be seen
IDLE_PAGES_OF_OLD, IDLE_ROWS_OF_OLD = 30, 1_000  # of 4 to 6, where pages of hidden items are empty, and count
MOST_BEYOND = 1_000  # rows
MOST_LISTED = 100_000  # rows of a list that is read as a whole, whatever it counts: files of an item, collections
MOST_UNCOUNTED = 100_000  # rows of a list that tells no count: communities, or items in no visible collection


@dataclass(slots=True)
class Stretch:
    """How far a list has brought nothing new. After `most_pages`, or so many rows, that is its end.

    `least_rows`: the pages are the end only if they had so many rows together. `most_rows` None: only pages count.
    """

    most_pages: int = 3
    least_rows: int = 0
    most_rows: int | None = None
    pages: int = 0
    rows: int = 0

    def add(self, size: int, new: int) -> None:
        """Note that a page of this size brought this many new rows."""
        self.pages, self.rows = (0, 0) if new else (self.pages + 1, self.rows + size)

    @property
    def is_long(self) -> bool:
        by_rows = self.most_rows is not None and self.rows >= self.most_rows
        return by_rows or (self.pages >= self.most_pages and self.rows >= self.least_rows)


def idle_of_old() -> Stretch:
    """Return a stretch after which a list of DSpace 4 to 6 is left, though it counts more."""
    return Stretch(IDLE_PAGES_OF_OLD, least_rows=IDLE_ROWS_OF_OLD)


def endless_in_words(reach: int, counted: int | None = None) -> str:
    """Say that a list was left because it has brought so many rows, far more than are counted, if any are."""
    counts = "" if counted is None else f"counts {counted} and "
    return (
        f"The list {counts}has brought {reach} so far. It may have no end, so it was not read further. "
        "Ask the repository whether its list is right."
    )


@dataclass(slots=True)
class ListEnd:
    """Tells where a list ends that counts its rows, be the count true or not.

    It ends after an `idle` stretch without new rows, however many it promises, and where it has brought far more rows
    than it counts, or more than `most_rows`. Past its count it goes on while pages bring new rows, and more rows than
    are counted or, with `doubts_full_pages`, full pages. `reach`: how many rows there are at least.
    """

    idle: Stretch = field(default_factory=lambda: Stretch(IDLE_PAGES))
    doubts_full_pages: bool = True
    most_rows: float = math.inf
    reach: int = 0
    counted: int = 0
    _is_new: bool = False
    _is_full: bool = False

    def note(self, start: int, size: int, rows: int, new: int, counted: int) -> None:
        """Note a page of this size from the row `start` on: its rows, how many are new, and the count told with it."""
        self.reach, self.counted = max(self.reach, start + rows if rows else 0), counted
        self.idle.add(size, new)
        self._is_new, self._is_full = new > 0, self.doubts_full_pages and rows >= size

    def after(self, offset: int, counted: int) -> int:
        """Return the row to read up to when those before `offset` were read: `offset` itself at the end."""
        if self.is_reached:
            return offset
        if offset < counted:
            return counted
        return offset + 1 if self._is_new and (self._is_full or self.reach > counted) else offset

    @property
    def is_reached(self) -> bool:
        """Has it ended, whatever it counts?"""
        return self.idle.is_long or self.is_endless

    @property
    def is_endless(self) -> bool:
        return self.reach > min(self.most_rows, self.counted + max(self.counted, MOST_BEYOND))

    def in_words(self) -> str:
        """Say that the list was left because it goes on far beyond its count."""
        return endless_in_words(self.reach, self.counted)
