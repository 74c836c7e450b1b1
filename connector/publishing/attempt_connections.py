"""Connections of jobs to destinations. Their requests are counted with the job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from ..errors import InvalidInputError
from ..extensions import db
from ..i18n import gettext as _
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..jobs.request_counter import count_requests
from ..omeka.resources import Site
from . import destinations
from .destination_connections import DestinationConnection
from .file_writer import seconds_left

Connect = Callable[..., DestinationConnection]


@contextmanager
def connected_for(attempt: JobAttempt, destination_id: int, connect: Connect) -> Iterator[DestinationConnection]:
    """Yield a connection of an attempt to a destination, close it after the block, and count its requests."""
    before = lifecycle.get(attempt.job_id).traffic
    connection = connect(destinations.get(destination_id), new_outage=attempt.new_outage)
    with count_requests(attempt, connection, before):
        yield connection


def wait_for_requests(attempt: JobAttempt, began_at: datetime | None) -> bool:
    """Wait until the site must have ended the requests of an earlier attempt. Return whether there was a wait.

    `began_at`: when the last of them began, in UTC. Raise JobStoppedError if the attempt must stop.
    """
    db.session.rollback()  # no transaction is open during the wait
    if not (seconds := seconds_left(began_at)):
        return False
    attempt.say(_("Waiting for requests of an earlier attempt to end"))
    attempt.stop.wait(seconds)
    attempt.check()
    return True


def check_key(connection: DestinationConnection) -> Site:
    """Return what the site offers. Raise InvalidInputError if the key may not write there."""
    site = connection.asked(connection.client.check)
    if not site.may_write:
        raise InvalidInputError(_("The key of this destination may not write. Check its key."))
    return site
