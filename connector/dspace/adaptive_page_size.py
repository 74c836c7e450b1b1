"""Chooses the number of rows per request. Pages get smaller if they are too large for the server or heavy for us."""

from __future__ import annotations

import math
from collections.abc import Sequence

PAGE_BYTES = 4 * 2**20  # maximum size of a page of uncompressed JSON, unless it has a single row
_REMEMBERED = 0.8  # share of the row weight that is kept from page to page
GOOD_PAGES = 20  # consecutive good pages before a larger page is tried the first time


class AdaptivePageSize:
    """The largest page size to request: smaller after a page was too large, larger again after many good ones."""

    def __init__(self, sizes: Sequence[int], size: int):
        self._sizes, self._wanted, self.size = sizes, size, size
        self._good, self._enough = 0, GOOD_PAGES

    def was_good(self, size: int, heavy: bool) -> None:
        """Record a page that was read. A heavy page counts as too large, unless it has a single row."""
        if heavy and size > 1:
            return self.was_too_large(size)
        self._good += size == self.size
        if self._good >= self._enough:
            self._good = 0
            self.size = min((s for s in self._sizes if self.size < s <= self._wanted), default=self.size)

    def was_too_large(self, size: int) -> None:
        """Reduce the size. Of several pages that were requested together, only the first one counts."""
        if size <= self.size:
            self.size = next(s for s in self._sizes if s < size)
            self._good, self._enough = 0, 2 * self._enough


class RowWeight:
    """The bytes that a row of a list takes in a response, estimated from earlier pages.

    The heaviest pages count most. One heavy row among many light ones is forgotten page by page.
    """

    def __init__(self) -> None:
        self._bytes = 0.0

    @property
    def most_rows(self) -> float:
        """Return the maximum number of rows for a page, at least 1. Infinity if no page was read yet."""
        return max(1.0, PAGE_BYTES / self._bytes) if self._bytes else math.inf

    def note(self, size_bytes: int, rows: int) -> None:
        """Record the size of a response with this many rows."""
        self._bytes = max(size_bytes / max(rows, 1), _REMEMBERED * self._bytes)
