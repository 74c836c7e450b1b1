"""A cache of the lists of collections and communities, which are slow to read from a repository."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ...errors import ConnectorError
from ...extensions import utcnow

KEPT = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a list, and when they were read (naive UTC). `error`: why a later reading failed, if it did."""

    rows: Sequence[Any]
    read_at: datetime
    error: ConnectorError | None = None


class Listings:
    """A cache of listings. Concurrent requests for one listing wait for a single read."""

    def __init__(self, seconds: float = KEPT, clock: Callable[[], float] = time.monotonic):
        self._seconds, self._clock = seconds, clock
        self._entries: dict[Any, _Entry] = {}
        self._lock = threading.Lock()

    def get(self, key: Any, read: Callable[[], Sequence[Any]], reload: bool = False) -> Listing:
        """Return the listing of this key. Call `read` if it is missing or expired, or if `reload` is set.

        If `read` fails, return the earlier listing with the error, or raise the error if there is none.
        """
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
        with entry.lock:
            known = entry.listing
            if known is not None and not reload and self._clock() - entry.read <= self._seconds:
                return known
            try:
                entry.listing, entry.read = Listing(read(), utcnow()), self._clock()
            except ConnectorError as error:
                if known is None:
                    raise
                return Listing(known.rows, known.read_at, error)
            return entry.listing


@dataclass
class _Entry:
    listing: Listing | None = None
    read: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
