"""Connections of jobs to destinations. Their requests are counted with the job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import InvalidInputError
from ..i18n import gettext as _
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..jobs.request_counter import count_requests
from ..omeka.resources import Site
from . import destinations
from .destination_connections import DestinationConnection

Connect = Callable[..., DestinationConnection]


@contextmanager
def connected_for(attempt: JobAttempt, destination_id: int, connect: Connect) -> Iterator[DestinationConnection]:
    """Yield a connection of an attempt to a destination, close it after the block, and count its requests."""
    before = lifecycle.get(attempt.job_id).traffic
    connection = connect(destinations.get(destination_id), new_outage=attempt.new_outage)
    with count_requests(attempt, connection, before):
        yield connection


def check_key(connection: DestinationConnection) -> Site:
    """Return what the site offers. Raise InvalidInputError if the key may not write there."""
    site = connection.asked(connection.client.check)
    if not site.may_write:
        raise InvalidInputError(_("The key of this destination may not write. Check its key."))
    return site
