"""Estimates the size of a scope and the time of its import from a few of the requests that the import makes.

The time of the first request is left out, as the server is cold. The sample has pages from the beginning, the middle
and the end, to show how different the items are: with the first items alone, the estimate of bytes was five times too
low.
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

_LONG = 10.0  # seconds after which no more of the sample is read, as a person is waiting
_FILES_READ = 2
_LARGEST_READ = 2_000_000  # bytes
_CHEAPER = 0.6  # possible time of a walk's best plan as a share of its first plan
_OWN_WORK = 0.02  # seconds to store an item or a file
_START_AND_END = 2.0  # seconds to start, and to check at the end that nothing is missing


def pages_of(count: int, size: int) -> int:
    """Return how many pages of a size this many items fill, at least 1: an empty list takes one request, too."""
    return max(1, -(-count // size))


def spread(count: int, size: int, pages: int = 4) -> list[int]:
    """Return the offsets of this many full pages, spread over a list. Return [] for an empty list."""
    if not count:
        return []
    last = max(0, count // size - 1)
    return [size * number for number in sorted({last * page // (pages - 1) for page in range(pages)})]


@dataclass(frozen=True, slots=True)
class _FileTime:
    """The time of one download: seconds to the first byte, and the seconds and bytes of the rest."""

    first: float
    rest: float
    bytes: int


class Sample:
    """The items of a few requests, and the times of these. `bundles`: the wanted bundles; empty for no files."""

    def __init__(self, bundles: Collection[str] = (), clock: Callable[[], float] = time.monotonic):
        self._bundles, self._clock, self._began = bundles, clock, clock()
        self._pages: list[dict[str, Item]] = []
        self._cold: float | None = None
        self._warm: list[float] = []
        self._files: list[_FileTime] = []
        self._listing = 0.0

    @property
    def is_long(self) -> bool:
        """Return whether the sample has taken so long that it must end."""
        return self._clock() - self._began > _LONG

    def read(self, ask: Callable[[], P]) -> P:
        """Read a page and return it. The first page is timed apart, as the server is cold."""
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
        """Read a page of a second list that an import also reads to its end."""
        rows, seconds = self._timed(ask)
        self._listing = seconds / max(1, len(rows.items) + len(rows.failures))

    def read_files(self, download: Read) -> None:
        """Read a small and a medium file, and discard their bytes. A file that cannot be read is ignored."""
        found = (file for page in self._pages for item in page.values() for file in self._files_of(item))
        small = sorted((file.size, file.id) for file in found if file.size and file.size <= _LARGEST_READ)
        for _, id in small[:: max(1, len(small) // _FILES_READ)][:_FILES_READ]:
            if not self.is_long:
                with suppress(RepositoryError, AddressNotAllowedError):
                    self._read_file(download, id)

    def estimate(self, items: int, requests: int, *, at_once: int) -> Estimate:
        """Return the estimate for this many items and requests, and for the files if any are wanted.

        The low end assumes that the server answers `at_once` parallel requests as fast as one, and that a cheaper plan
        is found.
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
        """Return the seconds for this many files, one after another. `fallback`: the seconds if no file was read."""
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
    return Range(low, high + _OWN_WORK * stored + _START_AND_END)


def _sum_of(pages: Sequence[Sequence[int]], number: int) -> Range:
    """Return the sum of `number` values, of which some pages are known: from -2 to +3 standard errors.

    The upper margin is larger, as a sample easily misses a few large values. Neighbours are similar, so the difference
    between pages says more than the difference between values.
    """
    values = [value for page in pages for value in page]
    if len(values) >= number:
        return Range(sum(values), sum(values))
    error = max(_error(values), _error([fmean(page) for page in pages])) * math.sqrt(1 - len(values) / number)
    mean = fmean(values)
    return Range(max(sum(values), round(number * (mean - 2 * error))), round(number * (mean + 3 * error)))


def _error(values: Sequence[float]) -> float:
    """Return the standard error of the mean of some values, or for a single value the value itself."""
    return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else values[0]
