"""Walks the items of DSpace 4 to 6, whose lists repeat and lose rows: only distinct ids tell whether all came.

A scope is a row of parts, its collections. Each is read page by page; where its distinct ids fall short of the
collection's count, one request for the whole id list tells what is missing and what is hidden from us. For a whole
repository the list of all items follows, for those that no visible collection shows.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from collections.abc import Collection as Group
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..errors import NotFoundError, RestrictedError, TransientError
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
LEAST_OVERCOUNT = 10  # items; and more than the list shows: then its count is doubtful
LONG_STRETCH = 500  # rows of the list of all items, withdrawn ones among them, that we may not see
ALL_ITEMS, END = "all items", "end"


@dataclass(slots=True)
class WalkCursor:
    """Where a walk is; its plain form is the cursor.

    `part`: a collection's id, ALL_ITEMS or END. `offset`: rows of it that are done. `distinct`: different items met in
    it (after a resume rather too few: a repeat cannot be told from a mapped item then). `fresh`: those of them that
    were met nowhere before. `before`: what the parts before it hold, each item once (None: not known).
    """

    part: str = ""
    offset: int = 0
    distinct: int = 0
    fresh: int = 0
    before: int | None = 0


def order(id: str) -> tuple[int, str]:
    """Sorts numbers by value and uuids by text, so that a cursor finds its place even when its part has gone."""
    return len(id), id


class LegacyItemLister:
    """One walk of one scope. Its memory is the ids of the part it is in, and of the items that failed."""

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
        """The pages after the cursor; the last one closes the walk and may be empty.

        Raises NotFoundError or RestrictedError when the scope itself cannot be read, OutageLimitError, JobStoppedError.
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
        """How many more items a community counts than the collections below it that we see; None: nobody tells."""
        if self._scope.kind is not ScopeKind.COMMUNITY:
            return None
        counts = [self._rows.patiently(lambda: self._client.community_count(self._scope.id))]
        counts += [part.item_count for part in parts]
        return None if None in counts else counts[0] - sum(counts[1:])

    def _note_outside(self, outside: int | None, parts: Iterable[Collection]) -> None:
        """Tell of the items in collections that we may not see. Where each item counts once, repeated ones do not."""
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
            reason = f"This collection could not be read to its end: {error}"
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
        """Compare what came with the count; `is_at_end`: the list was read as far as the count goes."""
        in_one = at_start < max(1, self._rows.in_one) and not self._resumed
        if self._client.api.can.item_pages and not (in_one and self._agrees(part, at_start)):
            self._count = self._rows.count(part)  # rows may have come or gone since the first count
        sure = in_one and self._count == at_start
        if broken or not (sure or self._agrees(part, max(at_start, self._count))):
            yield from self._missing(part, is_at_end)
        else:
            self._explain(part, self._place.distinct)
        if not (self._place.distinct or broken):
            self._count = max(at_start, self._count)
            self._unlisted |= {part.id: self._count} if self._count else {}

    def _agrees(self, part: Collection, count: int) -> bool:
        """Did all come: as many distinct items as are counted, but for exactly those known to be hidden from us?"""
        return self._place.distinct >= count or self._place.distinct + self._known_hidden.get(part.id, 0) == count

    def _missing(self, part: Collection, is_at_end: bool) -> Iterator[Page]:
        """The items that the pages lost. What further readings of the list do not show either is hidden from us.

        That holds where they go as far as the count. A list whose pages were left before is not read in pages again.
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
        """Read the whole list in one request, which can lose nothing. Return whether it came."""
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
        """Read the list in pages again. Return the number of its items, and whether that reading proves it whole.

        It does where it shows no item that was not met before, and none twice: then no page boundary has moved.
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
        """Note that the collection shows us so many of the items that it counts."""
        self._place.distinct = number
        self._explained[part.id] = more = max(0, self._count - number)
        if more >= LEAST_OVERCOUNT and more > number > 0:
            self._overcounted[part.id] = more

    def _known(self, part: Collection) -> Collection | None:
        return part if self._with_collection else None

    # -- the list of all items

    def _all_items(self) -> Iterator[Page]:
        """What no visible collection shows: in one piece, as pages may lose rows here, too, and no count tells.

        Large repositories are read in pages all the same, and those for which the user or the generation sets a limit.
        """
        api = self._client.api
        in_one = api.capped(MOST_IN_ONE_PIECE) == MOST_IN_ONE_PIECE and (self._place.before or 0) <= MOST_IN_ONE_PIECE
        if in_one and self._place.offset == 0:
            try:
                rows = self._rows.whole_of_all_items()
            except TransientError:
                pass  # pages are smaller, and can tell whose fault it is
            else:
                yield from self._give_of_all_items(rows)
                return
        has_moved = yield from self._pages_of_all_items()
        if has_moved:
            self._place.offset = 0
            yield from self._pages_of_all_items()

    def _pages_of_all_items(self) -> Generator[Page, None, bool]:
        """To the end, which is where a long stretch brings nothing. Return whether rows moved between the pages.

        Nothing counts this list. Where it goes on far beyond what the collections hold, it may have no end.
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
        self._ids.clear()  # all that was given is `seen` by now, and the list is long

    def _not_told_by_their_collections(self, failures: Iterable[Failure]) -> Iterator[Failure]:
        """Rows that failed in a collection without telling what they are fail in the list of all items again."""
        for failure in failures:
            if failure.id is None and self._unnamed > 0:
                self._unnamed -= 1
            else:
                yield failure

    # -- what the walk has met

    def _unmet(self, items: Iterable[Item]) -> list[Item]:
        """Those of these items that are to be given; the others are counted, if it is sure that they were not yet."""
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
        """Pages of these items, complete unless the walk is light; `offset`: the rows done with the last of them."""
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
        """A page of the failures not yet told, if there are any."""
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

    # -- where it is

    def _begin(self, part: str, count: int | None = 0, later: Iterable[Collection] = ()) -> None:
        """Go to this part; a resumed walk that stands in it already keeps its place."""
        if self._place.part != part:
            self._place, self._resumed = WalkCursor(part, before=self._held()), False
        self._ids, self._count = set(), count
        counts = [each.item_count for each in later]
        self._later = None if None in counts else sum(counts)

    def _held(self) -> int | None:
        """What the parts up to this one hold, each item once: what another part showed before is not counted."""
        if self._place.before is None or self._count is None:
            return None
        repeated = self._place.distinct - self._place.fresh
        return self._place.before + max(self._count, self._place.distinct) - repeated

    def _total(self) -> int | None:
        held = self._held()
        return None if held is None or self._later is None else held + self._later
