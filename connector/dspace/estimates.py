"""How much there is in a scope and how long its import takes, judged by a few of the requests that the import makes.

The first request finds the server cold, so its time is left out. Pages from the beginning, the middle and the end show
how different the items are: from the first ones alone the bytes were judged five times too low.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TypeVar

from ..errors import AddressNotAllowedError, RepositoryError
from ..ranges import Range
from .page_reader import Rows
from .records import Bitstream, Estimate, Item, Page

T = TypeVar("T")
P = TypeVar("P", Page, Rows)
Read = Callable[[str, Callable[[bytes], object]], object]

_LONG = 10.0  # seconds: the person who asked does not wait for more of a sample
_FILES_READ = 2
_LARGEST_READ = 2_000_000  # bytes
_CHEAPER = 0.6  # what the best plan of a walk may take of the time of the plan it begins with
_OWN_WORK = 0.02  # seconds to store an item or a file
_BESIDES = 2.0  # seconds to begin, and to prove at the end that all came


def pages_of(count: int, size: int) -> int:
    """Return how many pages of a size so many items fill; no items take one request, too."""
    return max(1, -(-count // size))


def spread(count: int, size: int, pages: int = 4) -> list[int]:
    """Return the offsets of so many full pages from the beginning to the end of a list; none of an empty one."""
    if not count:
        return []
    last = max(0, count // size - 1)
    return [size * number for number in sorted({last * page // (pages - 1) for page in range(pages)})]


@dataclass(frozen=True, slots=True)
class _FileTime:
    """What one file took: seconds to its first byte, and seconds and bytes of all that followed."""

    first: float
    rest: float
    bytes: int


class Sample:
    """The items of a few requests, and what these took. `bundles`: whose files are wanted; none of them: no files."""

    def __init__(self, bundles: Collection[str] = (), clock: Callable[[], float] = time.monotonic):
        self._bundles, self._clock, self._began = bundles, clock, clock()
        self._pages: list[dict[str, Item]] = []
        self._cold: float | None = None
        self._warm: list[float] = []
        self._files: list[_FileTime] = []
        self._listing = 0.0

    @property
    def is_long(self) -> bool:
        """Return whether the sample took so long that what it has must do."""
        return self._clock() - self._began > _LONG

    def read(self, ask: Callable[[], P]) -> P:
        """Read a page and return it. The first one finds the server cold."""
        page, seconds = self._timed(ask)
        met = {id for known in self._pages for id in known}
        self._pages.append({item.id: item for item in page.items if item.id not in met})
        price = seconds / max(1, len(page.items) + len(page.failures))
        if self._cold is None:
            self._cold = price
        else:
            self._warm.append(price)
        return page

    def list_also(self, ask: Callable[[], Rows]) -> None:
        """Read a page of another list, that an import reads to its end besides the first."""
        rows, seconds = self._timed(ask)
        self._listing = seconds / max(1, len(rows.items) + len(rows.failures))

    def read_files(self, download: Read) -> None:
        """Read a small and a middling file, and forget them. One that cannot be read tells nothing."""
        found = (file for page in self._pages for item in page.values() for file in self._files_of(item))
        small = sorted((file.size, file.id) for file in found if file.size and file.size <= _LARGEST_READ)
        for _, id in small[:: max(1, len(small) // _FILES_READ)][:_FILES_READ]:
            if not self.is_long:
                with suppress(RepositoryError, AddressNotAllowedError):
                    self._read_file(download, id)

    def estimate(self, items: int, requests: int, *, at_once: int) -> Estimate:
        """Return what reading so many items will take, in so many requests, and their files, where they are wanted.

        At best the server answers `at_once` requests as fast as one, and the cheapest plan is better than the first.
        """
        prices = self._warm or [self._cold or 0.0]
        low, high = items * min(prices) * _CHEAPER, items * max(prices)
        low, high = low + items * self._listing, high + 2 * items * self._listing
        pages = [[self._files_of(item) for item in page.values()] for page in self._pages if page]
        if not self._bundles or (items and not pages):
            return Estimate(items, requests, seconds=_seconds(low / at_once, high, items))
        number = round(items * fmean(len(held) for page in pages for held in page)) if pages else 0
        size = _sum_of([[sum(file.size or 0 for file in held) for held in page] for page in pages], items)
        time_of_files = self._time_of(number, size, fallback=max(prices))
        seconds = _seconds((low + time_of_files.low) / at_once, high + time_of_files.high, items + number)
        return Estimate(items, requests + number, number, size, seconds)

    def _read_file(self, download: Read, id: str) -> None:
        began, times, sizes = self._clock(), list[float](), list[int]()

        def sink(piece: bytes) -> None:
            times.append(self._clock())
            sizes.append(len(piece))

        download(id, sink)
        if times:
            self._files.append(_FileTime(times[0] - began, times[-1] - times[0], sum(sizes[1:])))

    def _time_of(self, number: int, size: Range, fallback: float) -> Range:
        """Return the seconds of so many files, one after another; without a file that was read, as long as an item."""
        firsts = [file.first for file in self._files] or [fallback]
        rest, read = sum(file.rest for file in self._files), sum(file.bytes for file in self._files)
        slowness = rest / read if read else 0.0
        return Range(number * min(firsts) + size.low * slowness, number * max(firsts) + size.high * slowness)

    def _files_of(self, item: Item) -> list[Bitstream]:
        return [file for file in item.bitstreams or () if file.bundle in self._bundles]

    def _timed(self, ask: Callable[[], T]) -> tuple[T, float]:
        began = self._clock()
        return ask(), self._clock() - began


def _seconds(low: float, high: float, stored: int) -> Range:
    return Range(low, high + _OWN_WORK * stored + _BESIDES)


def _sum_of(pages: Sequence[Sequence[int]], number: int) -> Range:
    """Return the sum of so many values of which some pages are known: two standard errors less to three more.

    More above than below, as a few large values are easily missed. Neighbours are alike, so pages that differ tell more
    than the values in them.
    """
    values = [value for page in pages for value in page]
    if len(values) >= number:
        return Range(sum(values), sum(values))
    error = max(_error(values), _error([fmean(page) for page in pages])) * math.sqrt(1 - len(values) / number)
    mean = fmean(values)
    return Range(max(sum(values), round(number * (mean - 2 * error))), round(number * (mean + 3 * error)))


def _error(values: Sequence[float]) -> float:
    """Return the standard error of the mean of some values; one alone may be far off."""
    return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else values[0]
