"""Reads a listing page by page, ahead of the writer and in order, down to the one row that cannot be read.

A failing page is read again in smaller ones; what fails singly is the item's own fault, unless the repository itself is
in trouble: then the page waits, and patience decides when the job gives up (design rule 12).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..errors import BotChallengeError, TransientError
from ..http import OutageWait
from .adaptive_page_size import AdaptivePageSize, RowWeight
from .fault_isolation import FailureTracker, RepositoryFailingError
from .ordered_pool import ordered_map
from .records import Failure, Item

HEAVY = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Rows:
    """What one request for a page gave: its items, those that failed, and the source's count (None where not told).

    `size_bytes`: the size of the answer. `lacking`: how many rows the source counts in this page and does not give.
    """

    items: tuple[Item, ...]
    total: int | None = None
    failures: tuple[Failure, ...] = ()
    size_bytes: int = 0
    lacking: int = 0


class PageReader:
    """Reads the rows from an offset to the end of a listing, page by page, in order.

    `read(offset, size, tries)` gives Rows or raises TransientError. `sizes` is a chain of divisors, largest first (100,
    20, 10, 5, 1), so that a failing page can be split at its own offset. `kind` names the request for patience.
    `control` stands in while no page was good yet: it raises TransientError when the repository is in trouble; without
    it, nothing good yet means that it is. `weight`: what is known of the rows from other pages. `too_large`: how many
    pages failed as such and came in smaller ones.
    """

    def __init__(
        self,
        read: Callable[[int, int, int], Rows],
        sizes: Sequence[int],
        patience: OutageWait,
        width: Callable[[], int],
        kind: str = "page",
        control: Callable[[], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
        weight: RowWeight | None = None,
    ):
        self._clock, self._weight = clock, weight or RowWeight()
        self._read, self._sizes, self._patience, self._width, self._kind = read, tuple(sizes), patience, width, kind
        self._good: tuple[int, int] | None = None
        self._stand_in = control
        self.too_large = 0

    def fit(self, offset: int, size: float) -> int:
        """The largest size of the chain, at most `size`, that divides `offset`."""
        return next((s for s in self._sizes if s <= size and offset % s == 0), 1)

    def __call__(self, start: int, end: Callable[[], int], size: int) -> Iterator[tuple[int, Rows]]:
        """Give (offset after the page, its rows) until `end()`, which may move while the listing is read.

        After a page that was too large, or took very long although it came, the next ones are smaller, until many of
        them were good. Where rows are heavy, a page has only as many as PAGE_BYTES hold.
        """
        offset, largest, under_way = start, AdaptivePageSize(self._sizes, size), deque[int]()

        def tasks(at: int) -> Iterator[Callable[[], tuple[Rows, float]]]:
            while at < end():
                under_way.append(here := self.fit(at, min(largest.size, self._weight.most_rows)))
                yield lambda at=at, here=here: self._timed(at, here)
                at += here

        for future in ordered_map(tasks(start), self._width, self._patience.stop):
            here = under_way.popleft()
            try:
                rows, seconds = future.result()
                self._was_good(offset, here)
                largest.was_good(here, heavy=seconds > HEAVY)
            except TransientError:
                rows = self._carefully(offset, here, largest)
            offset += here
            yield offset, rows

    def _timed(self, offset: int, size: int) -> tuple[Rows, float]:
        """The page and the seconds it took."""
        began = self._clock()
        rows = self._attempt(offset, size, 4)
        return rows, self._clock() - began

    def _attempt(self, offset: int, size: int, tries: int) -> Rows:
        rows = self._patience.attempt(self._kind, lambda: self._read(offset, size, tries))
        self._weight.note(rows.size_bytes, len(rows.items) + len(rows.failures))
        return rows

    def _was_good(self, offset: int, size: int) -> None:
        self._good = (offset, size)

    def _carefully(self, offset: int, size: int, largest: AdaptivePageSize) -> Rows:
        """Read a failing page in smaller ones; wait and begin again while it is the repository that fails."""
        waited = False
        while True:
            doubt = FailureTracker(self._control, came_before=self._good is not None)
            try:
                parts = list(self._split(offset, size, doubt))
                if doubt.is_of_the_size and not waited:
                    self.too_large += 1
                    largest.was_too_large(size)
                parts += [self._once_more(row) for row in doubt.failed]
                if self._good is not None:  # what still fails is the fault of its rows
                    self._patience.good(self._kind)
                return Rows(
                    tuple(item for part in parts for item in part.items),
                    next((part.total for part in reversed(parts) if part.total is not None), None),
                    tuple(failure for part in parts for failure in part.failures),
                    lacking=sum(part.lacking for part in parts),
                )
            except RepositoryFailingError as lasting:
                self._patience.wait(self._kind, lasting.error)
                waited = True

    def _split(self, offset: int, size: int, doubt: FailureTracker, outermost: bool = True) -> Iterator[Rows]:
        smaller = self.fit(offset, max(1, size - 1))
        for here in range(offset, offset + size, smaller):
            try:
                yield self._attempt(here, smaller, 2)
                self._was_good(here, smaller)
                doubt.clear()
                doubt.note(smaller, came=True)
            except (
                BotChallengeError
            ) as wall:  # says nothing of the rows, and what else can be read says nothing of the wall
                raise RepositoryFailingError(wall) from None
            except TransientError as error:
                doubt.note(smaller, came=False)
                if smaller > 1:
                    yield from self._split(here, smaller, doubt, outermost=False)
                else:
                    doubt.add(here, error)
        if outermost:
            doubt.settle()

    def _once_more(self, row: int) -> Rows:
        """A row that failed while the repository may have been in trouble, which is over now."""
        try:
            return self._attempt(row, 1, 2)
        except BotChallengeError as wall:
            raise RepositoryFailingError(wall) from None
        except TransientError as error:
            return Rows((), None, (Failure(None, None, None, f"Row {row + 1} of the list: {error}"),))

    def _control(self) -> None:
        """Read again what was good before; raises TransientError when it is no longer good, or nothing was yet."""
        good = self._good
        control = self._stand_in if good is None else lambda: self._read(*good, 1)
        if control is None or not self._patience.is_well(self._kind, control):
            raise TransientError("The repository does not answer.")
        if good is not None:
            self._patience.good(self._kind)
