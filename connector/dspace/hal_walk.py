"""Lists all items of a scope of DSpace 7 to 10 by search, in order and completely. A walk can resume after any page.

A large scope is divided by uuid into parts, which are listed one after the other. A uuid never changes, so items that
come and go in one part do not move those of another. Search guarantees no order between equal keys, so only distinct
ids prove a complete list. If there are fewer ids than the source counts, the walk lists the part again in other orders
and smaller parts until no item is missing. An item that is new in a part that was read is left to the next listing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from ..errors import RequestRejectedError
from ..http import OutageWait
from .hal_api import HalApi
from .hal_progress import Cursor, Result, SeenCounter, Step, by_id, is_light
from .hal_query import orders_of
from .hal_search_pages import HalSearchPages
from .list_end import ListEnd
from .page_plans import WIDTH_OF_TRIALS, FilesPerItem, PagePlan, PagePlans, cheapest, is_worth
from .page_reader import PageReader, Rows
from .records import Failure, Item, Page
from .uuid_partitions import EVERY_UUID, split

MOST_PARTS = 4096


@dataclass(frozen=True, slots=True)
class HalReading:
    """The settings of a walk.

    `sizes`: the allowed page sizes. `complete`: adds metadata and files to light items, several at a time.
    `largest_list`: a scope with more items is divided. `lists_parts`: whether the site answers searches for a part of
    the items. `count`: returns the current count of the scope.
    """

    api: HalApi
    outage: OutageWait
    width: Callable[[], int]
    sizes: tuple[int, ...]
    complete: Callable[[Iterable[Item], Callable[[], int]], Iterator[Result]]
    largest_list: int
    lists_parts: Callable[[], bool]
    count: Callable[[], int | None]


class HalItemLister:
    """One walk over the items that `search` finds. `pages` may be called only once.

    `within`: the prefixes of the uuids of all these items.
    """

    def __init__(
        self,
        reading: HalReading,
        search: HalSearchPages,
        plans: PagePlans,
        *,
        light: bool,
        seen: Callable[[Collection[str]], set[str]],
        within: Sequence[str] = EVERY_UUID,
    ):
        self._reading, self._api, self._search, self._plans = reading, reading.api, search, plans
        self._light, self._seen, self._within = light, seen, within
        self._counted: int | None = None  # the count of a divided scope when the walk began
        self._plan, self._is_trying = plans.first, False
        self._chosen: PagePlan | None = None
        self._costs: dict[PagePlan, float] = {}  # seconds that an item of the first page took, until the first trial
        self._files = FilesPerItem()
        self._pages = self._new_pages()
        self._divide(1)

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield the pages from the beginning, or after the page of the cursor."""
        at = cursor or {}
        self._chosen = self._plans.find(at.get("plan"))
        if at.get("of", 1) > 1 and not self._reading.lists_parts():
            at = {"offset": 0}
        self._divide(at.get("of", 1), at.get("counted"))
        self._begin_part(at.get("part", 0), at)
        try:
            yield from self._all_parts(at)
        except RequestRejectedError:
            if self._counted is None:
                raise
            self._divide(1)
            yield from self._all_parts({"offset": 0})

    def _all_parts(self, at: Cursor) -> Iterator[Page]:
        """Yield the pages of the current part and of all after it. A new walk divides a large scope first."""
        is_new, first = not at.keys() & {"way", "offset"}, at.get("way", 0)  # a new walk may have a plan
        while self._part < len(self._parts):
            if first == 0:
                opening, is_large = self._opening(), self._tally.total > self._reading.largest_list
                if is_new and is_large and self._reading.lists_parts():
                    is_new = False
                    self._divide(3 * self._tally.total // self._reading.largest_list, self._tally.total)
                    continue
                if self._counted is not None and self._tally.total > self._counted / 2:
                    self._divide(1)  # the count is wrong, or the uuids are not random
                    continue
                yield from self._filled(iter(opening))
                yield from self._in_first_order()
            yield from self._in_other_orders(max(1, first))
            is_new, first = False, 0
            self._begin_part(self._part + 1)
        if self._counted is not None:
            yield Page((), self._cursor() | asdict(self._tally), self._reading.count())

    def _divide(self, of: int, counted: int | None = None) -> None:
        """Continue with the first of so many parts of about the same size. A single part needs no query."""
        self._parts, self._counted = split(self._within, min(of, MOST_PARTS)) if of > 1 else [()], counted
        self._begin_part(0)

    def _begin_part(self, number: int, at: Cursor | None = None) -> None:
        """Continue with another part, from its beginning or at a cursor in it."""
        at = at or {}
        self._part, self._offset = number, at.get("offset", 0)
        self._tally = SeenCounter(*(at.get(name, 0) for name in ("count", "total", "most", "lacking")))
        self._is_resumed = self._tally.count > 0
        self._met, self._end = set[str](), ListEnd()
        self._orders = orders_of(self._parts[number] if number < len(self._parts) else (), self._within)
        self._order = self._orders[0]

    # The first order: by accession date, with the cheapest plan

    def _in_first_order(self) -> Iterator[Page]:
        """Read to the last page that the count promises or that has new rows, and one more page if in doubt."""

        def end() -> int:
            return self._end.after(self._offset, self._tally.total)

        def is_due() -> bool:
            return self._files.has_changed and self._offset < self._tally.total

        while self._offset < end():
            if is_due() or (self._chosen is None and self._offset < self._tally.total):
                yield from self._trials()
            self._plan = self._chosen or self._plans.first
            yield from self._read(lambda: self._offset if is_due() else end())
        if self._end.is_endless:
            failure = Failure(None, None, None, self._end.in_words())
            yield Page((), self._cursor() | asdict(self._tally), self._total, (failure,))

    def _opening(self) -> list[Step]:
        """Read the first page of a listing, which gives the total.

        A search that does not know the sort field answers 422. The walk then uses the server's own order.
        """
        self._plan, end = self._chosen or self._plans.first, self._offset + 1
        cost = self._cost_from_here()
        try:
            steps = list(self._steps(lambda: end))
        except RequestRejectedError:
            self._order = replace(self._order, sort=None)
            steps = list(self._steps(lambda: end))
        self._costs = {} if self._chosen else {self._plan: cost()}
        return steps

    def _trials(self) -> Iterator[Page]:
        """Read on with one plan after the other and choose the cheapest, if there is a choice."""
        costs, self._costs, self._is_trying = self._costs, {}, True
        total, files = self._tally.total, self._files.recent
        trials = self._plans.trials_from(self._offset, total, files, is_measured=bool(costs))
        for trial in trials:
            if self._offset < self._tally.total and is_worth(trial.plan, costs, self._api.http.quickest):
                self._plan = trial.plan
                cost = self._cost_from_here()
                yield from self._until(trial.end(self._offset))
                costs[trial.plan] = cost()
        self._is_trying, self._chosen = False, cheapest(costs) if trials else None
        self._files.at_choice = self._files.recent

    def _cost_from_here(self) -> Callable[[], float]:
        """Return a function that returns the seconds that the server has spent on each item from now on.

        The full time of a page that was too large is unknown, so its plan is never the cheapest.
        """
        start, busy, too_large = self._offset, self._busy(), self._pages.too_large

        def cost() -> float:
            seconds = (self._busy() - busy) / (self._offset - start)
            return seconds if self._pages.too_large == too_large else math.inf

        return cost

    def _width(self) -> int:
        """Return the number of parallel requests.

        While plans are compared it is the same low number for each, as a server is slower when it answers more
        requests.
        """
        return min(WIDTH_OF_TRIALS, self._reading.width()) if self._is_trying else self._reading.width()

    def _busy(self) -> float:
        """Return the seconds that the server has spent on requests of the current plan's kinds."""
        return sum(self._api.http.busy.get(kind, 0.0) for kind in (self._plan.name, "bundles", "bitstreams"))

    def _until(self, end: int) -> Iterator[Page]:
        return self._read(lambda: min(end, self._tally.total))

    def _read(self, end: Callable[[], int]) -> Iterator[Page]:
        """Read on with the current plan."""
        return self._filled(self._steps(end))

    def _steps(self, end: Callable[[], int]) -> Iterator[Step]:
        for offset, rows in self._pages(self._offset, end, self._plan.size):
            yield self._step(offset, rows)

    def _step(self, offset: int, rows: Rows) -> Step:
        start, self._offset = self._offset, offset
        self._tally.note(self._tally.total if rows.total is None else rows.total)
        known, unknown = by_id(rows)
        self._tally.count += len(unknown)
        self._tally.lacking += rows.lacking
        new, number = len(known.keys() - self._met), len(known) + len(unknown)
        self._end.note(start, offset - start, number, new, self._tally.total)
        return self._fresh(known, unknown, self._cursor())

    @property
    def _total(self) -> int:
        return self._tally.total if self._counted is None else self._counted

    def _cursor(self, order: int = 0) -> Cursor:
        """Return the place of the walk. Cursors from before scopes were divided have no `part`, `of` and `counted`."""
        divided = {} if self._counted is None else {"counted": self._counted, "of": len(self._parts)}
        plan = self._chosen and self._chosen.name
        return {**divided, "part": self._part, "way": order, "offset": self._offset, "plan": plan}

    # The other orders: only new items

    def _in_other_orders(self, first: int) -> Iterator[Page]:
        """List the part again until it is whole, at last in smaller parts. All of these are listed.

        An item that comes while smaller parts are listed hides from the count that another one is missing.
        """
        for number in range(first, len(self._orders)):
            previous, order = self._orders[number - 1 : number + 1]
            if (previous.sort and self._tally.is_whole) or (order.query and not self._reading.lists_parts()):
                return
            met = len(self._met)
            yield from self._again(number)
            if self._end.is_reached and len(self._met) == met:
                return  # the count is wrong, and nothing is missing

    def _again(self, number: int) -> Iterator[Page]:
        """List the part, or a part of it, in another order. Yield only pages with new rows.

        If the site refuses the query, skip this order.
        """
        self._order, self._plan = self._orders[number], PagePlan(self._reading.sizes[0], False)
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
                yield self._fresh(known, (), self._cursor(number))

        try:
            yield from (page for page in self._filled(steps()) if page.items or page.failures)
        except RequestRejectedError:
            return
        if self._order.sort and listing.is_whole:
            self._tally = listing

    # Shared by all orders

    def _fresh(self, rows: dict[str, Result], unknown: tuple[Failure, ...], cursor: Cursor) -> Step:
        """Return a step with the rows that are new in this part and not recorded yet."""
        new = rows.keys() - self._met
        recorded = self._seen(new) if new else set()
        self._met |= new
        # The cursor of a resumed walk includes the recorded items already.
        self._tally.count += len(new - recorded) if self._is_resumed else len(new)
        fresh = {id: row for id, row in rows.items() if id in new and id not in recorded}
        lacking = {} if self._light else {id: row for id, row in fresh.items() if is_light(row)}
        return Step(fresh, unknown, cursor | asdict(self._tally), self._total, lacking)

    def _filled(self, steps: Iterator[Step]) -> Iterator[Page]:
        """Yield pages of complete items.

        If the list has no files, the items of several pages are completed at the same time.
        """
        if self._light:
            yield from (step.page() for step in steps)
            return
        groups: Iterable[Iterable[Step]] = ([step] for step in steps) if self._plan.embeds else [steps]
        yield from (page for group in groups for page in self._completed(group))

    def _completed(self, steps: Iterable[Step]) -> Iterator[Page]:
        under_way, step_of = deque[Step](), dict[str, Step]()

        def lacking() -> Iterator[Item]:
            for step in steps:
                under_way.append(step)
                step_of.update(dict.fromkeys(step.lacking, step))
                yield from tuple(step.lacking.values())

        for result in self._reading.complete(lacking(), self._width):
            if isinstance(result, Item):
                self._files.note([result])
            id = str(result.id)  # every item of a step has one
            step_of.pop(id).put(id, result)
            while under_way and not under_way[0].lacking:
                yield under_way.popleft().page()
        yield from (step.page() for step in under_way)

    def _new_pages(self) -> PageReader:
        return PageReader(self._rows, self._reading.sizes, self._reading.outage, self._width, control=self._api.check)

    def _rows(self, offset: int, size: int, tries: int) -> Rows:
        rows = self._search.read(self._plan, self._order, offset, size, tries)
        self._files.note(rows.items)
        return rows
