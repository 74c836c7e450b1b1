"""The steps of a walk over a DSpace 7 to 10: pages under way, and the count of what was met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .page_reader import Rows
from .records import Failure, Item, Page

Result = Item | Failure
Cursor = dict[str, Any]


@dataclass(slots=True)
class SeenCounter:
    """How many distinct items were met; `total`: how many the source has; `most`: how many it had at any time.

    `lacking`: how many rows were counted and not given, such as those of the index whose object is not there.
    What leaves a listing moves the rows behind it, one of which may slip between two pages: so it is not enough to
    meet as many as there are at the end.
    """

    count: int = 0
    total: int = 0
    most: int = 0
    lacking: int = 0

    def note(self, total: int) -> None:
        self.most += max(0, total - self.total)
        self.total = total

    @property
    def is_whole(self) -> bool:
        return self.count + self.lacking >= self.most


@dataclass(slots=True)
class Step:
    """A page under way: its rows by id, some of them still to be completed."""

    rows: dict[str, Result]
    failures: tuple[Failure, ...]
    cursor: Cursor
    total: int
    lacking: dict[str, Item]

    def put(self, result: Result) -> None:
        self.rows[result.id] = result
        del self.lacking[result.id]

    def page(self) -> Page:
        items = tuple(row for row in self.rows.values() if isinstance(row, Item))
        failures = tuple(row for row in self.rows.values() if isinstance(row, Failure))
        return Page(items, self.cursor, self.total, failures + self.failures)


def by_id(rows: Rows) -> tuple[dict[str, Result], tuple[Failure, ...]]:
    """The rows whose id is known, and the failures of which not even that is."""
    known = {row.id: row for row in (*rows.items, *rows.failures) if row.id is not None}
    return known, tuple(failure for failure in rows.failures if failure.id is None)


def is_light(row: Result) -> bool:
    """Is it an item that is to be completed?"""
    return isinstance(row, Item) and not row.is_complete
