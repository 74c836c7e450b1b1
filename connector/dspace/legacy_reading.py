"""What the walks and estimates of DSpace 4 to 6 share: the requests, the tree and the single items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..http import OutageWait
from .legacy_api import LegacyApi
from .legacy_items import LegacyItems
from .legacy_tree import LegacyTree


@dataclass(frozen=True, slots=True)
class LegacyReading:
    """The parts of a client. `width()`: the number of requests that may run in parallel now."""

    api: LegacyApi
    outage: OutageWait
    width: Callable[[], int]
    tree: LegacyTree
    items: LegacyItems
