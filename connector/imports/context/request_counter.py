"""Counts the requests of one attempt at an import."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from ...http import RequestStats
from ...repositories.connections import RepositoryConnection


class RequestCounter:
    """Counter of the requests of a connection. Safe between threads, because the heartbeat uses it, too.

    `before`: the request statistics of earlier attempts.
    """

    def __init__(self, connection: RepositoryConnection, before: Mapping[str, Any] | None):
        self._connection, self._before = connection, before
        self._counted, self._lock = 0, threading.Lock()

    def new(self) -> dict[str, int]:
        """Return the requests made since the last call, as a change to the job counters. The caller must write it."""
        with self._lock:
            made = self._connection.requests_made
            self._counted, new = made, made - self._counted
        return {"requests": new}

    def traffic(self) -> dict[str, Any]:
        """Return the request statistics of the job, including earlier attempts."""
        return RequestStats.merged(self._before, self._connection.traffic())
