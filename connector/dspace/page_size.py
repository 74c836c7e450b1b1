"""How many rows to ask for in one request: fewer once a page was too large for the repository."""

from __future__ import annotations

from collections.abc import Sequence

GOOD_PAGES = 20  # so many in a row, the first time, before a larger page is tried again


class Largest:
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
