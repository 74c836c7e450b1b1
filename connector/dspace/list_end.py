"""Detects the end of a list with no count or a wrong one, so that no source can keep a job running forever."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ..i18n import gettext as _

IDLE_PAGES = 5  # DSpace 7 to 10, whose counts leave out invisible rows
IDLE_PAGES_OF_OLD, IDLE_ROWS_OF_OLD = 30, 1_000  # 4 to 6: pages of invisible items are empty, though counted
MOST_BEYOND = 1_000  # rows
MOST_LISTED = 100_000  # rows of a list that is read completely: files of an item, collections
MOST_UNCOUNTED = 100_000  # rows of a list without a count: communities, or items in no visible collection


@dataclass(slots=True)
class Stretch:
    """The length of the current run of pages without new rows. A long run marks the end of a list.

    It is long after `most_pages` pages with at least `least_rows` rows together, or after `most_rows` rows. With
    `most_rows` None, only pages count.
    """

    most_pages: int = 3
    least_rows: int = 0
    most_rows: int | None = None
    pages: int = 0
    rows: int = 0

    def add(self, size: int, new: int) -> None:
        """Record that a page of this size had this many new rows."""
        self.pages, self.rows = (0, 0) if new else (self.pages + 1, self.rows + size)

    @property
    def is_long(self) -> bool:
        """Return whether the list ends here."""
        by_rows = self.most_rows is not None and self.rows >= self.most_rows
        return by_rows or (self.pages >= self.most_pages and self.rows >= self.least_rows)


def idle_of_old() -> Stretch:
    """Return the stretch after which reading a list of DSpace 4 to 6 stops, even if it counts more rows."""
    return Stretch(IDLE_PAGES_OF_OLD, least_rows=IDLE_ROWS_OF_OLD)


def endless_in_words(reach: int, counted: int | None = None) -> str:
    """Return a sentence that says that reading stopped because the list has far more rows than expected."""
    if counted is None:
        return _(
            "The list has brought %(reach)s so far. It may have no end, so it was not read further. "
            "Ask the repository whether its list is right.",
            reach=reach,
        )
    return _(
        "The list counts %(counted)s and has brought %(reach)s so far. It may have no end, so it was not read further. "
        "Ask the repository whether its list is right.",
        counted=counted,
        reach=reach,
    )


@dataclass(slots=True)
class ListEnd:
    """The end of a list that counts its rows, whether the count is right or not.

    The list ends after an `idle` stretch without new rows, however many it promises. It also ends when it has far more
    rows than it counts, or more than `most_rows`. Past its count it continues only while pages have new rows. There
    must also be more rows than the count, or, with `doubts_full_pages`, a full last page. `reach`: the known minimum
    number of rows.
    """

    idle: Stretch = field(default_factory=lambda: Stretch(IDLE_PAGES))
    doubts_full_pages: bool = True
    most_rows: float = math.inf
    reach: int = 0
    counted: int = 0
    _size: int = 1
    _is_new: bool = False
    _is_full: bool = False

    def note(self, start: int, size: int, rows: int, new: int, counted: int) -> None:
        """Record a page of this size from the row `start` on: its rows, the new ones among them, and the count."""
        self.reach, self.counted = max(self.reach, start + rows if rows else 0), counted
        self.idle.add(size, new)
        self._size, self._is_new, self._is_full = size, new > 0, self.doubts_full_pages and rows >= size

    def after(self, offset: int, counted: int) -> int:
        """Return the row up to which to read after those before `offset` were read. At the end return `offset`.

        If the last page will be full, the page after it is part of the list from the start, so that no reader waits for
        the last page before it requests that one.
        """
        if self.is_reached:
            return offset
        if offset < counted:
            return counted + (self._is_full and counted % self._size == 0)
        return offset + 1 if self._is_new and (self._is_full or self.reach > counted) else offset

    @property
    def is_reached(self) -> bool:
        """Return whether the list has ended, whatever it counts."""
        return self.idle.is_long or self.is_endless

    @property
    def is_endless(self) -> bool:
        """Return whether reading stopped because the list has far more rows than it counts."""
        return self.reach > min(self.most_rows, self.counted + max(self.counted, MOST_BEYOND))

    def in_words(self) -> str:
        """Return a sentence that says that reading stopped far beyond the count of the list."""
        return endless_in_words(self.reach, self.counted)
