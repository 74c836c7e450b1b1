"""Reads a list page by page, in order and ahead of its consumer, down to single rows that cannot be read.

A failing page is read again in smaller pages. A row that fails alone is at fault itself, unless the whole repository
fails. In that case the page waits, and `OutageWait` decides when the job stops (design rule 12).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ..errors import BotChallengeError, TransientError
from ..http import OutageWait
from ..i18n import gettext as _
from .adaptive_page_size import AdaptivePageSize, RowWeight
from .fault_isolation import FailureTracker, RepositoryFailingError
from .ordered_pool import ordered_map
from .records import Failure, Item

HEAVY = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Rows:
    """The content of one page: its items, its failures, and the source's count (None if the source gives none).

    `size_bytes`: the size of the response. `lacking`: the number of rows that the source counts in this page but does
    not return.
    """

    items: tuple[Item, ...]
    total: int | None = None
    failures: tuple[Failure, ...] = ()
    size_bytes: int = 0
    lacking: int = 0


class PageReader:
    """A reader for the rows from an offset to the end of a list, page by page and in order.

    `read(offset, size, tries)` returns Rows or raises TransientError. `sizes` is a chain of divisors, largest first
    (100, 20, 10, 5, 1), so that a failing page can be split at its own offset. `kind` names the requests in `outage`.
    `control` checks the repository as long as no page was read: it raises TransientError if the repository fails.
    Without `control`, the repository counts as failing as long as no page was read. `weight`: the row sizes known from
    other pages. `too_large`: the number of pages that failed because of their size and were read in smaller ones.
    """

    def __init__(
        self,
        read: Callable[[int, int, int], Rows],
        sizes: Sequence[int],
        outage: OutageWait,
        width: Callable[[], int],
        kind: str = "page",
        control: Callable[[], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
        weight: RowWeight | None = None,
    ):
        self._clock, self._weight = clock, weight or RowWeight()
        self._read, self._sizes, self._outage, self._width, self._kind = read, tuple(sizes), outage, width, kind
        self._good: tuple[int, int] | None = None
        self._first_control = control
        self.too_large = 0

    def fit(self, offset: int, size: float) -> int:
        """Return the largest size of the chain that is at most `size` and divides `offset`."""
        return next((s for s in self._sizes if s <= size and offset % s == 0), 1)

    def __call__(self, start: int, end: Callable[[], int], size: int) -> Iterator[tuple[int, Rows]]:
        """Yield (offset after the page, rows) up to `end()`, which may change while the list is read.

        After a page that was too large or very slow, the next pages are smaller, until many of them succeeded. If rows
        are heavy, a page has only as many rows as fit into PAGE_BYTES.
        """
        offset, page_size, under_way = start, AdaptivePageSize(self._sizes, size), deque[int]()

        def tasks(at: int) -> Iterator[Callable[[], tuple[Rows, float]]]:
            while at < end():
                under_way.append(here := self.fit(at, min(page_size.size, self._weight.most_rows)))
                yield partial(self._timed, at, here)
                at += here

        for future in ordered_map(tasks(start), self._width, self._outage.stop):
            here = under_way.popleft()
            try:
                rows, seconds = future.result()
                self._was_good(offset, here)
                page_size.was_good(here, heavy=seconds > HEAVY)
            except TransientError:
                rows = self._read_in_parts(offset, here, page_size)
            offset += here
            yield offset, rows

    def _timed(self, offset: int, size: int) -> tuple[Rows, float]:
        """Return the page and the seconds it took."""
        began = self._clock()
        rows = self._attempt(offset, size, 4)
        return rows, self._clock() - began

    def _attempt(self, offset: int, size: int, tries: int) -> Rows:
        rows = self._outage.attempt(self._kind, lambda: self._read(offset, size, tries))
        self._weight.note(rows.size_bytes, len(rows.items) + len(rows.failures))
        return rows

    def _was_good(self, offset: int, size: int) -> None:
        self._good = (offset, size)

    def _read_in_parts(self, offset: int, size: int, page_size: AdaptivePageSize) -> Rows:
        """Read a failing page in smaller ones. While the repository fails, wait and start again."""
        waited = False
        while True:
            failures = FailureTracker(self._control, has_rows=self._good is not None)
            try:
                parts = list(self._split(offset, size, failures))
                if failures.is_too_large and not waited:
                    self.too_large += 1
                    page_size.was_too_large(size)
                parts += [self._once_more(row) for row in failures.failed]
                if self._good is not None:  # the rows that still fail are at fault themselves
                    self._outage.record_success(self._kind)
                return Rows(
                    tuple(item for part in parts for item in part.items),
                    next((part.total for part in reversed(parts) if part.total is not None), None),
                    tuple(failure for part in parts for failure in part.failures),
                    lacking=sum(part.lacking for part in parts),
                )
            except RepositoryFailingError as failing:
                self._outage.wait(self._kind, failing.error)
                waited = True

    def _split(self, offset: int, size: int, failures: FailureTracker, outermost: bool = True) -> Iterator[Rows]:
        smaller = self.fit(offset, max(1, size - 1))
        for here in range(offset, offset + size, smaller):
            try:
                yield self._attempt(here, smaller, 2)
                self._was_good(here, smaller)
                failures.clear()
                failures.note(smaller, was_read=True)
            except BotChallengeError as challenge:  # it says nothing about the rows, even if others can be read
                raise RepositoryFailingError(challenge) from None
            except TransientError as error:
                failures.note(smaller, was_read=False)
                if smaller > 1:
                    yield from self._split(here, smaller, failures, outermost=False)
                else:
                    failures.add(here, error)
        if outermost:
            failures.settle()

    def _once_more(self, row: int) -> Rows:
        """Return a row that failed while the repository may have failed, or a Failure if it fails again."""
        try:
            return self._attempt(row, 1, 2)
        except BotChallengeError as challenge:
            raise RepositoryFailingError(challenge) from None
        except TransientError as error:
            reason = _("Row %(row)s of the list: %(error)s", row=row + 1, error=error.in_short)
            return Rows((), None, (Failure(None, None, None, reason, error.technical_details),))

    def _control(self) -> None:
        """Read the last good page again, or call `control` if there is none. Raise TransientError if that fails."""
        good = self._good
        control = self._first_control if good is None else lambda: self._read(*good, 1)
        if control is None or not self._outage.is_well(self._kind, control):
            raise TransientError(_("The repository does not answer."))
        if good is not None:
            self._outage.record_success(self._kind)
