"""Builds the pages of a walk of DSpace 4 to 6 from the rows of its lists. It knows the position and what was met."""

from __future__ import annotations

from collections.abc import Callable, Collection as Group, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from .legacy_records import sum_if_known
from .records import Collection, Failure, Item, Page, separated

MOST_IN_PAGE = 100
ASKED_AT_ONCE = 500


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


class PageBuilder:
    """Builder of the pages of one walk. It keeps the ids of the current part and of the failed items in memory.

    `complete`: adds metadata and files to items, None if the walk is light. `seen`: returns which of the given ids the
    caller has already. `place`: the current position. `count`: the number of items that the current part counts, None
    if unknown. `ids`: the items of the current part. `explained`, `unlisted`, `overcounted`: for the next page (see
    `Page`).
    """

    def __init__(
        self,
        complete: Callable[[Iterable[Item]], Iterator[Item | Failure]] | None,
        with_collection: bool,
        seen: Callable[[Group[str]], set[str]],
    ):
        self._complete, self._with_collection, self._seen = complete, with_collection, seen
        self.place, self.is_resumed = WalkCursor(), False
        self.ids: set[str] = set()
        self._failed: set[str] = set()
        self._again: list[Item] = []
        self.unnamed = 0
        self.explained: dict[str, int] = {}
        self.unlisted: dict[str, int] = {}
        self.overcounted: dict[str, int] = {}
        self.count: int | None = 0
        self._later: int | None = 0

    def resume(self, cursor: dict[str, Any] | None) -> None:
        """Go to the position of a cursor, if there is one."""
        if cursor:
            self.place, self.is_resumed = WalkCursor(**cursor), True

    def take_new(self, items: Iterable[Item]) -> list[Item]:
        """Return the new items among these, and count the known ones.

        After a resume the known ones are not counted, as the cursor may include them already.
        """
        new = {item.id: item for item in items if item.id not in self.ids}
        self.ids.update(new)
        ids = list(new)
        known = self._failed.intersection(ids)
        for start in range(0, len(ids), ASKED_AT_ONCE):
            known |= self._seen(ids[start : start + ASKED_AT_ONCE])
        if not self.is_resumed:
            self.place.distinct += len(known)
        if self._with_collection:
            self._again += [new[id] for id in ids if id in known and new[id].collection is not None]
        return [item for id, item in new.items() if id not in known]

    def pages(self, items: list[Item], offset: int | None = None) -> Iterator[Page]:
        """Yield pages of these items, complete unless the walk is light.

        `offset`: the number of rows of the part that are done with the last item.
        """
        results, left = self._completed(items), len(items)
        while cut := list(islice(results, MOST_IN_PAGE)):
            left -= len(cut)
            self.place.distinct += len(cut)
            self.place.fresh += len(cut)
            if left == 0 and offset is not None:
                self.place.offset = offset
            complete, failures = separated(cut)
            self._failed.update(failure.id for failure in failures if failure.id is not None)
            yield self.page(complete, failures)
        if offset is not None:
            self.place.offset = offset

    def _completed(self, items: list[Item]) -> Iterator[Item | Failure]:
        if self._complete is None or all(item.is_complete for item in items):
            return iter(items)
        return self._complete(items)

    def failure_pages(self, failures: Iterable[Failure]) -> Iterator[Page]:
        """Yield a page of the failures that were not reported before, if there are any."""
        unreported = tuple(each for each in failures if each.id is None or each.id not in self._failed)
        named = {failure.id for failure in unreported if failure.id is not None}
        self._failed |= named
        self.unnamed += len(unreported) - len(named)
        self.place.fresh += len(named)
        if unreported:
            yield self.page((), unreported)

    def page(self, items: tuple[Item, ...] = (), failures: tuple[Failure, ...] = ()) -> Page:
        """Return a page of these items and failures, with the counts explained since the last page."""
        explained, self.explained = self.explained, {}
        again, self._again = tuple(self._again), []
        unlisted, self.unlisted = self.unlisted, {}
        overcounted, self.overcounted = self.overcounted, {}
        return Page(items, asdict(self.place), self._total(), failures, explained, again, unlisted, overcounted)

    def begin(self, part: str, count: int | None = 0, later: Iterable[Collection] = ()) -> None:
        """Start this part. A resumed walk that stopped in this part keeps its position."""
        if self.place.part != part:
            self.place, self.is_resumed = WalkCursor(part, before=self.items_so_far()), False
        self.ids, self.count = set(), count
        self._later = sum_if_known(each.item_count for each in later)

    @property
    def counted(self) -> int:
        """Return `count`, or 0 if it is unknown."""
        return self.count or 0

    def items_so_far(self) -> int | None:
        """Return the number of items in the parts up to this one, each counted once, or None if unknown."""
        if self.place.before is None or self.count is None:
            return None
        repeated = self.place.distinct - self.place.fresh
        return self.place.before + max(self.count, self.place.distinct) - repeated

    def _total(self) -> int | None:
        held = self.items_so_far()
        return None if held is None or self._later is None else held + self._later
