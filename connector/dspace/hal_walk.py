"""Lists all items of a scope of DSpace 7 to 10 by search, in order and completely. A walk can resume after any page.

Search guarantees no order between equal keys, so only distinct ids prove a complete list. If there are fewer ids than
the source counts, the walk lists the scope again in other orders and parts until no item is missing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import BadResponseError, RequestRejectedError, TransientError
from ..http import OutageWait
from ..i18n import decimal, ngettext
from . import records
from .hal_api import HalApi
from .hal_progress import Cursor, Result, SeenCounter, Step, by_id, is_light
from .hal_query import AS_IT_COMES, WAYS, items_in
from .hal_records import Listed, found_object, item_of, known_id
from .list_end import ListEnd
from .page_plans import WARM_UP, WIDTH_OF_TRIALS, WORTH_A_TRIAL, PagePlan, PagePlans, cheapest, is_worth
from .page_reader import PageReader, Rows
from .records import Failure, Item, Page, Scope, ScopeKind, Subset


@dataclass(frozen=True, slots=True)
class HalReading:
    """The settings of a walk.

    `sizes`: the allowed page sizes. `complete`: adds metadata and files to light items, several at a time.
    `lists_parts`: whether the site answers searches for a part of the items. `with_private`: see `items_in`.
    `with_access`: pages say who may read files, as far as the site says it.
    """

    api: HalApi
    outage: OutageWait
    width: Callable[[], int]
    sizes: tuple[int, ...]
    complete: Callable[[Iterable[Item], Callable[[], int]], Iterator[Result]]
    lists_parts: Callable[[], bool]
    with_private: bool
    with_access: bool


class HalItemLister:
    """One walk over one scope. `pages` may be called only once."""

    def __init__(
        self,
        reading: HalReading,
        scope: Scope,
        plans: PagePlans,
        *,
        light: bool,
        with_collection: bool,
        seen: Callable[[Collection[str]], set[str]],
        subset: Subset | None = None,
    ):
        self._reading, self._api, self._scope, self._plans = reading, reading.api, scope, plans
        self._subset, self._light, self._seen = subset, light, seen
        is_collection = scope.kind is ScopeKind.COLLECTION
        # Items that are only mapped into the imported collection belong to it, too.
        self._collection = records.Collection(scope.id, scope.handle, scope.name) if is_collection else None
        self._embeds_owner = with_collection and not is_collection
        self._met: set[str] = set()
        self._tally, self._is_resumed, self._end = SeenCounter(), False, ListEnd()
        self._plan, self._way, self._offset = plans.first, WAYS[0], 0
        self._chosen: PagePlan | None = None
        self._is_trying = False
        self._uncut_size = 0  # the largest page size that the server did not reduce
        self._pages = self._new_pages()

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield the pages from the beginning, or after the page of the cursor."""
        at = cursor or {}
        self._is_resumed = cursor is not None
        self._tally = SeenCounter(*(at.get(name, 0) for name in ("count", "total", "most", "lacking")))
        first_again = at.get("way", 0)
        if first_again == 0:
            yield from self._first_way(at)
        for number in range(max(1, first_again), len(WAYS)):
            if self._tally.is_whole or (WAYS[number].query and not self._reading.lists_parts()):
                return
            met = len(self._met)
            yield from self._again(number)
            if self._end.is_reached and len(self._met) == met:
                return  # the count is wrong, and nothing is missing

    # The first order: by accession date, with the cheapest plan

    def _first_way(self, at: Cursor) -> Iterator[Page]:
        self._offset, self._chosen = at.get("offset", 0), self._plans.find(at.get("plan"))
        first = self._chosen or self._plans.first
        yield from self._opening(first)
        if self._chosen is None and self._tally.total > WORTH_A_TRIAL:
            yield from self._until(first, -(-self._offset // WARM_UP) * WARM_UP)
            yield from self._trials()
        yield from self._to_the_end(self._chosen or first)

    def _to_the_end(self, plan: PagePlan) -> Iterator[Page]:
        """Read to the last page that the count promises or that has new rows, and one more page if in doubt."""

        def end() -> int:
            return self._end.after(self._offset, self._tally.total)

        while self._offset < end():
            yield from self._read(plan, end)
        if self._end.is_endless:
            failure = Failure(None, None, None, self._end.in_words())
            yield Page((), self._cursor() | asdict(self._tally), self._tally.total, (failure,))

    def _opening(self, plan: PagePlan) -> Iterator[Page]:
        """Read one page, which gives the total.

        A search that does not know the sort field answers 422. The walk then uses the server's own order.
        """
        end = self._offset + 1
        try:
            yield from self._read(plan, lambda: end)
        except RequestRejectedError:
            self._way = AS_IT_COMES
            yield from self._read(plan, lambda: end)

    def _trials(self) -> Iterator[Page]:
        costs: dict[PagePlan, float] = {}
        self._is_trying = True
        for trial in self._plans.trials:
            start, busy, too_large = self._offset, self._busy(trial.plan), self._pages.too_large
            if start >= self._tally.total or not is_worth(trial.plan, costs):
                continue
            yield from self._until(trial.plan, (start // trial.rows + 1) * trial.rows)
            seconds = (self._busy(trial.plan) - busy) / (self._offset - start)
            # The full time of a page that was too large is unknown, so its plan is never the cheapest.
            costs[trial.plan] = seconds if self._pages.too_large == too_large else math.inf
        self._is_trying, self._chosen = False, cheapest(costs)

    def _width(self) -> int:
        """Return the number of parallel requests.

        While plans are compared it is the same low number for each, as a server is slower when it answers more
        requests.
        """
        return min(WIDTH_OF_TRIALS, self._reading.width()) if self._is_trying else self._reading.width()

    def _busy(self, plan: PagePlan) -> float:
        """Return the seconds that the server has spent on requests of this plan's kinds."""
        return sum(self._api.http.busy.get(kind, 0.0) for kind in (plan.name, "bundles", "bitstreams"))

    def _until(self, plan: PagePlan, end: int) -> Iterator[Page]:
        return self._read(plan, lambda: min(end, self._tally.total))

    def _read(self, plan: PagePlan, end: Callable[[], int]) -> Iterator[Page]:
        self._plan = plan
        steps = (self._step(offset, rows) for offset, rows in self._pages(self._offset, end, plan.size))
        yield from self._filled(steps)

    def _step(self, offset: int, rows: Rows) -> Step:
        start, self._offset = self._offset, offset
        self._tally.note(self._tally.total if rows.total is None else rows.total)
        known, unknown = by_id(rows)
        self._tally.count += len(unknown)
        self._tally.lacking += rows.lacking
        new, number = len(known.keys() - self._met), len(known) + len(unknown)
        self._end.note(start, offset - start, number, new, self._tally.total)
        return self._fresh(known, unknown, self._cursor())

    def _cursor(self) -> Cursor:
        return {"way": 0, "offset": self._offset, "plan": self._chosen and self._chosen.name}

    # The other orders: only new items

    def _again(self, number: int) -> Iterator[Page]:
        """List the scope, or a part of it, in another order. Yield only pages with new rows.

        If the site refuses the query, skip this order.
        """
        self._way, self._plan = WAYS[number], PagePlan(self._reading.sizes[0], False)
        listing, here, end, start = SeenCounter(), set[str](), ListEnd(), 0

        def steps() -> Iterator[Step]:
            nonlocal start
            until = lambda: start if end.is_reached else max(1, listing.total)  # noqa: E731
            for offset, rows in self._new_pages()(0, until, self._plan.size):
                known, unknown = by_id(rows)
                listing.note(listing.total if rows.total is None else rows.total)
                end.note(start, offset - start, len(known) + len(unknown), len(known.keys() - here), listing.total)
                listing.count += len(known.keys() - here) + len(unknown)
                listing.lacking += rows.lacking
                here.update(known)
                start = offset
                yield self._fresh(known, (), {"way": number})

        try:
            yield from (page for page in self._filled(steps()) if page.items or page.failures)
        except RequestRejectedError:
            return
        if WAYS[number].query is None and listing.is_whole:
            self._tally = listing

    # Shared by all orders

    def _fresh(self, rows: dict[str, Result], unknown: tuple[Failure, ...], cursor: Cursor) -> Step:
        """Return a step with the rows that are new in this walk and not recorded yet."""
        new = rows.keys() - self._met
        recorded = self._seen(new) if new else set()
        self._met |= new
        # The cursor of a resumed walk includes the recorded items already.
        self._tally.count += len(new - recorded) if self._is_resumed else len(new)
        fresh = {id: row for id, row in rows.items() if id in new and id not in recorded}
        lacking = {} if self._light else {id: row for id, row in fresh.items() if is_light(row)}
        return Step(fresh, unknown, cursor | asdict(self._tally), self._tally.total, lacking)

    def _filled(self, steps: Iterator[Step]) -> Iterator[Page]:
        """Yield pages of complete items.

        If the list has no files, the items of several pages are completed at the same time.
        """
        if self._light:
            yield from (step.page() for step in steps)
        elif self._plan.embeds:
            for step in steps:
                yield from self._completed([step])
        else:
            yield from self._completed(steps)

    def _completed(self, steps: Iterable[Step]) -> Iterator[Page]:
        under_way, step_of = deque[Step](), dict[str, Step]()

        def lacking() -> Iterator[Item]:
            for step in steps:
                under_way.append(step)
                step_of.update(dict.fromkeys(step.lacking, step))
                yield from tuple(step.lacking.values())

        for result in self._reading.complete(lacking(), self._width):
            id = str(result.id)  # every item of a step has one
            step_of.pop(id).put(id, result)
            while under_way and not under_way[0].lacking:
                yield under_way.popleft().page()
        yield from (step.page() for step in under_way)

    # One request

    def _new_pages(self) -> PageReader:
        return PageReader(self._rows, self._reading.sizes, self._reading.outage, self._width, control=self._api.check)

    def _rows(self, offset: int, size: int, tries: int) -> Rows:
        """Read one page in a thread of its own. An item whose files break its page is listed without them."""
        if not self._plan.embeds:
            return self._listed(self._plan, offset, size, tries)
        try:
            return self._listed(self._plan, offset, size, tries, tries_at_500=1 if size == 1 else 2)
        except TransientError:
            if size > 1:
                raise
            return self._listed(PagePlan(1, False), offset, 1, tries)

    def _listed(self, plan: PagePlan, offset: int, size: int, tries: int, tries_at_500: int | None = None) -> Rows:
        params = [*self._parameters(plan), ("page", offset // size), ("size", size)]
        found, url = self._api.search(params, kind=plan.name, tries=tries, tries_at_500=tries_at_500)
        lacking = self._lacking(found, offset, size, url)
        results = [self._row(row, plan, url) for row in found.rows]
        items = tuple(result for result in results if isinstance(result, Item))
        failures = tuple(result for result in results if isinstance(result, Failure))
        return Rows(items, found.total, failures, found.size_bytes, lacking)

    def _lacking(self, found: Listed, offset: int, size: int, url: str) -> int:
        """Return the number of rows that a page lacks because their objects do not exist.

        An empty page is the end of a list. Raise BadResponseError if the page may be cut by a lowered page size limit,
        or if it lacks most of its rows: the walk would skip the rows between the pages (dspace-rest.md, 3.2).
        """
        count, last = len(found.rows), min(offset + size, found.total) - 1
        expected = last + 1 - offset
        if not 0 < count < expected:
            self._uncut_size = max(self._uncut_size, count)
            return 0
        if size > self._uncut_size and self._is_row(found.rows[-1], last):
            self._uncut_size = size
        if size > self._uncut_size or count < expected / 2:
            raise BadResponseError(
                ngettext(
                    "%(url)s gave %(num)s item where %(expected)s were asked for.",
                    "%(url)s gave %(num)s items where %(expected)s were asked for.",
                    count,
                    url=url,
                    expected=decimal(expected),
                ),
                url,
            )
        return expected - count

    def _is_row(self, row: Any, index: int) -> bool:
        """Return whether a row of a page is the row with this index in the whole list. Takes one request."""
        found, _url = self._api.search([*self._parameters(PagePlan(1, False)), ("page", index), ("size", 1)])
        return known_id(row) is not None and known_id(row) in map(known_id, found.rows)

    def _parameters(self, plan: PagePlan) -> list[tuple[str, Any]]:
        with_access = self._reading.with_access
        embeds = self._api.embedding_files(with_access=with_access) if plan.embeds else []
        access = self._api.embedding_access() if with_access else []
        owner = [("embed", "owningCollection")] if self._embeds_owner else []
        selected = items_in(self._scope, self._subset, self._way, with_private=self._reading.with_private)
        return [*selected, *embeds, *access, *owner]

    def _row(self, row: Any, plan: PagePlan, url: str) -> Result:
        """Return the item of a row, or a Failure if the row is malformed. The other rows are not affected."""
        try:
            found = found_object(row, url)
            item = item_of(found, url, self._collection)
        except BadResponseError as error:
            return Failure(known_id(row), None, None, error.in_short, error.technical_details)
        if not plan.embeds:
            return item
        return self._api.with_embedded_files(item, found, url, with_access=self._reading.with_access)
