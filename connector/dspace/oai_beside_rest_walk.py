"""Reads a large scope of DSpace 7 to 10 over OAI-PMH, and proves by searches over REST that it has all items.

Design rule 21 says why the result is what REST alone would give. Items that OAI-PMH lacks, that changed since, or that
it cannot give in full are read over REST.
"""

from __future__ import annotations

from collections.abc import Callable, Collection as Group, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from ..errors import AddressNotAllowedError, RepositoryError, RequestRejectedError
from ..http import OutageWait
from ..i18n import gettext as _
from .oai_api import OaiApi
from .oai_beside_rest import OaiBesideRest
from .oai_comparison import Agreement, compare
from .oai_items import OaiItems
from .oai_sample import sample_records
from .oai_walk import OaiWalk
from .ordered_pool import one_ahead, ordered_map
from .records import MOST_IDS, Collection, Item, Page, Scope, Subset, TimeRange
from .time_ranges import halves, number_in, ranges_of

T = TypeVar("T")

CURSOR = "oai"
LEAST_ITEMS = 500  # a smaller scope is read over REST alone within a few seconds
MOST_DATES = 34  # a third of a page; this many handles with their dates make an address of 4.5 KB
ROWS = 20  # items of a range that is read over REST without dividing it further


class OaiUnusableError(Exception):
    """OAI-PMH cannot be used for this walk. The text says why. `is_disproved`: nor for later ones."""

    def __init__(self, reason: str, *, is_disproved: bool = False):
        super().__init__(reason)
        self.is_disproved = is_disproved


@dataclass(frozen=True, slots=True)
class RestReading:
    """The same scope over REST.

    `count`: returns the number of items in a subset, None if the site does not answer. `read`: yields the complete
    items of a subset. `collections`: returns all collections.
    """

    count: Callable[[Subset | None], int | None]
    read: Callable[[Subset], Iterator[Page]]
    collections: Callable[[], Iterable[Collection]]


