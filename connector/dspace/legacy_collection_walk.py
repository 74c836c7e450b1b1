"""Reads the list of one collection of DSpace 4 to 6 and compares it with its count.

Pages of a list repeat and lose rows, so only distinct ids prove that a list is complete. If there are fewer than the
count, other readings of the list show which items are missing and which are not visible.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping

from ..errors import NotFoundError, RestrictedError, TransientError
from ..i18n import gettext as _
from .legacy_api import LegacyApi
from .legacy_page_builder import PageBuilder
from .legacy_rows import WHOLE_LIST, LegacyRows
from .list_end import ListEnd, idle_of_old
from .records import Collection, Failure, Page, Scope, ScopeKind

MOST_READINGS = 3
LEAST_OVERCOUNT = 10  # items; the count is doubtful if it exceeds the list by this, and by more than the list shows


class CollectionWalk:
    """Reader of the collections of one walk. `known_not_visible`: how many items of each collection are not visible."""

    def __init__(
        self,
        api: LegacyApi,
        rows: LegacyRows,
        builder: PageBuilder,
        scope: Scope,
        with_collection: bool,
        known_not_visible: Mapping[str, int],
    ):
        self._api, self._rows, self._builder, self._scope = api, rows, builder, scope
        self._with_collection, self._known_not_visible = with_collection, known_not_visible

    def pages(self, part: Collection) -> Iterator[Page]:
        """Yield the pages of a collection after the position of the builder."""
        try:
            yield from self._listed(part)
        except (NotFoundError, RestrictedError) as error:
            if self._scope.kind == ScopeKind.COLLECTION:
                raise
            reason = _("This collection could not be read to its end: %(error)s", error=error.in_short)
            failure = Failure(None, part.handle, part.name, reason, error.technical_details)
            yield self._builder.page((), (failure,))

    def _listed(self, part: Collection) -> Iterator[Page]:
        if self._builder.count is None:
            self._builder.count = self._rows.count(part)
        at_start, end, broken = self._builder.count, ListEnd(idle_of_old(), doubts_full_pages=False), False
        while self._builder.place.offset < (until := end.after(self._builder.place.offset, at_start)):
            for offset, rows in self._rows.pages(part, self._builder.place.offset, until, self._known(part)):
                broken = broken or bool(rows.failures)
                self._builder.count = self._builder.count if rows.total is None else rows.total
                met, start = len(self._builder.ids), self._builder.place.offset
                number = len(rows.items) + len(rows.failures)
                new = self._builder.take_new(rows.items)
                end.note(start, offset - start, number, len(self._builder.ids) - met, at_start)
                yield from self._builder.pages(new, offset)
                if end.is_reached:
                    break
        if end.is_endless:
            yield self._builder.page((), (Failure(None, part.handle, part.name, end.in_words()),))
        yield from self._compared(part, at_start, broken, is_at_end=not end.is_reached)

    def _compared(self, part: Collection, at_start: int, broken: bool, is_at_end: bool) -> Iterator[Page]:
        """Compare the items read with the count, and look for missing ones.

        `is_at_end`: the list was read as far as its count goes.
        """
        in_one = at_start < max(1, self._rows.in_one) and not self._builder.is_resumed
        if self._api.can.item_pages and not (in_one and self._agrees(part, at_start)):
            self._builder.count = self._rows.count(part)  # rows may have been added or deleted since the first count
        sure = in_one and self._builder.count == at_start
        if broken or not (sure or self._agrees(part, max(at_start, self._builder.counted))):
            yield from self._missing(part, is_at_end)
        else:
            self._explain(part, self._builder.place.distinct)
        if not (self._builder.place.distinct or broken):
            self._builder.count = max(at_start, self._builder.counted)
            self._builder.unlisted |= {part.id: self._builder.count} if self._builder.count else {}

    def _agrees(self, part: Collection, count: int) -> bool:
        """Return whether all items were read.

        That is the case if there are as many distinct items as the count says, not counting those known not to be
        visible.
        """
        distinct = self._builder.place.distinct
        return distinct >= count or distinct + self._known_not_visible.get(part.id, 0) == count

    def _missing(self, part: Collection, is_at_end: bool) -> Iterator[Page]:
        """Read the list again for the items that the pages lost. Items that stay missing are not visible.

        That conclusion holds only if the readings go as far as the count. If the pages ended before it, they are not
        read again.
        """
        may_be_whole = self._api.can.most_rows is None and self._builder.counted <= WHOLE_LIST
        is_whole = may_be_whole and (yield from self._in_one_piece(part))
        readings = 0 if is_at_end else MOST_READINGS
        while not is_whole and readings < MOST_READINGS:
            readings += 1
            number, is_sure = yield from self._once_more(part)
            is_whole = is_sure or self._agrees(part, self._builder.counted)
            if is_whole:
                self._explain(part, number)

    def _in_one_piece(self, part: Collection) -> Generator[Page, None, bool]:
        """Read the whole list in one request, which cannot lose rows. Return whether the request succeeded."""
        try:
            rows = self._rows.whole(part, self._known(part))
        except TransientError:
            return False
        listed = {item.id for item in rows.items}
        yield from self._builder.pages(self._builder.take_new(rows.items))
        yield from self._builder.failure_pages(rows.failures)
        self._explain(part, len(listed) + len(rows.failures))
        return True

    def _once_more(self, part: Collection) -> Generator[Page, None, tuple[int, bool]]:
        """Read the list in pages again. Return the number of items, and whether this reading proves the list complete.

        It proves that if it shows no new item and no item twice: then no page boundary has moved.
        """
        listed, broken, is_sure, idle, start = set[str](), 0, True, idle_of_old(), 0
        for offset, rows in self._rows.light_pages(part, self._builder.counted, self._known(part)):
            ids = {item.id for item in rows.items}
            idle.add(offset - start, len(ids - listed))
            start = offset
            is_sure = is_sure and listed.isdisjoint(ids) and ids <= self._builder.ids and not idle.is_long
            listed |= ids
            broken += len(rows.failures)
            yield from self._builder.pages(self._builder.take_new(rows.items))
            yield from self._builder.failure_pages(rows.failures)
            if idle.is_long:
                break
        return len(listed) + broken, is_sure

    def _explain(self, part: Collection, number: int) -> None:
        """Record that this many of the items that the collection counts are visible."""
        self._builder.place.distinct = number
        self._builder.explained[part.id] = more = max(0, self._builder.counted - number)
        if more >= LEAST_OVERCOUNT and more > number > 0:
            self._builder.overcounted[part.id] = more

    def _known(self, part: Collection) -> Collection | None:
        return part if self._with_collection else None
