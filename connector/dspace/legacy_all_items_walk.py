"""Reads the list of all items of DSpace 5 and 6, which contains the items of closed collections."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator

from ..errors import TransientError
from .legacy_api import LONG_ROWS, LegacyApi
from .legacy_page_builder import PageBuilder
from .legacy_rows import LegacyRows
from .list_end import MOST_UNCOUNTED, Stretch, endless_in_words, idle_of_old
from .page_reader import Rows
from .records import Failure, Page

MOST_IN_ONE_PIECE = 5_000
LONG_STRETCH = 500  # rows of the list of all items that may all be invisible, such as withdrawn items


class AllItemsWalk:
    """Reader of the list of all items for one walk, after its collections."""

    def __init__(self, api: LegacyApi, rows: LegacyRows, builder: PageBuilder):
        self._api, self._rows, self._builder = api, rows, builder

    def pages(self) -> Iterator[Page]:
        """Yield the items that no visible collection contains.

        The list is read in one request, as pages may lose rows here, too, and the server gives no count. It is read in
        pages if the repository is large, or if the user or the generation sets a limit.
        """
        before = self._builder.place.before or 0
        in_one = self._api.cap(MOST_IN_ONE_PIECE) == MOST_IN_ONE_PIECE and before <= MOST_IN_ONE_PIECE
        if in_one and self._builder.place.offset == 0:
            try:
                rows = self._rows.whole_of_all_items()
            except TransientError:
                pass  # pages are smaller, and show which row fails
            else:
                yield from self._pages_of(rows)
                return
        has_moved = yield from self._pages_of_all_items()
        if has_moved:
            self._builder.place.offset = 0
            yield from self._pages_of_all_items()

    def _pages_of_all_items(self) -> Generator[Page, None, bool]:
        """Read the list of all items in pages. Return whether rows moved between the pages.

        The server gives no count of this list. It ends where a long stretch has no new items. A list that is far longer
        than the collections together may have no end.
        """
        most = 2 * (self._builder.place.before or 0) + MOST_UNCOUNTED
        end, met, has_moved = max(1, self._builder.place.before or 0), set[str](), False
        stretch, idle = Stretch(least_rows=LONG_STRETCH, most_rows=LONG_ROWS), idle_of_old()
        while self._builder.place.offset < end:
            for offset, rows in self._rows.all_items(self._builder.place.offset, end):
                ids = {item.id for item in rows.items}
                for each in (stretch, idle):
                    each.add(offset - self._builder.place.offset, len(ids - met) + len(rows.failures))
                has_moved = has_moved or not met.isdisjoint(ids)
                met |= ids
                yield from self._pages_of(rows, offset)
                if idle.is_long:
                    return has_moved
                if self._builder.place.offset > most:
                    failure = Failure(None, None, None, endless_in_words(self._builder.place.offset))
                    yield from self._builder.failure_pages([failure])
                    return False
            if not stretch.is_long:
                end = self._builder.place.offset + 1
        return has_moved

    def _pages_of(self, rows: Rows, offset: int | None = None) -> Iterator[Page]:
        yield from self._builder.pages(self._builder.take_new(rows.items), offset)
        yield from self._builder.failure_pages(self._not_reported_by_collections(rows.failures))
        self._builder.ids.clear()  # `seen` knows these items by now, and the list is long

    def _not_reported_by_collections(self, failures: Iterable[Failure]) -> Iterator[Failure]:
        """Yield the failures, except rows that a collection has already reported.

        A row without a known id fails in its collection, and again in the list of all items.
        """
        for failure in failures:
            if failure.id is None and self._builder.unnamed > 0:
                self._builder.unnamed -= 1
            else:
                yield failure
