"""Connections of jobs to destinations. Their requests are counted with the job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..extensions import transaction
from ..http import RequestStats
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from . import destinations
from .connections import DestinationConnection

Connect = Callable[..., DestinationConnection]


@contextmanager
def connected_for(attempt: JobAttempt, destination_id: int, connect: Connect) -> Iterator[DestinationConnection]:
    """Yield a connection of an attempt to a destination, close it after the block, and count its requests."""
    before = lifecycle.get(attempt.job_id).traffic
    connection = connect(destinations.get(destination_id), new_outage=attempt.new_outage)
    counted, lock = 0, threading.Lock()

    def new_requests() -> dict[str, int]:
        nonlocal counted
        with lock:
            made = connection.requests_made
            new, counted = made - counted, made
        return {"requests": new}

    attempt.new_requests = new_requests
    try:
        yield connection
    finally:
        connection.close()
        with transaction():
            attempt.advance(new_requests(), traffic=RequestStats.merged(before, connection.traffic()))
