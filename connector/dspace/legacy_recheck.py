"""Reads one part of the items of DSpace 4 to 6 completely. It reads blocks of each list, as these accept no query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from zlib import crc32

from .legacy_page_plans import plans_for
from .legacy_reading import LegacyReading
from .legacy_rows import LegacyRows
from .legacy_walk import ALL_ITEMS, order
from .list_end import MOST_UNCOUNTED, Stretch, endless_in_words, idle_of_old
from .page_reader import Rows
from .records import Collection, Failure, Item, Page, Scope, ScopeKind, separated
from .uuid_partitions import part_of

BLOCK = 50  # rows


@dataclass(slots=True)
class _Reading:
    """The reading of one list. It stops after a long stretch without new rows, whatever the list counts."""

    idle: Stretch = field(default_factory=idle_of_old)
    _met: set[str] = field(default_factory=set)

    def note(self, size: int, rows: Rows) -> None:
        """Record a page of this size."""
        ids = {item.id for item in rows.items}
        self.idle.add(size, len(ids - self._met))
        self._met |= ids


class SliceWalk:
    """One reading of part `number` of `of` parts of a scope: every `of`th block of rows of each list.

    If lists contain no details (DSpace 4), the items of the part are read one by one. Rows that move because earlier
    rows were deleted may be missed until the next round.
    """

    def __init__(self, reading: LegacyReading, scope: Scope, part: tuple[int, int]):
        self._api, self._tree, self._items = reading.api, reading.tree, reading.items
        self._scope, (self._number, self._of) = scope, part
        first = plans_for(reading.api.server.generation, light=False, limit=reading.api.limit)[:1]
        self._rows = LegacyRows(reading.api, reading.outage, reading.width, first)

    def pages(self, cursor: dict[str, Any] | None) -> Iterator[Page]:
        """Yield the pages after the cursor. Raise as `legacy_walk.LegacyItemLister.pages`."""
        begun, done = (cursor["part"], cursor["offset"]) if cursor else ("", 0)
        parts = self._rows.retry_until_available(lambda: self._tree.parts(self._scope))
        if self._scope.kind is ScopeKind.REPOSITORY and self._api.can.all_items:
            yield from self._all_items(sum(part.item_count or 0 for part in parts), done)
            return
        for part in sorted(parts, key=lambda part: order(part.id)):
            if order(part.id) >= order(begun):
                yield from self._collection(part, done if part.id == begun else 0)

    def _collection(self, part: Collection, done: int) -> Iterator[Page]:
        rows, reading = part.item_count or 0, _Reading()
        if not self._api.can.item_pages:
            yield from self._pages(part, done, rows, reading)
            return
        for start in range(self._first(part.id), rows, BLOCK * self._of):
            if start >= done:
                yield from self._pages(part, start, min(rows, start + BLOCK), reading)
            if reading.idle.is_long:
                return

    def _all_items(self, counted: int, done: int) -> Iterator[Page]:
        """Yield blocks of the list of all items, which also contains those of closed collections.

        `counted`: the number of items that the collections count. The server gives no count of this list, so an empty
        block ends it.
        """
        reading, most = _Reading(), 2 * counted + MOST_UNCOUNTED
        for start in count(self._first(ALL_ITEMS), BLOCK * self._of):
            if start < done:
                continue
            is_empty = True
            for page in self._pages(None, start, start + BLOCK, reading):
                is_empty = is_empty and not (page.items or page.failures)
                yield page
            if (is_empty and start >= counted) or reading.idle.is_long:
                return
            if start > most:
                cursor = {"part": ALL_ITEMS, "offset": start}
                yield Page((), cursor, failures=(Failure(None, None, None, endless_in_words(start)),))
                return

    def _first(self, id: str) -> int:
        """Return the first row of a list in this part. It differs between lists."""
        return BLOCK * ((self._number - crc32(id.encode())) % self._of)

    def _pages(self, part: Collection | None, start: int, end: int, reading: _Reading) -> Iterator[Page]:
        for offset, rows in self._rows.pages(part, start, end):
            reading.note(offset - start, rows)
            start = offset
            items, failures = separated(self._items.complete(self._of_this_part(rows)))
            cursor = {"part": part.id if part else ALL_ITEMS, "offset": offset}
            yield Page(items, cursor, failures=rows.failures + failures)
            if reading.idle.is_long:
                return

    def _of_this_part(self, rows: Rows) -> Iterator[Item]:
        are_blocks = self._api.can.item_pages
        return (item for item in rows.items if are_blocks or part_of(item.id, self._of) == self._number)
