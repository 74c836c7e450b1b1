"""A clock that only waits move, and a log of the reads between them."""

from __future__ import annotations

import threading

from connector.dspace.records import Item
from connector.http import OutageWait


class Clock(threading.Event):
    """A stop event and a clock in one: waiting moves the time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0)
        self.now += timeout or 0
        return self.is_set()


def item(number: int) -> Item:
    return Item(str(number), f"123456789/{number}", f"Item {number}", None)


def outage_wait(seconds: float = 1000, clock: Clock | None = None) -> tuple[OutageWait, Clock]:
    clock = clock or Clock()
    return OutageWait(seconds, clock, clock=lambda: clock.now, spread=lambda: 1.0), clock
