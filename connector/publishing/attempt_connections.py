"""Connections of jobs to destinations. Their requests are counted with the job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..jobs.request_counter import counted
from . import destinations
from .connections import DestinationConnection

Connect = Callable[..., DestinationConnection]


@contextmanager
def connected_for(attempt: JobAttempt, destination_id: int, connect: Connect) -> Iterator[DestinationConnection]:
    """Yield a connection of an attempt to a destination, close it after the block, and count its requests."""
    before = lifecycle.get(attempt.job_id).traffic
    connection = connect(destinations.get(destination_id), new_outage=attempt.new_outage)
    with counted(attempt, connection, before):
        yield connection