class OaiBesideRestWalk:
    """One walk over a scope. `pages` may be called only once. For the other parameters see `HalClient.walk`."""

    def __init__(
        self,
        api: OaiApi,
        outage: OutageWait,
        width: Callable[[], int],
        scope: Scope,
        rest: RestReading,
        seen: Callable[[Group[str]], set[str]],
        *,
        with_collection: bool,
    ):
        self._api, self._rest, self._seen = api, rest, seen
        self._scope = replace(scope, id=scope.handle or scope.id)
        self._collections = {each.handle: each for each in rest.collections()} if with_collection else {}
        self._with_collection, self._width, self._stop = with_collection, width, outage.stop
        # A failure of OAI-PMH is not waited for, as REST can go on.
        impatient = OutageWait(0, outage.stop)
        self._items = OaiItems(api, impatient, width, is_raw=True)
        self._walk = OaiWalk(api, self._items, impatient, self._scope, lambda ids: set(), self._named)
        self._agreement = Agreement()
        self._dates: dict[str, datetime] = {}  # of the items that REST lists, too, by handle
        self._total = 0
        self._items_read = 0  # over OAI-PMH
        self._newest: datetime | None = None  # change of a record

    def pages(self) -> Iterator[Page]:
        """Yield the items of the scope, some of them twice: the second version is the right one.

        A resumed walk begins again. Raise OaiUnusableError if only REST can read the scope.
        """
        self._total = self._count()
        self._compare()
        yield from self._over_oai()
        yield from self._over_rest()
        self._total = self._count()
        yield self._page(())

    def note_result(self, oai: OaiBesideRest) -> None:
        """Note what this walk has learned about OAI-PMH. Call it after the last page."""
        oai.note_walk(self._items_read, self._newest, self._agreement.fields)

    def _compare(self) -> None:
        """Compare some items over both ways."""
        records, listed = self._from_oai(lambda: sample_records(self._api, self._scope))
        if listed is not None and listed * 3 < self._total * 2:
            raise OaiUnusableError(_("More than a third of the items are missing there."))
        oai = {record.header.id: self._items.item_of(record) for record in records}
        rest = {item.handle: item for page in self._by_handles(list(oai)) for item in page.items}
        pairs = [(item, rest[handle]) for handle, item in oai.items() if handle in rest]
        same = [(item, other) for item, other in pairs if item.last_modified == other.last_modified]
        if not same:
            raise OaiUnusableError(_("All items that were compared have changed since its index was updated."))
        found = compare(same)
        if found.reason:
            raise OaiUnusableError(found.reason, is_disproved=True)
        if sum(map(found.needs_rest, oai.values())) * 3 > len(oai):
            raise OaiUnusableError(_("More than a third of the items have values that it does not give in full."))
        self._agreement = found

    # The records

    def _over_oai(self) -> Iterator[Page]:
        """Yield the items that both list. Those that OAI-PMH cannot give in full come over REST."""
        for items, left in one_ahead(self._proven_pages(), self._stop):
            recorded = self._seen(list(items))
            yield self._page(self._agreement.plain(item) for id, item in items.items() if id not in recorded)
            yield from self._noted(self._by_handles(left))

    def _proven_pages(self) -> Iterator[tuple[dict[str, Item], list[str]]]:
        """Yield two parts of each page: complete items by handle, and the handles of items that REST must complete.

        Items that REST does not list are in neither part.
        """
        pages = self._walk.pages(None)
        while page := self._from_oai(lambda: next(pages, None)):
            if any(failure.id is None for failure in page.failures):
                raise OaiUnusableError(page.failures[-1].reason)
            items, mapped = self._unchanged(page.items), {item.id for item in page.again}
            left = [item.id for item in items if item.id in mapped or self._is_partial(item)]
            direct = {item.id: item for item in items if item.id not in left}
            self._items_read += len(direct)
            yield direct, left

    def _named(self, handles: Sequence[str]) -> list[Collection]:
        """Return the collections with these handles. One that REST does not list has no name."""
        unlisted = (Collection(handle, handle, "") for handle in handles)
        return [self._collections.get(each.id, each) for each in unlisted] if self._with_collection else []

    def _is_partial(self, item: Item) -> bool:
        """Return whether an item must be read over REST."""
        home = item.collection.handle if item.collection else None
        return self._agreement.needs_rest(item) or (self._with_collection and home not in self._collections)

    def _unchanged(self, items: Iterable[Item]) -> list[Item]:
        """Return those of these items that REST lists in the scope, each once and with the same time of its change."""
        dates = {item.id: date for item in items if (date := _date_of(item))}
        self._newest = max((date for date in (self._newest, *dates.values()) if date), default=None)
        rows = [(id, date.replace(microsecond=0)) for id, date in dates.items()]
        groups = [rows[start : start + MOST_DATES] for start in range(0, len(rows), MOST_DATES)]
        tasks = (partial(self._proven, group) for group in groups)
        proven = {id for found in ordered_map(tasks, self._width, self._stop) for id, _second in found.result()}
        self._dates |= {id: dates[id] for id in proven}
        return [item for item in items if item.id in proven]

    def _proven(self, rows: Sequence[tuple[str, datetime]]) -> Sequence[tuple[str, datetime]]:
        number = self._count(Subset(unchanged=tuple(rows)))
        if number == len(rows):
            return rows
        if number == 0 or len(rows) == 1:
            return ()
        middle = len(rows) // 2
        return [*self._proven(rows[:middle]), *self._proven(rows[middle:])]

    def _by_handles(self, handles: Sequence[str]) -> Iterator[Page]:
        for start in range(0, len(handles), MOST_IDS):
            yield from self._part(Subset(handles=tuple(handles[start : start + MOST_IDS])))

    # What OAI-PMH lacks

    def _over_rest(self) -> Iterator[Page]:
        """Read the ranges of time in which REST counts more items than were read, until no count differs.

        Each item that was read is one that REST lists in this range. So equal numbers are the same items.
        """
        dates = sorted(self._dates.values())
        unread = self._counted(ranges_of(dates))
        while different := [times for times, number in unread.items() if number != number_in(times, dates)]:
            for times in different:
                number = unread.pop(times)
                if number > ROWS and (parts := halves(times, dates)):
                    unread |= {part: self._count(Subset(modified=part)) for part in parts}
                elif number:
                    yield from self._noted(self._part(Subset(modified=times)))
            dates = sorted(self._dates.values())

    def _counted(self, ranges: Sequence[TimeRange]) -> dict[TimeRange, int]:
        """Return the number of items in each range. Together they must be all items of the scope."""
        counts = {times: self._count(Subset(modified=times)) for times in ranges}
        total, number = self._count(), sum(counts.values())
        if number < total:  # a new item came after its range was counted
            counts[ranges[-1]] = self._count(Subset(modified=ranges[-1]))
            number = sum(counts.values())
        if not total <= number < 2 * total:
            raise OaiUnusableError(_("The repository does not count items by the time of their last change."))
        return counts

    def _noted(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Yield pages that were read over REST, and note the dates of their items."""
        for page in pages:
            self._dates |= {item.handle: date for item in page.items if item.handle and (date := _date_of(item))}
            yield replace(self._page(page.items), failures=page.failures)

    # Shared

    def _page(self, items: Iterable[Item]) -> Page:
        return Page(tuple(items), {CURSOR: True}, self._total)

    def _count(self, subset: Subset | None = None) -> int:
        number = self._rest.count(subset)
        if number is None:
            raise _unproven()
        return number

    def _part(self, subset: Subset) -> Iterator[Page]:
        """Yield all items of a subset over REST, because `_dates` needs also those that an earlier attempt recorded."""
        try:
            yield from self._rest.read(subset)
        except RequestRejectedError as error:
            raise _unproven() from error

    def _from_oai(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except (RepositoryError, AddressNotAllowedError) as error:
            raise OaiUnusableError(str(error)) from error


def _unproven() -> OaiUnusableError:
    return OaiUnusableError(_("The repository does not answer the searches that prove it complete."))


def _date_of(item: Item) -> datetime | None:
    """Return the time of the last change of an item, or None if it is unknown."""
    try:
        date = datetime.fromisoformat(item.last_modified or "")
    except ValueError:
        return None
    return date if date.tzinfo else None


def pages_with_oai(
    cursor: dict[str, Any] | None,
    over_rest: Callable[[dict[str, Any] | None], Iterator[Page]],
    new_walk: Callable[[], OaiBesideRestWalk | None],
    oai: OaiBesideRest,
    least: int,
) -> Iterator[Page]:
    """Yield the pages of a scope. A scope of fewer than `least` items is read over REST, a larger one over OAI-PMH.

    `over_rest`: returns the pages after a cursor. If OAI-PMH fails, the whole scope is read over REST.
    """
    if not _is_begun(cursor):
        pages = over_rest(cursor)
        first = next(pages, None)
        if first is None or _is_advanced(cursor) or (first.total or 0) < least:
            yield from () if first is None else (first,)
            yield from pages
            return
    if walk := new_walk():
        try:
            yield from walk.pages()
            walk.note_result(oai)
            return
        except OaiUnusableError as error:
            oai.refuse(str(error), is_disproved=error.is_disproved)
    yield from over_rest(None if _is_begun(cursor) else cursor)


def _is_begun(cursor: dict[str, Any] | None) -> bool:
    """Return whether a cursor belongs to a walk over OAI-PMH."""
    return CURSOR in (cursor or {})


def _is_advanced(cursor: dict[str, Any] | None) -> bool:
    """Return whether a walk over REST has read pages. The cursor of a new walk may name a plan."""
    return bool((cursor or {}).keys() - {"plan"})
