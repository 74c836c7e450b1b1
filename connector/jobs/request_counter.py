"""Counts the requests of one attempt at a job."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from ..extensions import transaction
from ..http import RequestStats
from .attempt import JobAttempt


class Connection(Protocol):
    """A connection of a job to another system."""

    @property
    def requests_made(self) -> int:
        """Return the number of requests sent."""

    def traffic(self) -> dict[str, Any]:
        """Return the request statistics (see `RequestStats.as_dict`)."""

    def close(self) -> None:
        """Close the network connections."""


class RequestCounter:
    """Counter of the requests of a connection. Safe between threads, because the heartbeat uses it, too.

    `before`: the request statistics of earlier attempts.
    """

    def __init__(self, connection: Connection, before: Mapping[str, Any] | None):
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
        return RequestStats.merge(self._before, self._connection.traffic())


@contextmanager
def count_requests(
    attempt: JobAttempt, connection: Connection, before: Mapping[str, Any] | None
) -> Iterator[RequestCounter]:
    """Count the requests of a connection with the job. Afterwards, close it and record those since the last write."""
    requests = RequestCounter(connection, before)
    attempt.new_requests = requests.new
    try:
        yield requests
    finally:
        connection.close()
        with transaction():
            attempt.advance(requests.new(), traffic=requests.traffic())
