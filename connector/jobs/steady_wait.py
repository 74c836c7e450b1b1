"""Keeps the status of a job steady while waits come and go, because screen readers read each change of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from ..models.jobs import WaitReason

HOLD_SECONDS = 10.0
Wait = tuple[WaitReason, str, datetime]


class SteadyWait:
    """The wait that the page of a job shows.

    A wait is still shown for HOLD_SECONDS after it ended. A wait for the same reason that begins in this time continues
    it, with its start. `clock`: returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._shown: Wait | None = None
        self._until = float("-inf")

    def wait_to_show(self, wait: Wait | None) -> Wait | None:
        """Return the wait to show. `wait`: the current wait as (reason, detail, start in UTC), or None."""
        now = self._clock()
        is_held = self._shown is not None and now < self._until
        if wait is None:
            return self._shown if is_held else None
        if is_held and self._shown is not None and self._shown[0] == wait[0]:
            wait = (*wait[:2], min(wait[2], self._shown[2]))
        self._shown, self._until = wait, now + HOLD_SECONDS
        return wait
