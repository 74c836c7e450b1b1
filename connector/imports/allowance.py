"""How many bytes the files of one import may have together. Downloads run side by side, so each reserves its part."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..catalogue.texts import human_size
from ..errors import TooLarge


class Allowance:
    """What is left of the limit for all files of an import.

    In bytes. `limit`: None for none. `spent`: by earlier attempts.
    """

    def __init__(self, limit: int | None, spent: int):
        self._limit, self._left, self._guard = limit, (limit or 0) - spent, threading.Lock()

    def share(self, size: int | None) -> Share:
        """Reserve room for a file of this size, of an unknown one as its bytes come. Raises TooLarge."""
        share = Share(self)
        share.take(size or 0)
        return share

    def take(self, size: int) -> None:
        """Reserve so many bytes, fewer than none to give them back. Raises TooLarge."""
        if self._limit is None:
            return
        with self._guard:
            if size > max(self._left, 0):
                raise TooLarge(
                    f"With it, the files of this import would be more than {human_size(self._limit)}, the limit for "
                    "all of them together. A later import, or Retry, goes on with it."
                )
            self._left -= size


class Share:
    """What one download has reserved. Whoever reserved it settles it, whatever became of the download."""

    def __init__(self, allowance: Allowance):
        self._allowance, self._reserved = allowance, 0

    def take(self, size: int) -> None:
        """Reserve so many bytes more. Raises TooLarge."""
        self._allowance.take(size)
        self._reserved += size

    def guarded(self, write: Callable[[bytes], object]) -> Callable[[bytes], None]:
        """The same `write` for one try, which reserves what comes beyond the size that was told. Raises TooLarge."""
        used = 0

        def careful(piece: bytes) -> None:
            nonlocal used
            used += len(piece)
            if used > self._reserved:
                self.take(used - self._reserved)
            write(piece)

        return careful

    def settle(self, size: int) -> None:
        """Of what was reserved, so many bytes were spent; the rest is for others."""
        self._allowance.take(size - self._reserved)
        self._reserved = size
