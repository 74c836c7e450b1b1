"""How many rows to ask for in one request: fewer once a page was too large for the repository, or heavy for us."""

from __future__ import annotations

import math
from collections.abc import Sequence

PAGE_BYTES = 4 * 2**20  # of JSON, unpacked: no larger page is asked for where a smaller one is possible
_REMEMBERED = 0.8  # of the weight of rows, from page to page
GOOD_PAGES = 20  # so many in a row, the first time, before a larger page is tried again


class AdaptivePageSize:
    """The largest page to ask for: smaller after one was too large, larger again after ever more good ones."""

    def __init__(self, sizes: Sequence[int], size: int):
        self._sizes, self._wanted, self.size = sizes, size, size
        self._good, self._enough = 0, GOOD_PAGES

    def was_good(self, size: int, heavy: bool) -> None:
        """A heavy page is too large, unless it holds a single row."""
        if heavy and size > 1:
            return self.was_too_large(size)
        self._good += size == self.size
        if self._good >= self._enough:
            self._good = 0
            self.size = min((s for s in self._sizes if self.size < s <= self._wanted), default=self.size)

    def was_too_large(self, size: int) -> None:
        """Of several that were asked for together only the first counts."""
        if size <= self.size:
            self.size = next(s for s in self._sizes if s < size)
            self._good, self._enough = 0, 2 * self._enough


class RowWeight:
    """How many bytes a row of a list takes in an answer, judged by the pages before, the heaviest of which count most.

    One heavy row among many light ones is forgotten page by page.
    """

    def __init__(self) -> None:
        self._bytes = 0.0

    @property
    def most_rows(self) -> float:
        """Return how many rows a page may have, 1 at the least; infinity while nothing is known."""
        return max(1.0, PAGE_BYTES / self._bytes) if self._bytes else math.inf

    def note(self, size_bytes: int, rows: int) -> None:
        """Note the size of an answer that had so many rows."""
        self._bytes = max(size_bytes / max(rows, 1), _REMEMBERED * self._bytes)
