"""Lists the items of DSpace 4 to 6, whose pages repeat and lose rows. Only distinct ids prove that a list is complete.

A scope consists of parts, its collections. The walk reads each part page by page. If a part has fewer distinct ids than
its count, one request for the whole list shows which items are missing and which are not visible. For a whole
repository the walk also reads the list of all items, which contains the items of closed collections.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from collections.abc import Collection as Group
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..errors import NotFoundError, RestrictedError, TransientError
from ..i18n import gettext as _
from .legacy_api import LONG_ROWS
from .legacy_page_plans import plans_for
from .legacy_rows import WHOLE_LIST, LegacyRows
from .list_end import MOST_UNCOUNTED, ListEnd, Stretch, endless_in_words, idle_of_old
from .page_reader import Rows
from .records import Collection, Failure, Item, Page, Scope, ScopeKind

if TYPE_CHECKING:
    from .legacy import LegacyClient

MOST_IN_PAGE = 100
ASKED_AT_ONCE = 500
MOST_IN_ONE_PIECE = 5_000
MOST_READINGS = 3
LEAST_OVERCOUNT = 10  # items; the count is doubtful if it exceeds the list by this, and by more than the list shows
LONG_STRETCH = 500  # rows of the list of all items that may all be invisible, such as withdrawn items
ALL_ITEMS, END = "all items", "end"


@dataclass(slots=True)
class WalkCursor:
    """The position of a walk. Its plain form is the cursor.

    `part`: a collection's id, ALL_ITEMS or END. `offset`: the number of rows of the part that are done. `distinct`: the
    number of different items in the part so far. After a resume it may be too low, as a repeated item then looks like a
    mapped one. `fresh`: the number of these items that no earlier part contained. `before`: the number of items in the
    earlier parts, each counted once, or None if unknown.
    """

    part: str = ""
    offset: int = 0
    distinct: int = 0
    fresh: int = 0
    before: int | None = 0


def order(id: str) -> tuple[int, str]:
    """Return a sort key for part ids: numbers by value, uuids as text.

    A cursor thus keeps its position even if its part was deleted.
    """
    return len(id), id


class LegacyItemLister:
    """One walk of one scope. It keeps the ids of the current part and of the failed items in memory."""

    def __init__(
        self,
        client: LegacyClient,
        scope: Scope,
        light: bool,
        with_collection: bool,
        seen: Callable[[Group[str]], set[str]],
        hidden: Mapping[str, int],
    ):
        self._client, self._scope, self._light, self._with_collection = client, scope, light, with_collection
        self._seen, self._known_hidden = seen, hidden
        plans = plans_for(client.server.generation, light, client.api.limit)
        self._rows = LegacyRows(client.api, client.patience, client.width, plans)
        self._place, self._resumed = WalkCursor(), False
        self._ids: set[str] = set()
        self._failed: set[str] = set()
        self._again: list[Item] = []
        self._unnamed = 0
        self._explained: dict[str, int] = {}
        self._unlisted: dict[str, int] = {}
        self._overcounted: dict[str, int] = {}
        self._count: int | None = 0
        self._later: int | None = 0

    def pages(self, cursor: dict[str, Any] | None) -> Iterator[Page]:
        """Yield the pages after the cursor. The last page ends the walk and may be empty.

        Raise NotFoundError or RestrictedError if the scope itself cannot be read, OutageLimitError if the repository is
        unreachable for too long, and JobStoppedError if the job is stopped.
        """
        if cursor:
            self._place, self._resumed = WalkCursor(**cursor), True
        if self._place.part == END:
            return
        if self._scope.kind == ScopeKind.ITEM:
            yield from self._single_item()
            return
        parts = self._rows.patiently(lambda: self._client.parts(self._scope))
        parts.sort(key=lambda part: order(part.id))
        outside = self._outside(parts)
        for index, part in enumerate(parts):
            if self._place.part != ALL_ITEMS and order(part.id) >= order(self._place.part):
                self._begin(part.id, part.item_count, parts[index + 1 :])
                yield from self._part(part)
        if self._scope.kind == ScopeKind.REPOSITORY and self._client.api.can.all_items:
            self._begin(ALL_ITEMS)
            yield from self._all_items()
        self._begin(END)
        self._note_outside(outside, parts)
        yield self._page()

    def _outside(self, parts: Iterable[Collection]) -> int | None:
        """Return how many more items a community counts than its visible collections, or None if a count is missing."""
        if self._scope.kind is not ScopeKind.COMMUNITY:
            return None
        counts = [self._rows.patiently(lambda: self._client.community_count(self._scope.id))]
        counts += [part.item_count for part in parts]
        return None if None in counts else counts[0] - sum(counts[1:])

    def _note_outside(self, outside: int | None, parts: Iterable[Collection]) -> None:
        """Record the number of items in collections that are not visible.

        If the server counts each item of a community once, items in several collections count only once here, too.
        """
        held = self._place.before
        if outside is None or held is None:
            return
        if self._client.api.can.counts_once:
            outside += max(0, sum(part.item_count for part in parts) - held)
        if outside > 0:
            self._explained[self._scope.id] = outside
            self._place.before = held + outside

    def _single_item(self) -> Iterator[Page]:
        item = self._rows.patiently(lambda: self._client.item(self._scope.id, with_collection=self._with_collection))
        (result,) = self._client.complete([item])
        self._begin(END, 1)
        yield self._page(
            (result,) if isinstance(result, Item) else (), (result,) if isinstance(result, Failure) else ()
        )

    # -- one collection

    def _part(self, part: Collection) -> Iterator[Page]:
        try:
            yield from self._listed(part)
        except (NotFoundError, RestrictedError) as error:
            if self._scope.kind == ScopeKind.COLLECTION:
                raise
            reason = _("This collection could not be read to its end: %(error)s", error=error)
            yield self._page((), (Failure(None, part.handle, part.name, reason),))

    def _listed(self, part: Collection) -> Iterator[Page]:
        if self._count is None:
            self._count = self._rows.count(part)
        at_start, end, broken = self._count, ListEnd(idle_of_old(), doubts_full_pages=False), False
        while self._place.offset < (until := end.after(self._place.offset, at_start)):
            for offset, rows in self._rows.pages(part, self._place.offset, until, self._known(part)):
                broken = broken or bool(rows.failures)
                self._count = self._count if rows.total is None else rows.total
                met, start, number = len(self._ids), self._place.offset, len(rows.items) + len(rows.failures)
                unmet = self._unmet(rows.items)
                end.note(start, offset - start, number, len(self._ids) - met, at_start)
                yield from self._give(unmet, offset)
                if end.is_reached:
                    break
        if end.is_endless:
            yield self._page((), (Failure(None, part.handle, part.name, end.in_words()),))
        yield from self._compared(part, at_start, broken, is_at_end=not end.is_reached)

    def _compared(self, part: Collection, at_start: int, broken: bool, is_at_end: bool) -> Iterator[Page]:
        """Compare the items read with the count, and look for missing ones.

        `is_at_end`: the list was read as far as its count goes.
        """
        in_one = at_start < max(1, self._rows.in_one) and not self._resumed
        if self._client.api.can.item_pages and not (in_one and self._agrees(part, at_start)):
            self._count = self._rows.count(part)  # rows may have been added or deleted since the first count
        sure = in_one and self._count == at_start
        if broken or not (sure or self._agrees(part, max(at_start, self._count))):
            yield from self._missing(part, is_at_end)
        else:
            self._explain(part, self._place.distinct)
        if not (self._place.distinct or broken):
            self._count = max(at_start, self._count)
            self._unlisted |= {part.id: self._count} if self._count else {}

    def _agrees(self, part: Collection, count: int) -> bool:
        """Return whether all items were read.

        That is the case if there are as many distinct items as the count says, not counting those known not to be
        visible.
        """
        return self._place.distinct >= count or self._place.distinct + self._known_hidden.get(part.id, 0) == count

    def _missing(self, part: Collection, is_at_end: bool) -> Iterator[Page]:
        """Read the list again for the items that the pages lost. Items that stay missing are not visible.

        That conclusion holds only if the readings go as far as the count. If the pages ended before it, they are not
        read again.
        """
        may_be_whole = self._client.api.can.most_rows is None and self._count <= WHOLE_LIST
        is_whole = may_be_whole and (yield from self._in_one_piece(part))
        readings = 0 if is_at_end else MOST_READINGS
        while not is_whole and readings < MOST_READINGS:
            readings += 1
            number, is_sure = yield from self._once_more(part)
            is_whole = is_sure or self._agrees(part, self._count)
            if is_whole:
                self._explain(part, number)

    def _in_one_piece(self, part: Collection) -> Generator[Page, None, bool]:
        """Read the whole list in one request, which cannot lose rows. Return whether the request succeeded."""
        try:
            rows = self._rows.whole(part, self._known(part))
        except TransientError:
            return False
        listed = {item.id for item in rows.items}
        yield from self._give(self._unmet(rows.items))
        yield from self._give_failures(rows.failures)
        self._explain(part, len(listed) + len(rows.failures))
        return True

    def _once_more(self, part: Collection) -> Generator[Page, None, tuple[int, bool]]:
        """Read the list in pages again. Return the number of items, and whether this reading proves the list complete.

        It proves that if it shows no new item and no item twice: then no page boundary has moved.
        """
        listed, broken, is_sure, idle, start = set[str](), 0, True, idle_of_old(), 0
        for offset, rows in self._rows.light_pages(part, self._count, self._known(part)):
            ids = {item.id for item in rows.items}
            idle.add(offset - start, len(ids - listed))
            start = offset
            is_sure = is_sure and listed.isdisjoint(ids) and ids <= self._ids and not idle.is_long
            listed |= ids
            broken += len(rows.failures)
            yield from self._give(self._unmet(rows.items))
            yield from self._give_failures(rows.failures)
            if idle.is_long:
                break
        return len(listed) + broken, is_sure

    def _explain(self, part: Collection, number: int) -> None:
        """Record that this many of the items that the collection counts are visible."""
        self._place.distinct = number
        self._explained[part.id] = more = max(0, self._count - number)
        if more >= LEAST_OVERCOUNT and more > number > 0:
            self._overcounted[part.id] = more

    def _known(self, part: Collection) -> Collection | None:
        return part if self._with_collection else None

    # -- the list of all items

    def _all_items(self) -> Iterator[Page]:
        """Yield the items that no visible collection contains.

        The list is read in one request, as pages may lose rows here, too, and the server gives no count. It is read in
        pages if the repository is large, or if the user or the generation sets a limit.
        """
        api = self._client.api
        in_one = api.capped(MOST_IN_ONE_PIECE) == MOST_IN_ONE_PIECE and (self._place.before or 0) <= MOST_IN_ONE_PIECE
        if in_one and self._place.offset == 0:
            try:
                rows = self._rows.whole_of_all_items()
            except TransientError:
                pass  # pages are smaller, and show which row fails
            else:
                yield from self._give_of_all_items(rows)
                return
        has_moved = yield from self._pages_of_all_items()
        if has_moved:
            self._place.offset = 0
            yield from self._pages_of_all_items()

    def _pages_of_all_items(self) -> Generator[Page, None, bool]:
        """Read the list of all items in pages. Return whether rows moved between the pages.

        The server gives no count of this list. It ends where a long stretch has no new items. A list that is far longer
        than the collections together may have no end.
        """
        most = 2 * (self._place.before or 0) + MOST_UNCOUNTED
        end, met, has_moved = max(1, self._place.before or 0), set[str](), False
        stretch, idle = Stretch(least_rows=LONG_STRETCH, most_rows=LONG_ROWS), idle_of_old()
        while self._place.offset < end:
            for offset, rows in self._rows.all_items(self._place.offset, end):
                ids = {item.id for item in rows.items}
                for each in (stretch, idle):
                    each.add(offset - self._place.offset, len(ids - met) + len(rows.failures))
                has_moved = has_moved or not met.isdisjoint(ids)
                met |= ids
                yield from self._give_of_all_items(rows, offset)
                if idle.is_long:
                    return has_moved
                if self._place.offset > most:
                    yield from self._give_failures([Failure(None, None, None, endless_in_words(self._place.offset))])
                    return False
            if not stretch.is_long:
                end = self._place.offset + 1
        return has_moved

    def _give_of_all_items(self, rows: Rows, offset: int | None = None) -> Iterator[Page]:
        yield from self._give(self._unmet(rows.items), offset)
        yield from self._give_failures(self._not_told_by_their_collections(rows.failures))
        self._ids.clear()  # `seen` knows these items by now, and the list is long

    def _not_told_by_their_collections(self, failures: Iterable[Failure]) -> Iterator[Failure]:
        """Yield the failures, except rows that a collection has already reported.

        A row without a known id fails in its collection, and again in the list of all items.
        """
        for failure in failures:
            if failure.id is None and self._unnamed > 0:
                self._unnamed -= 1
            else:
                yield failure

    # -- known and new items

    def _unmet(self, items: Iterable[Item]) -> list[Item]:
        """Return the new items among these, and count the known ones.

        After a resume the known ones are not counted, as the cursor may include them already.
        """
        unmet = {item.id: item for item in items if item.id not in self._ids}
        self._ids.update(unmet)
        ids = list(unmet)
        known = self._failed.intersection(ids)
        for start in range(0, len(ids), ASKED_AT_ONCE):
            known |= self._seen(ids[start : start + ASKED_AT_ONCE])
        if not self._resumed:
            self._place.distinct += len(known)
        if self._with_collection:
            self._again += [unmet[id] for id in ids if id in known and unmet[id].collection is not None]
        return [item for id, item in unmet.items() if id not in known]

    def _give(self, items: list[Item], offset: int | None = None) -> Iterator[Page]:
        """Yield pages of these items, complete unless the walk is light.

        `offset`: the number of rows of the part that are done with the last item.
        """
        ready = self._light or all(item.is_complete for item in items)
        results, left = iter(items) if ready else self._client.complete(items), len(items)
        while cut := list(islice(results, MOST_IN_PAGE)):
            left -= len(cut)
            self._place.distinct += len(cut)
            self._place.fresh += len(cut)
            if left == 0 and offset is not None:
                self._place.offset = offset
            failures = tuple(result for result in cut if isinstance(result, Failure))
            self._failed.update(failure.id for failure in failures)
            yield self._page(tuple(result for result in cut if isinstance(result, Item)), failures)
        if offset is not None:
            self._place.offset = offset

    def _give_failures(self, failures: Iterable[Failure]) -> Iterator[Page]:
        """Yield a page of the failures that were not reported before, if there are any."""
        untold = tuple(each for each in failures if each.id is None or each.id not in self._failed)
        named = {failure.id for failure in untold if failure.id is not None}
        self._failed |= named
        self._unnamed += len(untold) - len(named)
        self._place.fresh += len(named)
        if untold:
            yield self._page((), untold)

    def _page(self, items: tuple[Item, ...] = (), failures: tuple[Failure, ...] = ()) -> Page:
        explained, self._explained = self._explained, {}
        again, self._again = tuple(self._again), []
        unlisted, self._unlisted = self._unlisted, {}
        overcounted, self._overcounted = self._overcounted, {}
        return Page(items, asdict(self._place), self._total(), failures, explained, again, unlisted, overcounted)

    # -- position and totals

    def _begin(self, part: str, count: int | None = 0, later: Iterable[Collection] = ()) -> None:
        """Start this part. A resumed walk that stopped in this part keeps its position."""
        if self._place.part != part:
            self._place, self._resumed = WalkCursor(part, before=self._held()), False
        self._ids, self._count = set(), count
        counts = [each.item_count for each in later]
        self._later = None if None in counts else sum(counts)

    def _held(self) -> int | None:
        """Return the number of items in the parts up to this one, each counted once, or None if unknown."""
        if self._place.before is None or self._count is None:
            return None
        repeated = self._place.distinct - self._place.fresh
        return self._place.before + max(self._count, self._place.distinct) - repeated

    def _total(self) -> int | None:
        held = self._held()
        return None if held is None or self._later is None else held + self._later
