"""The time that answers take on a real server, so that page plans can be compared without one."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field, replace


@dataclass
class Costs:
    """Seconds of work on a real DSpace with two processors (measured), and seconds of `distance` on the way.

    DSpace 7 and later (9.3): a search page costs `per_item` an item and, with b bitstreams embedded, `per_bitstream`
    times b and `square` times b squared, a single item as a page of one; a list of bundles or of bitstreams costs
    `bundles_request` and `bundles_bitstream` a bitstream in it. A search that finds nothing costs as one that finds an
    item. `per_skipped`: of each row before a search page, as Solr collects these, too (not measured). DSpace 4 to 6: a
    list costs `per_row` a row asked for, `row_square` times the square of these rows, and `per_row_file` a file shown
    in it; a single item costs `legacy_item`. A list over OAI-PMH costs `per_record` an item. `scale`: all work takes
    this many times as long. `rate`: bytes a second of the line, for all answers together.

    `spent`: the seconds of work of all answers so far, without `scale`.
    """

    processors: int = 2
    per_item: float = 0.012
    per_bitstream: float = 0.0057
    square: float = 0.00015
    bundles_request: float = 0.020
    bundles_bitstream: float = 0.004
    per_skipped: float = 0.00001
    per_row: float = 0.0
    row_square: float = 0.0
    per_row_file: float = 0.0
    legacy_item: float = 0.0
    per_record: float = 0.0004
    scale: float = 1.0
    distance: float = 0.0
    rate: float = math.inf
    spent: float = field(default=0.0, init=False)
    _free: threading.Semaphore = field(init=False, repr=False)
    _line: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _busy_until: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        self._free = threading.Semaphore(self.processors)

    def search_page(self, items: int, bitstreams: int, skipped: int = 0) -> float:
        work = self.per_item * max(1, items) + self.per_bitstream * bitstreams + self.square * bitstreams**2
        return work + self.per_skipped * skipped

    def bundles(self, bitstreams: int) -> float:
        return self.bundles_request + self.bundles_bitstream * bitstreams

    def list_of(self, rows: int, files: int) -> float:
        """Return the price of a list of DSpace 4 to 6 of this many rows, with these files shown."""
        return self.per_row * rows + self.row_square * rows**2 + self.per_row_file * files

    def spend(self, price: float) -> None:
        """Wait as long as the network and the work take. The work occupies a processor."""
        if self.distance:
            time.sleep(self.distance)
        if price:
            with self._line:
                self.spent += price
            with self._free:
                time.sleep(price * self.scale)

    def carry(self, size: int) -> None:
        """Wait until this many bytes are sent, after those of others."""
        with self._line:
            self._busy_until = max(self._busy_until, time.monotonic()) + size / self.rate
            left = self._busy_until - time.monotonic()
        if left > 0:
            time.sleep(left)


FREE = Costs(
    per_item=0.0,
    per_bitstream=0.0,
    square=0.0,
    bundles_request=0.0,
    bundles_bitstream=0.0,
    per_skipped=0.0,
    per_record=0.0,
)
"""Answers as fast as they can be written."""

DSPACE_6 = replace(FREE, per_row=0.0055, row_square=0.000035, per_row_file=0.002, legacy_item=0.02)
"""DSpace 6: the cost of a list grows with the square of the rows asked for, with or without details."""

DSPACE_5 = replace(FREE, per_row=0.0005, per_row_file=0.001, legacy_item=0.004)
"""DSpace 4 and 5."""

REAL = {4: DSPACE_5, 5: DSPACE_5, 6: DSPACE_6}
"""The costs of a real server by its generation. Those that are missing cost as a DSpace 9.3."""
