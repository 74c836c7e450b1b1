"""Lists the items of DSpace 4 to 6, whose pages repeat and lose rows. Only distinct ids prove that a list is complete.

A scope consists of parts, its collections. The walk reads each part page by page. If a part has fewer distinct ids than
its count, one request for the whole list shows which items are missing and which are not visible. For a whole
repository the walk also reads the list of all items, which contains the items of closed collections.
"""

from __future__ import annotations

from collections.abc import Callable, Collection as Group, Iterable, Iterator, Mapping
from typing import Any

from .legacy_all_items_walk import AllItemsWalk
from .legacy_collection_walk import CollectionWalk
from .legacy_page_builder import PageBuilder
from .legacy_page_plans import plans_for
from .legacy_reading import LegacyReading
from .legacy_records import sum_if_known
from .legacy_rows import LegacyRows
from .records import Collection, Page, Scope, ScopeKind, separated

ALL_ITEMS, END = "all items", "end"


def order(id: str) -> tuple[int, str]:
    """Return a sort key for part ids: numbers by value, uuids as text.

    A cursor thus keeps its position even if its part was deleted.
    """
    return len(id), id


class LegacyItemLister:
    """One walk of one scope."""

    def __init__(
        self,
        reading: LegacyReading,
        scope: Scope,
        light: bool,
        with_collection: bool,
        seen: Callable[[Group[str]], set[str]],
        not_visible: Mapping[str, int],
    ):
        self._reading, self._scope, self._with_collection = reading, scope, with_collection
        plans = plans_for(reading.api.server.generation, light, reading.api.limit)
        self._rows = LegacyRows(reading.api, reading.outage, reading.width, plans)
        self._builder = PageBuilder(None if light else reading.items.complete, with_collection, seen)
        self._collections = CollectionWalk(reading.api, self._rows, self._builder, scope, with_collection, not_visible)

    def pages(self, cursor: dict[str, Any] | None) -> Iterator[Page]:
        """Yield the pages after the cursor. The last page ends the walk and may be empty.

        Raise NotFoundError or RestrictedError if the scope itself cannot be read. Raise OutageLimitError if the
        repository is unreachable for too long, JobStoppedError if the job is stopped.
        """
        self._builder.resume(cursor)
        if self._builder.place.part == END:
            return
        if self._scope.kind == ScopeKind.ITEM:
            yield from self._single_item()
            return
        parts = self._rows.retry_until_available(lambda: self._reading.tree.parts(self._scope))
        parts.sort(key=lambda part: order(part.id))
        outside = self._outside(parts)
        for index, part in enumerate(parts):
            if self._builder.place.part != ALL_ITEMS and order(part.id) >= order(self._builder.place.part):
                self._builder.begin(part.id, part.item_count, parts[index + 1 :])
                yield from self._collections.pages(part)
        if self._scope.kind == ScopeKind.REPOSITORY and self._reading.api.can.all_items:
            self._builder.begin(ALL_ITEMS)
            yield from AllItemsWalk(self._reading.api, self._rows, self._builder).pages()
        self._builder.begin(END)
        self._note_outside(outside, parts)
        yield self._builder.page()

    def _outside(self, parts: Iterable[Collection]) -> int | None:
        """Return how many more items a community counts than its visible collections, or None if a count is missing."""
        if self._scope.kind is not ScopeKind.COMMUNITY:
            return None
        whole = self._rows.retry_until_available(lambda: self._reading.tree.community_count(self._scope.id))
        in_parts = sum_if_known(part.item_count for part in parts)
        return None if whole is None or in_parts is None else whole - in_parts

    def _note_outside(self, outside: int | None, parts: Iterable[Collection]) -> None:
        """Record the number of items in collections that are not visible.

        If the server counts each item of a community once, items in several collections count only once here, too.
        """
        held = self._builder.place.before
        if outside is None or held is None:
            return
        if self._reading.api.can.counts_once:
            outside += max(0, (sum_if_known(part.item_count for part in parts) or 0) - held)
        if outside > 0:
            self._builder.explained[self._scope.id] = outside
            self._builder.place.before = held + outside

    def _single_item(self) -> Iterator[Page]:
        item = self._rows.retry_until_available(
            lambda: self._reading.items.item(self._scope.id, with_collection=self._with_collection)
        )
        items, failures = separated(self._reading.items.complete([item]))
        self._builder.begin(END, 1)
        yield self._builder.page(items, failures)
