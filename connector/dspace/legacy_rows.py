"""Reads the item lists of DSpace 4 to 6: those of collections, in pages or at once, and the list of all items."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ..errors import BadResponseError, TooLargeError, TransientError
from ..http import JsonAnswer, OutageWait
from .adaptive_page_size import RowWeight
from .json_members import required
from .legacy_api import EVERYTHING, LegacyApi
from .legacy_page_plans import ListPlan, PlanChoice
from .legacy_records import children, item_rows, list_rows
from .page_plans import WIDTH_OF_TRIALS
from .page_reader import PageReader, Rows
from .records import Collection

T = TypeVar("T")

_SIZES = (2_000, 1_000, 500, 100, 50, 25, 20, 10, 5, 2, 1)
_LIGHT_PAGE, _ALL_ITEMS_PAGE = 1_000, 2_000
WHOLE_LIST = 1_000_000


def chain(most: int) -> tuple[int, ...]:
    """Return page sizes of at most `most`, largest first, each a divisor of the one before it."""
    sizes: list[int] = []
    for size in _SIZES:
        if size <= most and (not sizes or sizes[-1] % size == 0):
            sizes.append(size)
    return tuple(sizes)


class LegacyRows:
    """A reader for the lists of one walk. It reads collections with the cheapest of its plans."""

    def __init__(self, api: LegacyApi, outage: OutageWait, width: Callable[[], int], plans: Sequence[ListPlan]):
        self._api, self._outage, self._width = api, outage, width
        self._choice = PlanChoice(plans)
        self._weights = {details: RowWeight() for details in (True, False)}
        self.in_one = 0

    def pages(
        self, part: Collection | None, start: int, end: int, known: Collection | None = None
    ) -> Iterator[tuple[int, Rows]]:
        """Yield (offset after the page, rows) for each page of a collection, in order.

        `part` None reads the list of all items. `known`: the collection that the items get. A row that cannot be read
        with its details comes without them. Afterwards `in_one` is the size of the first page if that page came in one
        response: a list that is not longer lost no rows.
        """
        self.in_one, done = 0, start
        while done < end:
            until = int(min(end, done + self._choice.rows_left))
            for offset, rows in self._measured(part, self._choice.current, done, until, known):
                done = offset
                yield offset, rows

    def _measured(
        self, part: Collection | None, plan: ListPlan, start: int, end: int, known: Collection | None
    ) -> Iterator[tuple[int, Rows]]:
        """Yield the pages of a part of a collection, read with one plan, and record the cost of the plan."""

        def read(offset: int, size: int, tries: int) -> Rows:
            at_500 = (1 if size == 1 else 2) if plan.details else None
            try:
                rows = self._of(part, ListPlan(size, plan.details), offset, tries, known, at_500)
            except TransientError:
                if size > 1 or not plan.details:
                    raise
                rows = self._of(part, ListPlan(size, details=False), offset, tries, known)
            self.in_one = max(self.in_one, size) if offset == 0 else self.in_one
            return rows

        is_measuring = self._choice.rows_left < math.inf
        width = self._width_of_trials if is_measuring else self._width
        pages, busy, at = self._new_pages(read, plan.size, width, plan.details), self._busy(plan), start
        for at, rows in pages(start, lambda: end, plan.size):
            yield at, rows
        self._choice.note(at - start, math.inf if pages.too_large else self._busy(plan) - busy)

    def _width_of_trials(self) -> int:
        """Return the number of parallel requests during trials.

        It is the same low number for each plan, as a server is slower when it answers more requests.
        """
        return min(WIDTH_OF_TRIALS, self._width())

    def _busy(self, plan: ListPlan) -> float:
        """Return the seconds that the server has spent on requests of this plan."""
        return self._api.http.busy.get(plan.name, 0.0)

    def page(self, part: Collection | None, offset: int, size: int, *, details: bool) -> Rows:
        """Return one page of a collection, or of the list of all items if `part` is None."""
        return self.retry_until_available(lambda: self._of(part, ListPlan(size, details), offset, 2, None))

    def light_pages(self, part: Collection, end: int, known: Collection | None) -> Iterator[tuple[int, Rows]]:
        """Yield (offset after the page, rows) for each page of the collection, from the beginning, without details."""

        def read(offset: int, size: int, tries: int) -> Rows:
            return self._of(part, ListPlan(size, details=False), offset, tries, known)

        size = self._api.cap(_LIGHT_PAGE)
        return self._new_pages(read, size, self._width)(0, lambda: end, size)

    def whole(self, part: Collection, known: Collection | None) -> Rows:
        """Return all rows of a collection, without details, from one request, so none is lost between pages.

        Raise TransientError if the request fails.
        """
        return self._of(part, ListPlan(WHOLE_LIST, details=False), 0, 2, known)

    def count(self, part: Collection) -> int:
        """Return the collection's own count. It is an upper bound, as it includes items that are not visible."""

        def ask() -> int:
            answer, url = self._api.get(f"collections/{part.id}", kind="count")
            return required(answer, "numberItems", int, url)

        return self.retry_until_available(ask)

    def all_items(self, start: int, end: int) -> Iterator[tuple[int, Rows]]:
        """Yield (offset after the page, rows without details) for each page of the list of all items."""
        size = self._api.cap(_ALL_ITEMS_PAGE)
        return self._new_pages(self._all_items, size, self._width)(start, lambda: end, size)

    def whole_of_all_items(self) -> Rows:
        """Return the list of all items from one request, without details. Raise TransientError if it fails."""
        return self._all_items(0, WHOLE_LIST, 2)

    def _all_items(self, offset: int, size: int, tries: int) -> Rows:
        return self._of(None, ListPlan(size, details=False), offset, tries, None)

    def retry_until_available(self, call: Callable[[], T]) -> T:
        """Return the result of a call that the walk depends on. Wait and retry while the repository fails."""
        return self._outage.retry_until_available("page", call)

    def _new_pages(
        self, read: Callable[[int, int, int], Rows], most: int, width: Callable[[], int], details: bool = False
    ) -> PageReader:
        weight = self._weights[details]
        return PageReader(read, chain(most), self._outage, width, control=self._api.control, weight=weight)

    def _of(
        self,
        part: Collection | None,
        plan: ListPlan,
        offset: int,
        tries: int,
        known: Collection | None,
        tries_at_500: int | None = None,
    ) -> Rows:
        """Return rows from a collection's item list, or on 4 from the collection with its items expanded."""
        page = {"limit": plan.size, "offset": offset}
        if part is None or self._api.can.item_pages:
            path, kind = (f"collections/{part.id}/items", plan.name) if part else ("items", f"{plan.name}, all items")
            expand = {"expand": EVERYTHING} if plan.details else {}
            answer, url, size = self._get(path, expand | page, tries, kind, tries_at_500)
            return replace(item_rows(list_rows(answer, url), url, plan.details, known), size_bytes=size)
        answer, url, size = self._get(f"collections/{part.id}", {"expand": "items"} | page, tries, plan.name)
        total = required(answer, "numberItems", int, url)
        rows = item_rows(children(answer, "items", url), url, False, known, total)
        return replace(rows, size_bytes=size)

    def _get(
        self, path: str, params: dict[str, Any], tries: int, kind: str, tries_at_500: int | None = None
    ) -> JsonAnswer:
        try:
            return self._api.get_with_size(path, params, kind=kind, tries=tries, tries_at_500=tries_at_500)
        except TooLargeError as error:  # a smaller page may succeed
            raise BadResponseError(str(error), error.url) from error
