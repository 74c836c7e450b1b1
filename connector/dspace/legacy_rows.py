"""Reads the item lists of DSpace 4 to 6: a collection's in pages or in one piece, its count, and that of all items."""

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
from .legacy_records import children, item_rows, listed
from .page_plans import WIDTH_OF_TRIALS
from .page_reader import PageReader, Rows
from .records import Collection

T = TypeVar("T")

_SIZES = (2_000, 1_000, 500, 100, 50, 25, 20, 10, 5, 2, 1)
_LIGHT_PAGE, _ALL_ITEMS_PAGE = 1_000, 2_000
WHOLE_LIST = 1_000_000


def chain(most: int) -> tuple[int, ...]:
    """Page sizes of at most `most`, largest first, each a divisor of the one before it."""
    sizes: list[int] = []
    for size in _SIZES:
        if size <= most and (not sizes or sizes[-1] % size == 0):
            sizes.append(size)
    return tuple(sizes)


class LegacyRows:
    """Reads the lists of one walk, those of collections by the cheapest of its plans."""

    def __init__(self, api: LegacyApi, patience: OutageWait, width: Callable[[], int], plans: Sequence[ListPlan]):
        self._api, self._patience, self._width = api, patience, width
        self._choice = PlanChoice(plans)
        self._weights = {details: RowWeight() for details in (True, False)}
        self.in_one = 0

    def pages(
        self, part: Collection | None, start: int, end: int, known: Collection | None = None
    ) -> Iterator[tuple[int, Rows]]:
        """(offset after it, rows) of each page of a collection, in order; `known`: the collection the items are given.

        `part` None: of the list of all items. A row that cannot be read with its details comes without them.
        `in_one` is then the size of the first page, if it came in one piece: a list that is no longer lost nothing.
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
        """The pages of a part of a collection, read by one plan, whose cost is noted."""

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
        """Requests at a time: the same few for each plan that is tried, as a server is slower when it answers more."""
        return min(WIDTH_OF_TRIALS, self._width())

    def _busy(self, plan: ListPlan) -> float:
        """Seconds the server was busy so far with requests of this plan."""
        return self._api.http.busy.get(plan.name, 0.0)

    def page(self, part: Collection | None, offset: int, size: int, *, details: bool) -> Rows:
        """One page of a collection, or of the list of all items."""
        return self.patiently(lambda: self._of(part, ListPlan(size, details), offset, 2, None))

    def light_pages(self, part: Collection, end: int, known: Collection | None) -> Iterator[tuple[int, Rows]]:
        """(offset after it, rows) of each page of the collection once more, from the beginning, without details."""

        def read(offset: int, size: int, tries: int) -> Rows:
            return self._of(part, ListPlan(size, details=False), offset, tries, known)

        size = self._api.capped(_LIGHT_PAGE)
        return self._new_pages(read, size, self._width)(0, lambda: end, size)

    def whole(self, part: Collection, known: Collection | None) -> Rows:
        """All rows of a collection in one request, light: none can be lost between pages. Raises TransientError."""
        return self._of(part, ListPlan(WHOLE_LIST, details=False), 0, 2, known)

    def count(self, part: Collection) -> int:
        """The collection's own count: an upper bound, as it includes what may not be seen."""

        def ask() -> int:
            answer, url = self._api.get(f"collections/{part.id}", kind="count")
            return required(answer, "numberItems", int, url)

        return self.patiently(ask)

    def all_items(self, start: int, end: int) -> Iterator[tuple[int, Rows]]:
        """(offset after it, light rows) of each page of the list of all items."""
        size = self._api.capped(_ALL_ITEMS_PAGE)
        return self._new_pages(self._all_items, size, self._width)(start, lambda: end, size)

    def whole_of_all_items(self) -> Rows:
        """The list of all items in one request, light. Raises TransientError."""
        return self._all_items(0, WHOLE_LIST, 2)

    def _all_items(self, offset: int, size: int, tries: int) -> Rows:
        return self._of(None, ListPlan(size, details=False), offset, tries, None)

    def patiently(self, call: Callable[[], T]) -> T:
        """The result of requests without which the walk cannot go on: while they fail, patience waits."""
        return self._patience.retry_until_available("page", call)

    def _new_pages(
        self, read: Callable[[int, int, int], Rows], most: int, width: Callable[[], int], details: bool = False
    ) -> PageReader:
        weight = self._weights[details]
        return PageReader(read, chain(most), self._patience, width, control=self._api.control, weight=weight)

    def _of(
        self,
        part: Collection | None,
        plan: ListPlan,
        offset: int,
        tries: int,
        known: Collection | None,
        tries_at_500: int | None = None,
    ) -> Rows:
        """Rows of a collection: of its list of items, or on 4 of the collection with its items expanded."""
        page = {"limit": plan.size, "offset": offset}
        if self._api.can.item_pages:
            path, kind = (f"collections/{part.id}/items", plan.name) if part else ("items", f"{plan.name}, all items")
            expand = {"expand": EVERYTHING} if plan.details else {}
            answer, url, size = self._get(path, expand | page, tries, kind, tries_at_500)
            return replace(item_rows(listed(answer, url), url, plan.details, known), size_bytes=size)
        answer, url, size = self._get(f"collections/{part.id}", {"expand": "items"} | page, tries, plan.name)
        total = required(answer, "numberItems", int, url)
        rows = item_rows(children(answer, "items", url), url, False, known, total)
        return replace(rows, size_bytes=size)

    def _get(
        self, path: str, params: dict[str, Any], tries: int, kind: str, tries_at_500: int | None = None
    ) -> JsonAnswer:
        try:
            return self._api.sized(path, params, kind=kind, tries=tries, tries_at_500=tries_at_500)
        except TooLargeError as error:  # a smaller page may do
            raise BadResponseError(str(error), error.url) from error
