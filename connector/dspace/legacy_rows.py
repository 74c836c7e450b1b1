"""Reads the item lists of DSpace 4 to 6: a collection's in pages or in one piece, its count, and that of all items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ..errors import BadAnswer, TooLarge
from .legacy_api import EVERYTHING, Answer, LegacyApi
from .legacy_records import children, item_rows, listed, required
from .pages import Pages, Rows
from .patience import Patience
from .records import Collection

T = TypeVar("T")

_SIZES = (2_000, 1_000, 500, 100, 50, 20, 10, 5, 2, 1)
# Detail pages of 20 to 100 cost the same an item. A light row costs 6.3 some milliseconds: longer pages might time out.
_DETAIL_PAGE, _LIGHT_PAGE, _ALL_ITEMS_PAGE = 50, 1_000, 2_000
_WHOLE_LIST = 1_000_000


def chain(most: int) -> tuple[int, ...]:
    """Page sizes of at most `most`, largest first, each a divisor of the one before it."""
    sizes: list[int] = []
    for size in _SIZES:
        if size <= most and (not sizes or sizes[-1] % size == 0):
            sizes.append(size)
    return tuple(sizes)


class LegacyRows:
    """Rows are complete items where `details` is set and the generation lists those, else light ones."""

    def __init__(self, api: LegacyApi, patience: Patience, width: Callable[[], int], details: bool):
        self._api, self._patience, self._width = api, patience, width
        self._details = details and api.can.item_pages
        self.page_size = api.capped(_DETAIL_PAGE if self._details else _LIGHT_PAGE)
        self.in_one = 0

    def pages(self, part: Collection, start: int, end: int, known: Collection | None) -> Iterator[tuple[int, Rows]]:
        """(offset after it, rows) of each page of a collection, in order; `known`: the collection the items are given.

        `in_one` is then the size of the first page, if it came in one piece: a list that is no longer lost nothing.
        """
        self.in_one = 0

        def read(offset: int, size: int, tries: int) -> Rows:
            rows = self._of(part, offset, size, tries, self._details, known)
            self.in_one = max(self.in_one, size) if offset == 0 else self.in_one
            return rows

        return self._ahead(read, start, end, self.page_size)

    def light_pages(self, part: Collection, end: int, known: Collection | None) -> Iterator[Rows]:
        """The collection's rows once more, from the beginning, without details."""

        def read(offset: int, size: int, tries: int) -> Rows:
            return self._of(part, offset, size, tries, False, known)

        return (rows for _, rows in self._ahead(read, 0, end, _LIGHT_PAGE))

    def whole(self, part: Collection, known: Collection | None) -> Rows:
        """All rows of a collection in one request, light: none can be lost between pages. Raises Transient."""
        return self._of(part, 0, _WHOLE_LIST, 2, False, known)

    def count(self, part: Collection) -> int:
        """The collection's own count: an upper bound, as it includes what may not be seen."""

        def ask() -> int:
            answer, url = self._api.get(f"collections/{part.id}", kind="count")
            return required(answer, "numberItems", int, url)

        return self.patiently(ask)

    def all_items(self, start: int, end: int) -> Iterator[tuple[int, Rows]]:
        """(offset after it, light rows) of each page of the list of all items."""
        return self._ahead(self._all_items, start, end, _ALL_ITEMS_PAGE)

    def whole_of_all_items(self) -> Rows:
        """The list of all items in one request, light. Raises Transient."""
        return self._all_items(0, _WHOLE_LIST, 2)

    def _all_items(self, offset: int, size: int, tries: int) -> Rows:
        answer, url = self._get("items", {"limit": size, "offset": offset}, tries, f"items, {size}")
        return item_rows(listed(answer, url), url, False)

    def patiently(self, call: Callable[[], T]) -> T:
        """The result of requests without which the walk cannot go on: while they fail, patience waits."""
        return self._patience.insist("page", call)

    def _ahead(
        self, read: Callable[[int, int, int], Rows], start: int, end: int, most: int
    ) -> Iterator[tuple[int, Rows]]:
        sizes = chain(self._api.capped(most))
        return Pages(read, sizes, self._patience, self._width, control=self._api.control)(start, lambda: end, sizes[0])

    def _of(
        self, part: Collection, offset: int, size: int, tries: int, details: bool, known: Collection | None
    ) -> Rows:
        """Rows of a collection: of its list of items, or on 4 of the collection with its items expanded."""
        page = {"limit": size, "offset": offset}
        if self._api.can.item_pages:
            expand = {"expand": EVERYTHING} if details else {}
            answer, url = self._get(f"collections/{part.id}/items", expand | page, tries, f"page of {size}")
            return item_rows(listed(answer, url), url, details, known)
        answer, url = self._get(f"collections/{part.id}", {"expand": "items"} | page, tries, f"page of {size}")
        total = required(answer, "numberItems", int, url)
        return item_rows(children(answer, "items", url), url, False, known, total)

    def _get(self, path: str, params: dict[str, Any], tries: int, kind: str) -> Answer:
        try:
            return self._api.get(path, params, kind=kind, tries=tries)
        except TooLarge as error:  # a smaller page may do
            raise BadAnswer(str(error), error.url) from error
