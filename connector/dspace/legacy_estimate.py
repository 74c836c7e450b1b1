"""Estimates a first import from DSpace 4 to 6 from its counts and a sample of the requests of the import."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import NotFoundError
from ..i18n import gettext as _
from .estimates import Sample, pages_of, spread
from .legacy_page_plans import plans_for
from .legacy_reading import LegacyReading
from .legacy_rows import LegacyRows
from .page_reader import Rows
from .records import Collection, Estimate, Item, Page, Scope, ScopeKind

_ONE_BY_ONE = 1


def estimate(reading: LegacyReading, scope: Scope, sample: Sample, at_once: int) -> Estimate:
    """Return the estimate of a first import.

    Takes at most twelve requests: the counts, some pages or items, and two small files.
    """
    if scope.kind is ScopeKind.ITEM:
        for _attempt in range(2):
            sample.read(lambda: Page((reading.items.item(scope.id),), {}))
        count, requests = 1, 1
    else:
        parts, counted = reading.tree.some_parts(scope)
        if counted is None:
            return Estimate(None, None)
        count, requests = counted, _Lists(reading, parts, sample).read(scope, counted)
    sample.read_files(reading.api.download)
    return sample.estimate(count, requests, at_once=at_once)


class _Lists:
    """A reader for sample pages of some collections. On 4 it reads some single items, as an import does."""

    def __init__(self, reading: LegacyReading, parts: list[Collection], sample: Sample):
        self._reading, self._parts, self._sample = reading, [part for part in parts if part.item_count], sample
        plans = plans_for(reading.api.server.generation, False, reading.api.limit)
        self._plan = plans[0]
        self._rows = LegacyRows(reading.api, reading.outage, reading.width, plans)

    def read(self, scope: Scope, count: int) -> int:
        """Read the sample, and return the number of requests of the whole import without files."""
        for part, offset in self._places():
            if not self._sample.is_long:
                self._read_at(part, offset)
        requests = max(1, sum(pages_of(part.item_count or 0, self._plan.size) for part in self._parts))
        if scope.kind is ScopeKind.COMMUNITY:
            requests = max(requests, pages_of(count, self._plan.size))
        if not self._reading.api.can.item_pages:
            return requests + count
        if scope.kind is not ScopeKind.REPOSITORY or not count:
            return requests
        size = self._reading.api.cap(self._plan.size)
        self._sample.list_also(lambda: self._rows.page(None, 0, size, details=False))
        return requests + pages_of(count, size)

    def _places(self) -> Iterator[tuple[Collection, int]]:
        """Yield the places of the sample. The first comes twice, as the server is cold for the first request."""
        size, pages = (self._plan.size, 4) if self._reading.api.can.item_pages else (_ONE_BY_ONE, 3)
        count = sum(part.item_count or 0 for part in self._parts)
        places = [self._place(at, size) for at in spread(count, size, pages)]
        yield from places[:1]
        yield from dict.fromkeys(places)

    def _place(self, at: int, size: int) -> tuple[Collection, int]:
        """Return the collection that holds the item with this number, and the offset of its page there.

        Raise NotFoundError if there is no item with this number.
        """
        for part in self._parts:
            if at < (count := part.item_count or 0):
                return part, min(at // size, max(0, count // size - 1)) * size
            at -= count
        raise NotFoundError(_("There is no such item."))

    def _read_at(self, part: Collection, offset: int) -> None:
        if self._reading.api.can.item_pages:
            self._sample.read(lambda: self._rows.page(part, offset, self._plan.size, details=True))
        elif found := self._rows.page(part, offset, _ONE_BY_ONE, details=False).items:
            self._sample.read(lambda: Rows(tuple(_completed(self._reading, found))))


def _completed(reading: LegacyReading, items: tuple[Item, ...]) -> Iterator[Item]:
    return (item for item in reading.items.complete(items) if isinstance(item, Item))
