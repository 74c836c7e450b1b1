"""The steps of a walk over DSpace 7 to 10: pages in progress, and the count of the items seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeGuard

from .page_reader import Rows
from .records import Failure, Item, Page, separated

Result = Item | Failure
Cursor = dict[str, Any]


@dataclass(slots=True)
class SeenCounter:
    """The count of distinct items seen.

    `total`: the source's current count. `most`: the count of all items that the source had during the walk, including
    those that left the list. `lacking`: the number of rows that were counted but not returned, such as index entries
    whose object does not exist. When an item leaves the list, the rows behind it move, and one may slip between two
    pages. So reaching the final `total` does not prove that the list is complete.
    """

    count: int = 0
    total: int = 0
    most: int = 0
    lacking: int = 0

    def note(self, total: int) -> None:
        """Record the source's current count."""
        self.most += max(0, total - self.total)
        self.total = total

    @property
    def is_whole(self) -> bool:
        """Return whether all items that the source had during the walk were seen."""
        return self.count + self.lacking >= self.most


@dataclass(slots=True)
class Step:
    """A page in progress: its rows by id, some of which still need to be completed."""

    rows: dict[str, Result]
    failures: tuple[Failure, ...]
    cursor: Cursor
    total: int
    lacking: dict[str, Item]

    def put(self, id: str, result: Result) -> None:
        """Replace the row with this id by the completed item, or by the failure to complete it."""
        self.rows[id] = result
        del self.lacking[id]

    def page(self) -> Page:
        """Return the page with its items and failures."""
        items, failures = separated(self.rows.values())
        return Page(items, self.cursor, self.total, failures + self.failures)


def by_id(rows: Rows) -> tuple[dict[str, Result], tuple[Failure, ...]]:
    """Return the rows with a known id, by id, and the failures without one."""
    results: tuple[Result, ...] = (*rows.items, *rows.failures)
    known = {row.id: row for row in results if row.id is not None}
    return known, tuple(failure for failure in rows.failures if failure.id is None)


def is_light(row: Result) -> TypeGuard[Item]:
    """Return whether the row is an item that still needs to be completed."""
    return isinstance(row, Item) and not row.is_complete
